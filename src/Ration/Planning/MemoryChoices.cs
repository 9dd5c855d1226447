using Ration.Planning.Passes;

namespace Ration.Planning;

/// <summary>
/// How the memory of a training step is arranged. What is computed stays the same, but for methods that store activations or state in fewer bits
/// or update by another rule: <see cref="Quality"/> says so.
/// </summary>
/// <param name="MicroBatchRows">Rows that go through the model at once; the step's gradient is the sum over micro-batches.</param>
/// <param name="Recompute">What is computed again.</param>
/// <param name="Release">Whether a parameter is updated as soon as its gradient is complete.</param>
public sealed record MemoryChoices(int MicroBatchRows, RecomputeChoice Recompute, bool Release)
{
    /// <summary>How the backward pass's activations are kept.</summary>
    public ActivationMethod Activations { get; init; } = ActivationMethods.Full;

    /// <summary>Methods chosen where the run left them open.</summary>
    public MethodChoices Methods { get; init; } = MethodChoices.AsAsked;

    /// <summary>Into how many tiles of tokens MLPs are cut; 1 for none.</summary>
    public int MlpTiles { get; init; } = 1;

    /// <summary>When the gradient of the vocabulary's head is computed.</summary>
    public HeadGradient HeadGradient { get; init; }

    /// <summary>What these choices may do to the numbers.</summary>
    public MethodQuality Quality => Activations.Quality > Methods.Quality ? Activations.Quality : Methods.Quality;

    /// <summary>How far from exact, where plans are compared: a step for each of quality, and one for state in 4 bits, the coarsest of its own.</summary>
    internal int StepsFromExact => (int)Quality + (Methods.State == StateFormat.FourBit ? 1 : 0);
}
