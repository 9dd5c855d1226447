namespace Ration.Planning;

/// <summary>What is forgotten after the forward pass and computed again in the backward pass.</summary>
public enum RecomputeMode
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Everything cheap (norms, activation functions) in all blocks, and all of some blocks.</summary>
    Blocks,

    /// <summary>The square-root schedule: only the first input of every few blocks is kept.</summary>
    SquareRoot,
}

/// <summary>How much is computed again.</summary>
/// <param name="Mode">The schedule.</param>
/// <param name="Blocks">For <see cref="RecomputeMode.Blocks"/>: how many blocks, from the first, are computed again entirely.</param>
public readonly record struct RecomputeChoice(RecomputeMode Mode, int Blocks = 0)
{
    /// <inheritdoc/>
    public override string ToString() => Mode switch
    {
        RecomputeMode.None => "none",
        RecomputeMode.Blocks when Blocks == 0 => "cheap",
        RecomputeMode.Blocks => $"cheap+{Blocks}-blocks",
        _ => "sqrt",
    };

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <exception cref="FormatException">The text is no choice.</exception>
    public static RecomputeChoice Parse(string text)
    {
        if (text == "none") return new RecomputeChoice(RecomputeMode.None);
        if (text == "cheap") return new RecomputeChoice(RecomputeMode.Blocks);
        if (text == "sqrt") return new RecomputeChoice(RecomputeMode.SquareRoot);
        if (text.StartsWith("cheap+", StringComparison.Ordinal) && text.EndsWith("-blocks", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(6, text.Length - 13), out int blocks) && blocks > 0) return new RecomputeChoice(RecomputeMode.Blocks, blocks);
        throw new FormatException($"'{text}' is no recompute choice");
    }
}

/// <summary>How the memory of a training step is arranged. None of it changes what is computed.</summary>
/// <param name="MicroBatchRows">Rows that go through the model at once; the step's gradient is the sum over micro-batches.</param>
/// <param name="Recompute">What is computed again.</param>
/// <param name="Release">Whether a parameter is updated as soon as its gradient is complete.</param>
public sealed record MemoryChoices(int MicroBatchRows, RecomputeChoice Recompute, bool Release);
