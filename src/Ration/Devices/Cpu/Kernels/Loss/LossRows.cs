using System.Runtime.CompilerServices;

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
        float* logits = Logits + (row * Columns);
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

/// <summary>Turns a block of logits into the gradient of the loss by them, in place.</summary>
internal unsafe struct GradientRows : IParallelWork
{
    private const int RowsOfItem = 16;

    // Columns whose slopes are held on the stack.
    private const int Piece = 512;

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

    /// <summary>Logits z become cap · tanh(z / cap); 0 for as they are.</summary>
    public float SoftCap;

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

        if (SoftCap > 0)
        {
            DifferentiateCapped(row, logits);
            return;
        }

        ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(logits, LogSumExp[row], logits, Columns);
        float factor = Scale * (1 + (2 * ZLoss * LogSumExp[row]));
        ElementwiseLoops.TernaryScalars<MultiplyAdd>(logits, factor, -Scale * Spread, logits, Columns);
        nint target = Targets[row] - Start;
        if (target >= 0 && target < Columns) logits[target] -= Scale * Peak;
    }

    // As above for c = cap·tanh(z / cap), times ∂c/∂z = 1 − (c / cap)².
    [SkipLocalsInit]
    private readonly void DifferentiateCapped(nint row, float* logits)
    {
        float* slopes = stackalloc float[Piece];
        float factor = Scale * (1 + (2 * ZLoss * LogSumExp[row]));
        nint target = Targets[row] - Start;
        for (nint start = 0; start < Columns; start += Piece)
        {
            float* piece = logits + start;
            nint count = nint.Min(Piece, Columns - start);
            ElementwiseLoops.TernaryScalars<CappedLogit>(piece, SoftCap, 1 / SoftCap, piece, count);
            ElementwiseLoops.BinaryScalar<SlopeOfCapped>(piece, 1 / SoftCap, slopes, count);
            ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(piece, LogSumExp[row], piece, count);
            ElementwiseLoops.TernaryScalars<MultiplyAdd>(piece, factor, -Scale * Spread, piece, count);
            if (target >= start && target < start + count) logits[target] -= Scale * Peak;
            ElementwiseLoops.Binary<Multiply>(piece, slopes, piece, count);
        }
    }
}

/// <summary>y · tanh(x · z): a logit under the cap y, whose reciprocal is z.</summary>
internal readonly struct CappedLogit : ITernaryOperator
{
    /// <inheritdoc/>
    public static T Do<T>(T x, T y, T z)
        where T : unmanaged, ILanes<T> => y * VectorMath.Tanh(x * z);
}

/// <summary>1 − (x · y)²: how fast a capped logit x grows with its logit, y being the reciprocal of the cap.</summary>
internal readonly struct SlopeOfCapped : IBinaryOperator
{
    /// <inheritdoc/>
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => T.MultiplyAdd(-(x * y), x * y, T.Create(1f));
}

/// <summary>exp(x − y).</summary>
internal readonly struct ExponentialOfDifference : IBinaryOperator
{
    /// <inheritdoc/>
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => VectorMath.Exp(x - y);
}
