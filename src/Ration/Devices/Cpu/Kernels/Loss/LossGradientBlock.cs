using System.Runtime.InteropServices;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>A block of the gradient by the logits, and where its products go: dHidden += G·W and dWeight += Gᵀ·H.</summary>
internal unsafe struct LossGradientBlock
{
    /// <summary>[rows, columns].</summary>
    public float* Logits;

    /// <summary>Hidden states [rows, width].</summary>
    public float* Hidden;

    /// <summary>[rows, width], or null.</summary>
    public float* HiddenGradient;

    /// <summary>[vocabulary, width], or null.</summary>
    public float* WeightGradient;

    /// <summary>Room for a slice of the gradient of chosen rows of the head.</summary>
    public float* Slice;

    /// <summary>Scratch of products.</summary>
    public byte* Scratch;

    /// <summary>Which rows of the head are classes.</summary>
    public HeadRows Head;

    /// <summary>Those of this block.</summary>
    public HeadBlock HeadBlock;

    /// <summary>Tokens of the block.</summary>
    public nint Rows;

    /// <summary>Classes of the block.</summary>
    public nint Columns;

    /// <summary>The first class.</summary>
    public nint Start;

    /// <summary>Whether the head's gradient is added to what is there.</summary>
    public bool AddsWeight;

    /// <summary>Both products of the whole block.</summary>
    public readonly void Multiply(WorkerPool pool, in LinearCrossEntropyArguments x)
    {
        if (HiddenGradient != null) MultiplyHidden(pool, x, 0, Rows, 0, Columns, Start > 0);
        if (WeightGradient == null) return;
        if (!Head.IsList)
        {
            MultiplyWeight(pool, x, 0, Rows, 0, Columns, WeightGradient + (Start * x.Width), AddsWeight);
            return;
        }

        for (nint column = 0; column < Columns; column += LossBlocks.Slice)
        {
            nint columns = nint.Min(LossBlocks.Slice, Columns - column);
            MultiplyWeight(pool, x, 0, Rows, column, columns, Slice, false);
            Head.AddTo(pool, x, WeightGradient, Slice, Start + column, columns);
        }
    }

    /// <summary>
    /// The products of those tiles that are not negligible (section 4.3 of Wijmans et al. 2024: most of a trained model's softmax rounds to
    /// nothing). The paper looks at the softmax alone; with the targets in it, as in its reference code, what is skipped is bounded by the
    /// threshold everywhere.
    /// </summary>
    /// <returns>The tiles counted so far and these.</returns>
    public readonly FilteredTiles MultiplyFiltered(WorkerPool pool, in LinearCrossEntropyArguments x, FilteredTiles tiles)
    {
        (long skipped, long all) = tiles;
        if (HiddenGradient != null && Start == 0) NativeMemory.Clear(HiddenGradient, (nuint)(Rows * x.Width * sizeof(float)));
        for (nint column = 0; column < Columns; column += LossBlocks.Slice)
        {
            nint columns = nint.Min(LossBlocks.Slice, Columns - column);
            float* weights = WeightGradient == null ? null : Head.IsList ? Slice : WeightGradient + ((Start + column) * x.Width);
            bool holds = !Head.IsList && AddsWeight;
            for (nint row = 0; row < Rows; row += LossBlocks.FilterTokens)
            {
                nint rows = nint.Min(LossBlocks.FilterTokens, Rows - row);
                all++;
                if (IsNegligible(row, rows, column, columns, x.FilterThreshold * MathF.Abs(x.Scale)))
                {
                    skipped++;
                    continue;
                }

                if (HiddenGradient != null) MultiplyHidden(pool, x, row, rows, column, columns, true);
                if (weights != null) MultiplyWeight(pool, x, row, rows, column, columns, weights, holds);
                holds = true;
            }

            if (weights == null) continue;
            if (Head.IsList && holds) Head.AddTo(pool, x, WeightGradient, Slice, Start + column, columns);
            else if (!Head.IsList && !holds) NativeMemory.Clear(weights, (nuint)(columns * x.Width * sizeof(float)));
        }

        return new FilteredTiles(skipped, all);
    }

    private readonly void MultiplyHidden(
        WorkerPool pool, in LinearCrossEntropyArguments x, nint row, nint rows, nint column, nint columns, bool add)
    {
        MatrixOperand gradient = new(Logits + (row * Columns) + column, DType.F32, Columns, false);
        Gemm.Multiply(pool, gradient, HeadBlock.Plain(column), HiddenGradient + (row * x.Width), x.Width, rows, x.Width, columns, add, Scratch);
    }

    private readonly void MultiplyWeight(
        WorkerPool pool, in LinearCrossEntropyArguments x, nint row, nint rows, nint column, nint columns, float* target, bool add)
    {
        MatrixOperand gradient = new(Logits + (row * Columns) + column, DType.F32, Columns, true);
        MatrixOperand hidden = new(Hidden + (row * x.Width), DType.F32, x.Width, false);
        Gemm.Multiply(pool, gradient, hidden, target, x.Width, columns, x.Width, rows, add, Scratch);
    }

    private readonly bool IsNegligible(nint row, nint rows, nint column, nint columns, float threshold)
    {
        for (nint r = row; r < row + rows; r++)
        {
            float* gradients = Logits + (r * Columns) + column;
            if (!(ReductionLoops.MaxOf<Absolute>(gradients, columns) < threshold)) return false;
        }

        return true;
    }
}
