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
    public readonly double Loss(in LinearCrossEntropyArguments x)
    {
        double logSumExp = LogSumExp, smoothing = x.LabelSmoothing;
        double expected = ((1 - smoothing) * Target) + (smoothing * Total / x.Vocabulary);
        return logSumExp - expected + (x.ZLoss * logSumExp * logSumExp);
    }
}

/// <summary>Folds a block of logits into the state of its rows.</summary>
internal unsafe struct LossRows : IParallelWork
{
    private const int RowsOfItem = 16;

    /// <summary>[rows, columns]; overwritten by scratch.</summary>
    public float* Logits;

    /// <summary>[rows].</summary>
    public RowState* State;

    /// <summary>[rows].</summary>
    public int* Targets;

    /// <summary>Rows of the block.</summary>
    public nint Rows;

    /// <summary>Columns of the block.</summary>
    public nint Columns;

    /// <summary>The token id of the first column.</summary>
    public nint Start;

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
        float* logits = Logits + (row * Columns);
        ref RowState state = ref State[row];
        nint target = Targets[row] - Start;
        if (Targets[row] >= 0 && target >= 0 && target < Columns) state.Target = logits[target];
        state.Total += ReductionLoops.Sum(logits, Columns);
        float greatest = MathF.Max(state.Greatest, ReductionLoops.Max(logits, Columns));
        float before = state.Sum == 0 ? 0 : state.Sum * MathF.Exp(state.Greatest - greatest);
        ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(logits, greatest, logits, Columns);
        state.Sum = before + ReductionLoops.Sum(logits, Columns);
        state.Greatest = greatest;
    }
}

/// <summary>Turns a block of logits into the gradient of the loss by them, in place.</summary>
internal unsafe struct GradientRows : IParallelWork
{
    private const int RowsOfItem = 16;

    /// <summary>[rows, columns]; overwritten.</summary>
    public float* Logits;

    /// <summary>[rows].</summary>
    public int* Targets;

    /// <summary>[rows].</summary>
    public float* LogSumExp;

    /// <summary>Rows of the block.</summary>
    public nint Rows;

    /// <summary>Columns of the block.</summary>
    public nint Columns;

    /// <summary>The token id of the first column.</summary>
    public nint Start;

    /// <summary>Factor on the loss.</summary>
    public float Scale;

    /// <summary>Probability that smoothing gives each token.</summary>
    public float Spread;

    /// <summary>Probability that is left to the target besides.</summary>
    public float Peak;

    /// <summary>Coefficient of the squared log-sum-exp.</summary>
    public float ZLoss;

    /// <summary>Items of work.</summary>
    public readonly int Items => checked((int)((Rows + RowsOfItem - 1) / RowsOfItem));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
        for (nint row = (nint)item * RowsOfItem; row < end; row++) Differentiate(row);
    }

    // ∂/∂logit = scale · (softmax · (1 + 2·z·lse) − target distribution)
    private readonly void Differentiate(nint row)
    {
        float* logits = Logits + (row * Columns);
        if (Targets[row] < 0)
        {
            new Span<float>(logits, (int)Columns).Clear();
            return;
        }

        ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(logits, LogSumExp[row], logits, Columns);
        float factor = Scale * (1 + (2 * ZLoss * LogSumExp[row]));
        ElementwiseLoops.TernaryScalars<MultiplyAdd>(logits, factor, -Scale * Spread, logits, Columns);
        nint target = Targets[row] - Start;
        if (target >= 0 && target < Columns) logits[target] -= Scale * Peak;
    }
}

/// <summary>exp(x − y).</summary>
internal readonly struct ExponentialOfDifference : IBinaryOperator
{
    /// <inheritdoc/>
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => VectorMath.Exp(x - y);
}
