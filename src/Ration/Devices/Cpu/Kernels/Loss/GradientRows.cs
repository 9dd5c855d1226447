using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Turns a block of logits into the gradient of the loss by them, in place.</summary>
internal unsafe struct GradientRows : IParallelWork
{
    private const int RowsOfItem = 16;

    // Columns whose slopes are held on the stack.
    private const int Piece = 512;

    /// <summary>[rows, stride]; overwritten.</summary>
    public float* Logits;

    /// <summary>Kept logits of the block's first row and column, [rows, kept stride], to begin with; null where logits are there already.</summary>
    public float* Kept;

    /// <summary>Floats from one row of kept logits to the next.</summary>
    public nint KeptStride;

    /// <summary>Floats from one row of logits to the next.</summary>
    public nint Stride;

    /// <summary>[rows]: numbers of classes.</summary>
    public int* Targets;

    /// <summary>[rows].</summary>
    public float* LogSumExp;

    /// <summary>Rows of the block.</summary>
    public nint Rows;

    /// <summary>Columns of the block that are classes; the others become zero.</summary>
    public nint Columns;

    /// <summary>The class of the first column.</summary>
    public nint Start;

    /// <summary>Factor on the loss.</summary>
    public float Scale;

    /// <summary>Probability that smoothing gives each class.</summary>
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
        float* logits = Logits + (row * Stride);
        nint classes = Targets[row] < 0 ? 0 : Columns;
        new Span<float>(logits + classes, (int)(Stride - classes)).Clear();
        if (classes == 0) return;
        if (Kept != null) Buffer.MemoryCopy(Kept + (row * KeptStride), logits, Columns * sizeof(float), Columns * sizeof(float));

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
