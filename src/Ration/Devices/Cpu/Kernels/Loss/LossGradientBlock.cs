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
            for (nint row = 0; row < Rows;)
            {
                // Tiles below each other that count are multiplied as one: small products are slow.
                nint end = row;
                while (end < Rows && !IsNegligible(x, end, column, columns)) end = nint.Min(Rows, end + LossBlocks.FilterTokens);
                all += (end - row + LossBlocks.FilterTokens - 1) / LossBlocks.FilterTokens;
                if (HiddenGradient != null && end > row) MultiplyHidden(pool, x, row, end - row, column, columns, true);
                if (weights != null && end > row) MultiplyWeight(pool, x, row, end - row, column, columns, weights, holds);
                holds |= end > row;
                if (end == Rows) break;
                (row, all, skipped) = (end + LossBlocks.FilterTokens, all + 1, skipped + 1);
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

    private readonly bool IsNegligible(in LinearCrossEntropyArguments x, nint row, nint column, nint columns)
    {
        float threshold = x.FilterThreshold * MathF.Abs(x.Scale);
        nint end = nint.Min(Rows, row + LossBlocks.FilterTokens);
        for (; row < end; row++)
        {
            float* gradients = Logits + (row * Columns) + column;
            // The greatest passes over what is no number; the sum does not.
            if (!(ReductionLoops.MaxOf<Absolute>(gradients, columns) < threshold) || float.IsNaN(ReductionLoops.Sum(gradients, columns))) return false;
        }

        return true;
    }
}
