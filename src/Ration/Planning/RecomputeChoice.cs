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

    /// <summary>The attention of every block, and everything cheap.</summary>
    Attention,

    /// <summary>The MLP of every block, and everything cheap.</summary>
    Mlp,

    /// <summary>For each block what costs the least time within the budget.</summary>
    Optimal,
}

/// <summary>How much is computed again.</summary>
/// <param name="Mode">The schedule.</param>
/// <param name="Blocks">For <see cref="RecomputeMode.Blocks"/>: how many blocks, from the first, are computed again entirely.</param>
/// <param name="Parts">For <see cref="RecomputeMode.Optimal"/>: a letter for each block, see <see cref="RecomputedParts"/>.</param>
public readonly record struct RecomputeChoice(RecomputeMode Mode, int Blocks = 0, string Parts = "")
{
    private const string OptimalPrefix = "optimal:";

    /// <inheritdoc/>
    public override string ToString() => Mode switch
    {
        RecomputeMode.None => "none",
        RecomputeMode.Blocks when Blocks == 0 => "cheap",
        RecomputeMode.Blocks => $"cheap+{Blocks}-blocks",
        RecomputeMode.SquareRoot => "sqrt",
        RecomputeMode.Attention => "attention",
        RecomputeMode.Mlp => "mlp",
        _ => OptimalPrefix + Parts,
    };

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <exception cref="FormatException">The text is no choice.</exception>
    public static RecomputeChoice Parse(string text)
    {
        foreach (RecomputeChoice plain in (ReadOnlySpan<RecomputeChoice>)[new(RecomputeMode.None), new(RecomputeMode.Blocks), new(RecomputeMode.SquareRoot),
            new(RecomputeMode.Attention), new(RecomputeMode.Mlp)])
        {
            if (text == plain.ToString()) return plain;
        }

        if (text.StartsWith(OptimalPrefix, StringComparison.Ordinal) && RecomputedParts.AreValid(text[OptimalPrefix.Length..]))
            return new RecomputeChoice(RecomputeMode.Optimal, 0, text[OptimalPrefix.Length..]);
        if (text.StartsWith("cheap+", StringComparison.Ordinal) && text.EndsWith("-blocks", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(6, text.Length - 13), out int blocks) && blocks > 0) return new RecomputeChoice(RecomputeMode.Blocks, blocks);
        throw new FormatException($"'{text}' is no recompute choice");
    }
}

/// <summary>What of a block is computed again, as one letter, so that a model's schedule is a word with a letter for each block.</summary>
public static class RecomputedParts
{
    /// <summary>Everything is kept.</summary>
    public const char Nothing = '-';

    /// <summary>Norms and activation functions, each on its own.</summary>
    public const char Cheap = 'c';

    /// <summary>The attention as a whole, and of the MLP what is cheap.</summary>
    public const char Attention = 'a';

    /// <summary>The MLP as a whole, and of the attention what is cheap.</summary>
    public const char Mlp = 'm';

    /// <summary>Attention and MLP, each on its own: the residual stream between them is kept.</summary>
    public const char Both = 'p';

    /// <summary>The whole block; its input is kept.</summary>
    public const char Block = 'b';

    /// <summary>The whole block, together with the one before it: nothing is kept between them.</summary>
    public const char Joined = '+';

    /// <summary>Whether a word is a schedule: known letters, and nothing joined to a block that is not computed again.</summary>
    public static bool AreValid(string parts)
    {
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i] == Joined ? i == 0 || parts[i - 1] is not (Block or Joined) : parts[i] is not (Nothing or Cheap or Attention or Mlp or Both or Block)) return false;
        }

        return parts.Length > 0;
    }
}
