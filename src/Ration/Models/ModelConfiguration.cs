using Ration.Graphs.Ops;

namespace Ration.Models;

/// <summary>The shape and constants of a decoder-only transformer of the Llama family.</summary>
public sealed record ModelConfiguration
{
    /// <summary>A short name for people.</summary>
    public required string Name { get; init; }

    /// <summary>Token ids, 0 … this − 1.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Channels of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Channels inside an MLP.</summary>
    public required int HiddenWidth { get; init; }

    /// <summary>Transformer blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Channels of a head.</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Tokens of context the model is meant for.</summary>
    public int Context { get; init; } = 2048;

    /// <summary>Frequency base of the rotary embedding.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Which channels of a head form rotated pairs.</summary>
    public RotaryPairing RotaryPairing { get; init; } = RotaryPairing.Halves;

    /// <summary>Added to mean squares in norms.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <summary>Whether the head is the embedding table.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>If not 0, a token sees at most this many tokens up to itself.</summary>
    public int SlidingWindow { get; init; }

    /// <summary>Number of parameters.</summary>
    public long Parameters => LlamaModel.ParameterShapes(this).Sum(static p => p.Shape.Elements);

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="InvalidInputException">They do not; the message says which.</exception>
    public void Validate()
    {
        Require(Vocabulary is > 0 and <= 4_000_000, $"vocabulary {Vocabulary} is not between 1 and 4,000,000");
        Require(Width is > 0 and <= 1 << 20, $"width {Width} is not between 1 and 1,048,576");
        Require(HiddenWidth is > 0 and <= 1 << 22, $"hidden width {HiddenWidth} is not between 1 and 4,194,304");
        Require(Layers is > 0 and <= 10_000, $"{Layers} layers is not between 1 and 10,000");
        Require(KvHeads > 0 && Heads > 0 && Heads <= 65_536 && Heads % KvHeads == 0, $"{Heads} heads cannot share {KvHeads} key-value heads");
        Require(HeadDimension is > 0 and <= 65_536 && HeadDimension % 2 == 0, $"head dimension {HeadDimension} is not an even number between 2 and 65,536");
        Require(Context > 0, $"context {Context} is not positive");
        Require(RopeTheta > 0 && double.IsFinite(RopeTheta), $"rope theta {RopeTheta} is not positive");
        Require(NormEpsilon is > 0 and < 1, $"norm epsilon {NormEpsilon} is not between 0 and 1");
        Require(SlidingWindow >= 0, $"sliding window {SlidingWindow} is negative");
    }

    private void Require(bool condition, string complaint)
    {
        if (!condition) throw new InvalidInputException($"model {Name}: {complaint}");
    }
}
