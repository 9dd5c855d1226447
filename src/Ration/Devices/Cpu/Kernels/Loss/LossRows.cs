namespace Ration.Devices.Cpu.Kernels;

/// <summary>What is known of a token's logits while the vocabulary is passed block by block.</summary>
internal struct RowState
{
    /// <summary>Floats of one state.</summary>
    public const int Floats = 4;

    /// <summary>The greatest logit so far.</summary>
    public float Greatest;

    /// <summary>Σ exp(logit − greatest) so far.</summary>
    public float Sum;

    /// <summary>The target's logit, once seen.</summary>
    public float Target;

    /// <summary>Sum of all logits so far, for label smoothing.</summary>
    public float Total;

    /// <summary>Nothing seen.</summary>
    public static RowState Empty => new() { Greatest = float.NegativeInfinity };

    /// <summary>Logarithm of the softmax's denominator.</summary>
    public readonly float LogSumExp => Greatest + MathF.Log(Sum);

    /// <summary>The token's loss, before scaling.</summary>
    /// <param name="x">What the loss is.</param>
    /// <param name="classes">Over how many classes label smoothing spreads.</param>
    public readonly double Loss(in LinearCrossEntropyArguments x, nint classes)
    {
        double logSumExp = LogSumExp, smoothing = x.LabelSmoothing;
        double expected = ((1 - smoothing) * Target) + (smoothing * Total / classes);
        return logSumExp - expected + (x.ZLoss * logSumExp * logSumExp);
    }
}

/// <summary>Folds a block of logits into the state of its rows.</summary>
internal unsafe struct LossRows : IParallelWork
{
    private const int RowsOfItem = 16;

    /// <summary>[rows, stride]; overwritten by scratch.</summary>
    public float* Logits;

    /// <summary>Where the logits of the block's first row and column are kept, [rows, kept stride]; null for nowhere.</summary>
    public float* Kept;

    /// <summary>Floats from one row of kept logits to the next.</summary>
    public nint KeptStride;

    /// <summary>Floats from one row of logits to the next.</summary>
    public nint Stride;

    /// <summary>[rows].</summary>
    public RowState* State;

    /// <summary>[rows]: numbers of classes.</summary>
    public int* Targets;

    /// <summary>Rows of the block.</summary>
    public nint Rows;

    /// <summary>Columns of the block that are classes.</summary>
    public nint Columns;

    /// <summary>The class of the first column.</summary>
    public nint Start;

    /// <summary>Logits z become cap · tanh(z / cap); 0 for as they are.</summary>
    public float SoftCap;

    /// <summary>Items of work.</summary>
    public readonly int Items => checked((int)((Rows + RowsOfItem - 1) / RowsOfItem));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
        for (nint row = (nint)item * RowsOfItem; row < end; row++) Fold(row);
    }

    private readonly void Fold(nint row)
    {
        float* logits = Logits + (row * Stride);
        if (Kept != null) Buffer.MemoryCopy(logits, Kept + (row * KeptStride), Columns * sizeof(float), Columns * sizeof(float));
        ref RowState state = ref State[row];
        nint target = Targets[row] - Start;
        if (SoftCap > 0) ElementwiseLoops.TernaryScalars<CappedLogit>(logits, SoftCap, 1 / SoftCap, logits, Columns);
        if (Targets[row] >= 0 && target >= 0 && target < Columns) state.Target = logits[target];
        state.Total += ReductionLoops.Sum(logits, Columns);
        float greatest = MathF.Max(state.Greatest, ReductionLoops.Max(logits, Columns));
        float before = state.Sum == 0 ? 0 : state.Sum * MathF.Exp(state.Greatest - greatest);
        ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(logits, greatest, logits, Columns);
        state.Sum = before + ReductionLoops.Sum(logits, Columns);
        state.Greatest = greatest;
    }
}
