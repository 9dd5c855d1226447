namespace Ration.Inference.Sampling;

/// <summary>
/// One method of sampling: changes the scores of tokens, or drops tokens that shall not be drawn. Steps run one after another for every
/// token of a text, so they allocate nothing; they may keep scratch of the vocabulary's size. A new method is one class that implements
/// this, listed in <see cref="SamplingOptions.Steps"/>.
/// </summary>
public interface ISamplingStep
{
    /// <summary>Applies the method. At least one token must be left.</summary>
    void Apply(Candidates candidates);
}
