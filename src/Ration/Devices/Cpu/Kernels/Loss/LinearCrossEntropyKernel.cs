using System.Runtime.InteropServices;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Sizes and operands of a linear cross-entropy.</summary>
internal unsafe struct LinearCrossEntropyArguments
{
    /// <summary>Hidden states [tokens, width].</summary>
    public float* Hidden;

    /// <summary>The head [vocabulary, width].</summary>
    public byte* Weight;

    /// <summary>Storage of the head.</summary>
    public DType WeightType;

    /// <summary>Target ids [tokens]; negative = ignored.</summary>
    public int* Targets;

    /// <summary>Rows of hidden states.</summary>
    public nint Tokens;

    /// <summary>Rows of the head.</summary>
    public nint Vocabulary;

    /// <summary>Columns of both.</summary>
    public nint Width;

    /// <summary>Factor on the loss and on all gradients.</summary>
    public float Scale;

    /// <summary>Share of the target's probability that is spread evenly.</summary>
    public float LabelSmoothing;

    /// <summary>Coefficient of the squared log-sum-exp.</summary>
    public float ZLoss;

    /// <summary>Gradient tiles whose elements are all smaller are skipped; 0 for none.</summary>
    public float FilterThreshold;

    /// <summary>Logits z become cap · tanh(z / cap); 0 for as they are.</summary>
    public float SoftCap;

    /// <summary>Rows of the head from <paramref name="row"/>, as the matrix [width, columns].</summary>
    public readonly MatrixOperand Transposed(nint row) => new(Weight + (row * (nint)WeightType.Bytes((long)Width)), WeightType, Width, true);

    /// <summary>Rows of the head from <paramref name="row"/>, as they are.</summary>
    public readonly MatrixOperand Plain(nint row) => new(Weight + (row * (nint)WeightType.Bytes((long)Width)), WeightType, Width, false);
}

/// <summary>
/// The vocabulary head and its loss over blocks of tokens × vocabulary that fit the last-level cache (after Wijmans et al. 2024, "Cut
/// Your Losses in Large-Vocabulary Language Models", algorithms 1–3): the forward pass keeps a running log-sum-exp for each token, the
/// backward pass computes each block of logits again and turns it into a block of their gradient in place.
/// </summary>
internal static unsafe class LinearCrossEntropyKernel
{
    /// <summary>Tokens of a block.</summary>
    public const nint TokenBlock = 2048;

    /// <summary>Floats of a block at the most: 4 MiB.</summary>
    private const nint BlockFloats = 1 << 20;

    private const nint FilterTokens = 128;
    private const nint FilterColumns = 256;

    /// <summary>Bytes of scratch, whatever the number of tokens or of workers.</summary>
    /// <param name="tokens">Rows of hidden states.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="width">Columns of both.</param>
    /// <param name="threads">Workers.</param>
    /// <param name="head">Storage of the head: of one in blocks, products are cut at their borders and need more.</param>
    public static long WorkspaceBytes(nint tokens, nint vocabulary, nint width, int threads, DType head)
    {
        nint rows = nint.Min(tokens, TokenBlock), columns = Columns(rows, vocabulary);
        nint lastRows = tokens % TokenBlock, lastColumns = vocabulary % columns;
        long products = Math.Max(
            LargestProductBytes([rows, lastRows], [columns, lastColumns], width, threads, head),
            LargestProductBytes(
                [nint.Min(rows, FilterTokens), rows % FilterTokens, lastRows % FilterTokens],
                [nint.Min(columns, FilterColumns), columns % FilterColumns, lastColumns % FilterColumns], width, threads, head));
        return BlockBytes(rows, columns) + Aligned(rows * RowState.Floats * sizeof(float)) + products;
    }

    /// <summary>The loss, and each token's log-sum-exp.</summary>
    /// <param name="pool">The workers.</param>
    /// <param name="x">Operands.</param>
    /// <param name="loss">Overwritten.</param>
    /// <param name="logSumExp">[tokens] overwritten; of ignored tokens too.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/> bytes.</param>
    public static void Forward(WorkerPool pool, in LinearCrossEntropyArguments x, float* loss, float* logSumExp, byte* workspace)
    {
        double sum = 0;
        nint columns = Columns(nint.Min(TokenBlock, x.Tokens), x.Vocabulary);
        for (nint first = 0; first < x.Tokens; first += TokenBlock)
        {
            nint rows = nint.Min(TokenBlock, x.Tokens - first);
            LossRows work = new()
            {
                Logits = (float*)workspace,
                State = (RowState*)(workspace + BlockBytes(rows, columns)),
                Targets = x.Targets + first,
                Rows = rows,
                SoftCap = x.SoftCap,
            };
            byte* scratch = (byte*)work.State + Aligned(rows * RowState.Floats * sizeof(float));
            for (nint row = 0; row < rows; row++) work.State[row] = RowState.Empty;
            for (nint start = 0; start < x.Vocabulary; start += columns)
            {
                (work.Start, work.Columns) = (start, nint.Min(columns, x.Vocabulary - start));
                MatrixOperand hidden = new(x.Hidden + (first * x.Width), DType.F32, x.Width, false);
                Gemm.Multiply(pool, hidden, x.Transposed(start), work.Logits, work.Columns, rows, work.Columns, x.Width, false, scratch);
                pool.Run(ref work, work.Items);
            }

            for (nint row = 0; row < rows; row++)
            {
                logSumExp[first + row] = work.State[row].LogSumExp;
                if (x.Targets[first + row] >= 0) sum += work.State[row].Loss(x);
            }
        }

        *loss = (float)(sum * x.Scale);
    }

    /// <summary>The gradients of hidden states and head.</summary>
    /// <param name="pool">The workers.</param>
    /// <param name="x">Operands.</param>
    /// <param name="logSumExp">[tokens], of the forward pass.</param>
    /// <param name="hiddenGradient">[tokens, width] overwritten, or null if not wanted.</param>
    /// <param name="weightGradient">[vocabulary, width] overwritten or added to, or null if not wanted.</param>
    /// <param name="accumulateWeight">Whether the head's gradient is added to what is there.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/> bytes.</param>
    public static void Backward(
        WorkerPool pool, in LinearCrossEntropyArguments x, float* logSumExp, float* hiddenGradient, float* weightGradient, bool accumulateWeight, byte* workspace)
    {
        nint columns = Columns(nint.Min(TokenBlock, x.Tokens), x.Vocabulary);
        for (nint first = 0; first < x.Tokens; first += TokenBlock)
        {
            nint rows = nint.Min(TokenBlock, x.Tokens - first);
            Block block = new()
            {
                Logits = (float*)workspace,
                Scratch = workspace + BlockBytes(rows, columns) + Aligned(rows * RowState.Floats * sizeof(float)),
                Hidden = x.Hidden + (first * x.Width),
                Rows = rows,
            };
            for (nint start = 0; start < x.Vocabulary; start += columns)
            {
                (block.Start, block.Columns) = (start, nint.Min(columns, x.Vocabulary - start));
                LogitGradients(pool, x, block, x.Targets + first, logSumExp + first);
                float* dHidden = hiddenGradient == null ? null : hiddenGradient + (first * x.Width);
                float* dWeight = weightGradient == null ? null : weightGradient + (start * x.Width);
                if (x.FilterThreshold > 0) MultiplyFiltered(pool, x, block, dHidden, start > 0, dWeight, accumulateWeight || first > 0);
                else Multiply(pool, x, block, 0, rows, 0, block.Columns, dHidden, start > 0, dWeight, accumulateWeight || first > 0);
            }
        }
    }

    private static void LogitGradients(WorkerPool pool, in LinearCrossEntropyArguments x, in Block block, int* targets, float* logSumExp)
    {
        MatrixOperand hidden = new(block.Hidden, DType.F32, x.Width, false);
        Gemm.Multiply(pool, hidden, x.Transposed(block.Start), block.Logits, block.Columns, block.Rows, block.Columns, x.Width, false, block.Scratch);
        GradientRows work = new()
        {
            Logits = block.Logits,
            Targets = targets,
            LogSumExp = logSumExp,
            Rows = block.Rows,
            Columns = block.Columns,
            Start = block.Start,
            Scale = x.Scale,
            Spread = x.LabelSmoothing / x.Vocabulary,
            Peak = 1 - x.LabelSmoothing,
            ZLoss = x.ZLoss,
            SoftCap = x.SoftCap,
        };
        pool.Run(ref work, work.Items);
    }

    // dHidden += G·W and dWeight += Gᵀ·H over a rectangle of the block.
    private static void Multiply(
        WorkerPool pool, in LinearCrossEntropyArguments x, in Block block, nint row, nint rows, nint column, nint columns,
        float* dHidden, bool addHidden, float* dWeight, bool addWeight)
    {
        float* logits = block.Logits + (row * block.Columns) + column;
        if (dHidden != null)
        {
            MatrixOperand gradient = new(logits, DType.F32, block.Columns, false);
            Gemm.Multiply(pool, gradient, x.Plain(block.Start + column), dHidden + (row * x.Width), x.Width, rows, x.Width, columns, addHidden, block.Scratch);
        }

        if (dWeight != null)
        {
            MatrixOperand gradient = new(logits, DType.F32, block.Columns, true);
            MatrixOperand hidden = new(block.Hidden + (row * x.Width), DType.F32, x.Width, false);
            Gemm.Multiply(pool, gradient, hidden, dWeight + (column * x.Width), x.Width, columns, x.Width, rows, addWeight, block.Scratch);
        }
    }

    // Gradient filtering (section 4.3 of the paper): most of a trained model's softmax rounds to nothing.
    private static void MultiplyFiltered(
        WorkerPool pool, in LinearCrossEntropyArguments x, in Block block, float* dHidden, bool addHidden, float* dWeight, bool addWeight)
    {
        if (dHidden != null && !addHidden) NativeMemory.Clear(dHidden, (nuint)(block.Rows * x.Width * sizeof(float)));
        if (dWeight != null && !addWeight) NativeMemory.Clear(dWeight, (nuint)(block.Columns * x.Width * sizeof(float)));
        for (nint column = 0; column < block.Columns; column += FilterColumns)
        {
            nint columns = nint.Min(FilterColumns, block.Columns - column);
            for (nint row = 0; row < block.Rows; row += FilterTokens)
            {
                nint rows = nint.Min(FilterTokens, block.Rows - row);
                if (IsNegligible(block, row, rows, column, columns, x.FilterThreshold * x.Scale)) continue;
                Multiply(pool, x, block, row, rows, column, columns, dHidden, true, dWeight, true);
            }
        }
    }

    private static bool IsNegligible(in Block block, nint row, nint rows, nint column, nint columns, float threshold)
    {
        for (nint r = row; r < row + rows; r++)
        {
            float* gradients = block.Logits + (r * block.Columns) + column;
            if (!(ReductionLoops.MaxOf<Absolute>(gradients, columns) < threshold)) return false;
        }

        return true;
    }

    private static nint Columns(nint rows, nint vocabulary)
    {
        nint columns = BlockFloats / nint.Max(1, rows) / FilterColumns * FilterColumns;
        return nint.Min(vocabulary, nint.Clamp(columns, FilterColumns, 8 * FilterColumns));
    }

    // Of the three products of every block that occurs, the last ones included: a smaller product can need more scratch than a larger one.
    private static long LargestProductBytes(ReadOnlySpan<nint> rows, ReadOnlySpan<nint> columns, nint width, int threads, DType head)
    {
        int block = Gemm.BlockElements(DType.F32, head);
        long largest = 0;
        foreach (nint r in rows)
        {
            foreach (nint c in columns)
            {
                largest = Math.Max(largest, Gemm.WorkspaceBytes(r, c, width, threads, block));
                largest = Math.Max(largest, Math.Max(Gemm.WorkspaceBytes(c, width, r, threads), Gemm.WorkspaceBytes(r, width, c, threads, block)));
            }
        }

        return largest;
    }

    private static nint BlockBytes(nint rows, nint columns) => Aligned(rows * columns * sizeof(float));

    private static nint Aligned(nint bytes) => (nint)ByteSize.AlignUp(bytes, 64);

    private struct Block
    {
        public float* Logits;
        public float* Hidden;
        public byte* Scratch;
        public nint Rows;
        public nint Columns;
        public nint Start;
    }
}
