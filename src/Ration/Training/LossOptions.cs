using System.Globalization;
using Ration.Graphs.Ops;

namespace Ration.Training;

/// <summary>How the loss over the vocabulary is computed while a model is trained. Evaluation is always exact.</summary>
public enum LossMethod
{
    /// <summary>Blocks of logits that fit the cache, computed again in the backward pass (Wijmans et al. 2024). Exact; the default.</summary>
    Cut,

    /// <summary>As <see cref="Cut"/>, without the tiles of the gradient that are negligible (section 4.3 there). Not exact.</summary>
    Filtered,

    /// <summary>Logits of some tokens and the whole vocabulary at a time. Exact.</summary>
    Chunked,

    /// <summary>All logits are kept from the forward to the backward pass. Exact: the same bits as <see cref="Cut"/>.</summary>
    Full,

    /// <summary>The softmax over a share of the vocabulary, drawn anew for each step, and all targets of the step (An et al. 2022, Partial FC). Not exact.</summary>
    Sampled,
}

/// <summary>The loss of a training run.</summary>
public sealed record LossOptions
{
    /// <summary>
    /// 2⁻¹², the paper's threshold: below it a share of the softmax is lost when BF16 gradients are added up. In F32 nothing is lost before
    /// 2⁻²⁸ (that type's precision over 32, as the paper's code chooses it), but tiles as small as that are few.
    /// </summary>
    public const float DefaultFilterThreshold = 1f / 4096;

    /// <summary>The part of the vocabulary that is sampled unless told otherwise: a tenth, at which An et al. keep the accuracy of face recognition.</summary>
    public const double DefaultSampleShare = 0.1;

    /// <summary>Tokens of a chunk of <see cref="LossMethod.Chunked"/>.</summary>
    public const int ChunkTokens = 128;

    /// <summary>How the loss is computed.</summary>
    public LossMethod Method { get; init; }

    /// <summary>For <see cref="LossMethod.Filtered"/>: tiles of the gradient whose elements are all smaller are skipped; above 0, below 1.</summary>
    public float FilterThreshold { get; init; } = DefaultFilterThreshold;

    /// <summary>For <see cref="LossMethod.Sampled"/>: the part of the vocabulary that is sampled, above 0, up to 1.</summary>
    public double SampleShare { get; init; } = DefaultSampleShare;

    /// <summary>The name of the method on the command line.</summary>
    public string Name => NameOf(Method);

    /// <summary>The op in a training step.</summary>
    public LinearCrossEntropy Op => Method switch
    {
        LossMethod.Filtered => new LinearCrossEntropy(FilterThreshold: FilterThreshold, OrderVocabulary: true),
        LossMethod.Chunked => new LinearCrossEntropy(ChunkTokens: ChunkTokens),
        LossMethod.Full => new LinearCrossEntropy(KeepLogits: true),
        _ => new LinearCrossEntropy(),
    };

    /// <summary>The name of a method on the command line.</summary>
    public static string NameOf(LossMethod method) => method switch
    {
        LossMethod.Cut => "cut",
        LossMethod.Filtered => "cut-filtered",
        LossMethod.Chunked => "chunked",
        LossMethod.Full => "full",
        LossMethod.Sampled => "sampled",
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "unknown method"),
    };

    /// <summary>Classes that are drawn in a step: a share of the vocabulary, and no fewer than one.</summary>
    public int SampledClasses(int vocabulary) => (int)Math.Clamp(Math.Ceiling(SampleShare * vocabulary), 1, vocabulary);

    /// <summary>Classes that a step must have room for: those drawn, or its targets, if they can be more.</summary>
    public int SampleRoom(int vocabulary, long tokens) => (int)Math.Min(vocabulary, Math.Max(SampledClasses(vocabulary), tokens));

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="InvalidInputException">One of them cannot be used.</exception>
    public void Validate()
    {
        if (FilterThreshold is not (> 0 and < 1)) throw new InvalidInputException($"--filter-threshold {Text(FilterThreshold)}: give a number between 0 and 1, such as 0.000244");
        if (SampleShare is not (> 0 and <= 1)) throw new InvalidInputException($"--sample-share {Text(SampleShare)}: give a number above 0 and up to 1, such as 0.1");
    }

    /// <summary>The method with the numbers that count for it, as a command line would have it.</summary>
    public override string ToString() => Method switch
    {
        LossMethod.Filtered => $"{Name} --filter-threshold {Text(FilterThreshold)}",
        LossMethod.Sampled => $"{Name} --sample-share {Text(SampleShare)}",
        _ => Name,
    };

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(float number) => number.ToString(CultureInfo.InvariantCulture);
}
