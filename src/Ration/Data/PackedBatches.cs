namespace Ration.Data;

/// <summary>
/// Rows of a fixed number of tokens cut from a long row of tokens, without padding: documents follow each other inside a row, and masks
/// keep them apart. The last part of the tokens is held out for evaluation and never trained on. Any row is made from its number alone,
/// so a run goes on where it stopped by knowing how many rows it has used.
/// </summary>
/// <remarks>
/// The training tokens form a ring. Each epoch cuts it, from a place of its own, into windows of <see cref="Sequence"/> inputs one after
/// another and takes them in an order of its own; the target of a window's last input is the next window's first. So in an epoch every
/// training token is an input once, but for fewer than <see cref="Sequence"/> at the cut.
/// </remarks>
public sealed class PackedBatches
{
    /// <summary>The target of a token whose successor is not to be learned.</summary>
    public const int IgnoredTarget = -1;

    /// <summary>The part of the tokens that is held out unless told otherwise.</summary>
    public const double DefaultHeldOut = 0.1;

    private readonly ITokenSource _tokens;
    private readonly ulong _seed;

    /// <summary>Divides the tokens into a training part and a held-out tail.</summary>
    /// <param name="tokens">The tokens; must outlive this object.</param>
    /// <param name="sequence">Tokens of a row.</param>
    /// <param name="seed">Decides the order of the training rows.</param>
    /// <param name="heldOut">The part of the tokens, from 0 to 1, that is only for evaluation. With 1 there are no training rows.</param>
    /// <exception cref="InvalidInputException">There are too few tokens for one row.</exception>
    public PackedBatches(ITokenSource tokens, int sequence, ulong seed, double heldOut = DefaultHeldOut)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequence, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, 1 << 29);
        if (!(heldOut is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(heldOut), heldOut, "the held-out part is a number from 0 to 1");
        _tokens = tokens;
        _seed = seed;
        Sequence = sequence;
        EvaluationTokens = (long)(tokens.Count * heldOut);
        TrainingTokens = tokens.Count - EvaluationTokens;
        if (heldOut < 1) RequireTraining();
        else if (EvaluationTokens < 2)
            throw new InvalidInputException($"the data has {EvaluationTokens} token{(EvaluationTokens == 1 ? "" : "s")}, and evaluating takes at least 2; give more text");
        RowsPerEpoch = heldOut < 1 ? TrainingTokens / sequence : 0;
        EvaluationRows = EvaluationTokens < 2 ? 0 : (EvaluationTokens - 2) / sequence + 1;
    }

    /// <summary>Tokens of a row.</summary>
    public int Sequence { get; }

    /// <summary>Tokens before the held-out tail.</summary>
    public long TrainingTokens { get; }

    /// <summary>Tokens of the held-out tail.</summary>
    public long EvaluationTokens { get; }

    /// <summary>Training rows of one epoch; row numbers go on through the epochs.</summary>
    public long RowsPerEpoch { get; }

    /// <summary>Rows that hold the whole tail, the last of them padded.</summary>
    public long EvaluationRows { get; }

    /// <summary>Makes training row <paramref name="row"/> of the run, in epoch <c>row / RowsPerEpoch</c>.</summary>
    /// <param name="row">The row's number, from 0 on.</param>
    /// <param name="inputs">Overwritten: [Sequence] token ids.</param>
    /// <param name="targets">Overwritten: [Sequence] the next token's id, or <see cref="IgnoredTarget"/> where it begins another
    /// document.</param>
    /// <param name="positions">Overwritten: [Sequence] the distance from the first key.</param>
    /// <param name="keyRanges">Overwritten: [Sequence, 2] the first and the last place of the row, both included, that each token may see:
    /// its document up to itself.</param>
    /// <returns>How many targets are not ignored.</returns>
    public int Fill(long row, Span<int> inputs, Span<int> targets, Span<int> positions, Span<int> keyRanges)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        if (RowsPerEpoch == 0) throw new InvalidOperationException("all tokens are held out: there are no training rows");
        RequireRow(inputs, targets, positions, keyRanges);
        long start = WindowStart(row);
        int beforeEnd = (int)Math.Min(Sequence, TrainingTokens - start);
        _tokens.Read(start, inputs[..beforeEnd]);
        _tokens.Read(0, inputs[beforeEnd..]);
        if (beforeEnd < Sequence) inputs[beforeEnd] |= ITokenSource.DocumentStart;
        long end = (start + Sequence) % TrainingTokens;
        int next = end == 0 ? ITokenSource.DocumentStart : ReadOne(end);
        return Mask(inputs, next, targets, positions, keyRanges);
    }

    /// <summary>Makes row <paramref name="row"/> of the held-out tail, in the order of the text. Padding sees only itself and has no
    /// targets.</summary>
    /// <param name="row">0 … <see cref="EvaluationRows"/> − 1.</param>
    /// <param name="inputs">As in <see cref="Fill"/>; padding is token 0.</param>
    /// <param name="targets">As in <see cref="Fill"/>.</param>
    /// <param name="positions">As in <see cref="Fill"/>.</param>
    /// <param name="keyRanges">As in <see cref="Fill"/>.</param>
    /// <returns>How many targets are not ignored.</returns>
    public int FillEvaluation(long row, Span<int> inputs, Span<int> targets, Span<int> positions, Span<int> keyRanges)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, EvaluationRows);
        RequireRow(inputs, targets, positions, keyRanges);
        long offset = row * Sequence;
        int real = (int)Math.Min(Sequence, EvaluationTokens - offset);
        _tokens.Read(TrainingTokens + offset, inputs[..real]);
        bool followed = offset + real < EvaluationTokens;
        int next = followed ? ReadOne(TrainingTokens + offset + real) : ITokenSource.DocumentStart;
        int valid = Mask(inputs[..real], next, targets, positions, keyRanges);
        for (int t = real; t < Sequence; t++)
        {
            inputs[t] = 0;
            targets[t] = IgnoredTarget;
            positions[t] = 0;
            keyRanges[2 * t] = t;
            keyRanges[(2 * t) + 1] = t;
        }

        return valid;
    }

    private static int Mask(Span<int> inputs, int next, Span<int> targets, Span<int> positions, Span<int> keyRanges)
    {
        int first = 0;
        int valid = 0;
        for (int t = 0; t < inputs.Length; t++)
        {
            if (inputs[t] < 0) first = t;
            int following = t + 1 < inputs.Length ? inputs[t + 1] : next;
            inputs[t] &= ~ITokenSource.DocumentStart;
            targets[t] = following < 0 ? IgnoredTarget : following;
            valid += following < 0 ? 0 : 1;
            positions[t] = t - first;
            keyRanges[2 * t] = first;
            keyRanges[(2 * t) + 1] = t;
        }

        return valid;
    }

    private void RequireTraining()
    {
        if (TrainingTokens > Sequence) return;
        string held = EvaluationTokens == 0 ? "" : $" beside the {EvaluationTokens} held out for evaluation";
        string shorter = TrainingTokens > 1 ? $"take a sequence of at most {TrainingTokens - 1} or " : "";
        throw new InvalidInputException(
            $"a row of {Sequence} token{(Sequence == 1 ? "" : "s")} needs {(long)Sequence + 1}, but the data has only {TrainingTokens} to train on{held}; "
            + $"{shorter}give more text");
    }

    private void RequireRow(Span<int> inputs, Span<int> targets, Span<int> positions, Span<int> keyRanges)
    {
        if (inputs.Length != Sequence || targets.Length != Sequence || positions.Length != Sequence || keyRanges.Length != 2 * Sequence)
        {
            throw new ArgumentException(
                $"a row has {Sequence} inputs, targets and positions and {2L * Sequence} ends of key ranges, "
                + $"not {inputs.Length}, {targets.Length}, {positions.Length} and {keyRanges.Length}");
        }
    }

    private long WindowStart(long row)
    {
        ulong epochKey = FeistelPermutation.Mix(FeistelPermutation.Mix(_seed) + (ulong)(row / RowsPerEpoch));
        var cut = (long)(FeistelPermutation.Mix(epochKey) % (ulong)TrainingTokens);
        long window = new FeistelPermutation(RowsPerEpoch, epochKey)[row % RowsPerEpoch];
        return (cut + (window * Sequence)) % TrainingTokens;
    }

    private int ReadOne(long index)
    {
        int token = 0;
        _tokens.Read(index, new Span<int>(ref token));
        return token;
    }
}
