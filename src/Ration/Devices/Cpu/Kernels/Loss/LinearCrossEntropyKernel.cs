using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Tiles of a gradient by the logits.</summary>
/// <param name="Skipped">Those that were negligible.</param>
/// <param name="All">Those that there are; 0 without a filter.</param>
internal readonly record struct FilteredTiles(long Skipped, long All);

/// <summary>
/// The vocabulary head and its loss over blocks of tokens × classes that fit the last-level cache (after Wijmans et al. 2024, "Cut Your
/// Losses in Large-Vocabulary Language Models", algorithms 1–3): the forward pass keeps a running log-sum-exp for each token, the
/// backward pass computes each block of logits again and turns it into a block of their gradient in place.
/// </summary>
internal static unsafe class LinearCrossEntropyKernel
{
    /// <summary>The loss, and each token's log-sum-exp.</summary>
    /// <param name="pool">The workers.</param>
    /// <param name="x">Operands.</param>
    /// <param name="loss">Overwritten.</param>
    /// <param name="logSumExp">[tokens] overwritten; of ignored tokens too.</param>
    /// <param name="workspace">Scratch of the blocks of the forward pass.</param>
    /// <exception cref="ArgumentOutOfRangeException">A target is no class; nothing was written.</exception>
    public static void Forward(WorkerPool pool, in LinearCrossEntropyArguments x, float* loss, float* logSumExp, byte* workspace)
    {
        RequireTargets(x);
        LossBlocks blocks = x.Blocks(backward: false);
        HeadRows head = HeadRows.Of(x, blocks, workspace);
        float share = x.AverageLogits == null ? 0 : ShareOfToken(x);
        double sum = 0;
        for (nint first = 0; first < x.Tokens; first += blocks.Rows)
        {
            LossRows work = new()
            {
                Logits = (float*)workspace,
                State = (RowState*)(workspace + blocks.States),
                Targets = head.Targets + first,
                Rows = nint.Min(blocks.Rows, x.Tokens - first),
                KeptStride = head.Count,
                SoftCap = x.AverageLogits == null ? x.SoftCap : 0,
            };
            for (nint row = 0; row < work.Rows; row++) work.State[row] = RowState.Empty;
            for (nint start = 0; start < head.Count; start += blocks.Columns)
            {
                work.Start = start;
                work.Stride = Columns(x, blocks, start);
                work.Columns = head.Valid(start, work.Stride);
                if (x.KeptLogits != null) work.Kept = x.KeptLogits + (first * head.Count) + start;
                MatrixOperand hidden = new(x.Hidden + (first * x.Width), DType.F32, x.Width, false);
                Gemm.Multiply(
                    pool, hidden, head.Block(pool, x, start, work.Stride).Transposed, work.Logits, work.Stride, work.Rows, work.Stride, x.Width, false,
                    workspace + blocks.Products);
                if (x.AverageLogits != null) Average(pool, x, work, share, first == 0);
                pool.Run(ref work, work.Items);
            }

            for (nint row = 0; row < work.Rows; row++)
            {
                logSumExp[first + row] = work.State[row].LogSumExp;
                if (x.Targets[first + row] >= 0) sum += work.State[row].Loss(x, head.Count);
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
    /// <param name="workspace">Scratch of the blocks of the backward pass.</param>
    /// <returns>What the filter did.</returns>
    public static FilteredTiles Backward(
        WorkerPool pool, in LinearCrossEntropyArguments x, float* logSumExp, float* hiddenGradient, float* weightGradient, bool accumulateWeight, byte* workspace)
    {
        LossBlocks blocks = x.Blocks(backward: true);
        HeadRows head = x.AverageLogits == null ? HeadRows.Of(x, blocks, workspace) : HeadRows.InOrder(x, blocks, workspace);
        if (weightGradient != null && !accumulateWeight && (head.IsList || x.Tokens == 0)) StorageKernel.Fill(pool, weightGradient, 0, x.Vocabulary * x.Width);
        if (hiddenGradient != null && head.Count == 0) StorageKernel.Fill(pool, hiddenGradient, 0, x.Tokens * x.Width);
        FilteredTiles tiles = default;
        for (nint first = 0; first < x.Tokens; first += blocks.Rows)
        {
            LossGradientBlock block = new()
            {
                Logits = (float*)workspace,
                Slice = (float*)(workspace + blocks.GatheredGradient),
                Scratch = workspace + blocks.Products,
                Hidden = x.Hidden + (first * x.Width),
                HiddenGradient = hiddenGradient == null ? null : hiddenGradient + (first * x.Width),
                WeightGradient = weightGradient,
                AddsWeight = accumulateWeight || first > 0,
                Head = head,
                Rows = nint.Min(blocks.Rows, x.Tokens - first),
            };
            for (nint start = 0; start < head.Count; start += blocks.Columns)
            {
                (block.Start, block.Columns) = (start, Columns(x, blocks, start));
                block.HeadBlock = head.Block(pool, x, start, block.Columns);
                LogitGradients(pool, x, block, first, logSumExp + first);
                if (x.FilterThreshold > 0) tiles = block.MultiplyFiltered(pool, x, tiles);
                else block.Multiply(pool, x);
            }
        }

        return tiles;
    }

    private static void RequireTargets(in LinearCrossEntropyArguments x)
    {
        for (nint i = 0; i < x.Tokens; i++)
        {
            if (x.Targets[i] >= x.Vocabulary) throw new ArgumentOutOfRangeException(nameof(x), $"the target {x.Targets[i]} of token {i} is not one of {x.Vocabulary} classes");
        }
    }

    private static void LogitGradients(WorkerPool pool, in LinearCrossEntropyArguments x, in LossGradientBlock block, nint first, float* logSumExp)
    {
        if (x.KeptLogits == null)
        {
            MatrixOperand hidden = new(block.Hidden, DType.F32, x.Width, false);
            Gemm.Multiply(pool, hidden, block.HeadBlock.Transposed, block.Logits, block.Columns, block.Rows, block.Columns, x.Width, false, block.Scratch);
        }

        GradientRows work = new()
        {
            Logits = block.Logits,
            Kept = x.KeptLogits == null ? null : x.KeptLogits + (first * block.Head.Count) + block.Start,
            KeptStride = block.Head.Count,
            Stride = block.Columns,
            Targets = block.Head.Targets + first,
            LogSumExp = logSumExp,
            Rows = block.Rows,
            Columns = block.Head.Valid(block.Start, block.Columns),
            Start = block.Start,
            Scale = x.Scale,
            Spread = x.LabelSmoothing / block.Head.Count,
            Peak = 1 - x.LabelSmoothing,
            ZLoss = x.ZLoss,
            SoftCap = x.SoftCap,
        };
        pool.Run(ref work, work.Items);
    }

    // Also caps the logits, which are then folded as they are.
    private static void Average(WorkerPool pool, in LinearCrossEntropyArguments x, in LossRows block, float share, bool isFirst)
    {
        LogitAverages work = new()
        {
            Logits = block.Logits,
            Averages = x.AverageLogits + block.Start,
            Targets = block.Targets,
            Rows = block.Rows,
            Columns = block.Columns,
            Share = share,
            SoftCap = x.SoftCap,
            IsFirst = isFirst,
        };
        pool.Run(ref work, work.Items);
    }

    private static float ShareOfToken(in LinearCrossEntropyArguments x)
    {
        long valid = 0;
        for (nint i = 0; i < x.Tokens; i++) valid += x.Targets[i] >= 0 ? 1 : 0;
        return valid == 0 ? 0 : (float)(1.0 / valid);
    }

    // Room of a sample that is not used counts, so that products have the sizes that the scratch was made for.
    private static nint Columns(in LinearCrossEntropyArguments x, in LossBlocks blocks, nint start) =>
        nint.Min(blocks.Columns, (x.Sample == null ? x.Vocabulary : x.SampleRoom) - start);
}
