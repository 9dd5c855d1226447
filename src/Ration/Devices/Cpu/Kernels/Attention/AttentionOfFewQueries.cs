using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Attention of a few queries a row, as in generation: keys and values are read once, straight from memory, for all query heads that
/// share them. An item is one key and value head of a row.
/// </summary>
internal unsafe struct AttentionOfFewQueries : IParallelWork
{
    private const int Block = 64;

    /// <summary>[rows·queries, heads·d].</summary>
    public float* Q;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public float* K;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public float* V;

    /// <summary>[rows, queries, 2].</summary>
    public int* KeyRanges;

    /// <summary>[rows·queries, heads·d], overwritten.</summary>
    public float* Output;

    /// <summary>[rows, heads, queries], overwritten.</summary>
    public float* LogSumExp;

    /// <summary>The sizes.</summary>
    public AttentionShape Shape;

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint row = item / Shape.KvHeads, kvHead = item % Shape.KvHeads, first = int.MaxValue, last = -1;
        for (nint query = 0; query < Shape.Queries; query++)
        {
            (nint start, nint end) = Shape.Range(KeyRanges, row, query);
            (first, last) = (nint.Min(first, start), nint.Max(last, end));
            for (nint head = kvHead * Shape.Group; head < (kvHead + 1) * Shape.Group; head++)
            {
                // Nothing taken in so far; what follows updates both block by block.
                *LogSumExpOf(row, head, query) = float.NegativeInfinity;
                new Span<float>(OutputOf(row, head, query), (int)Shape.HeadDimension).Clear();
            }
        }

        for (nint key = first; key <= last; key += Block)
        {
            for (nint query = 0; query < Shape.Queries; query++)
            {
                (nint start, nint end) = Shape.Range(KeyRanges, row, query);
                (start, end) = (nint.Max(start, key), nint.Min(end + 1, key + Block));
                if (start >= end) continue;
                for (nint head = kvHead * Shape.Group; head < (kvHead + 1) * Shape.Group; head++) Take(row, head, query, start, end);
            }
        }
    }

    private readonly float* OutputOf(nint row, nint head, nint query) =>
        Output + (((row * Shape.Queries) + query) * Shape.OutputStep) + (head * Shape.HeadDimension);

    private readonly float* LogSumExpOf(nint row, nint head, nint query) =>
        LogSumExp + (((row * Shape.Heads) + head) * Shape.Queries) + query;

    // The output is kept normalized: with L the log-sum-exp so far and l that of the block, the parts weigh e^(L − new) and e^(l − new).
    [SkipLocalsInit]
    private readonly void Take(nint row, nint head, nint query, nint start, nint end)
    {
        float* scores = stackalloc float[Block];
        nint d = Shape.HeadDimension, count = end - start;
        float* q = Q + (((row * Shape.Queries) + query) * Shape.QueryStep) + (head * d);
        nint offset = (((row * Shape.Keys) + start) * Shape.KeyStep) + (head / Shape.Group * d);
        for (nint i = 0; i < count; i++) scores[i] = Score(ReductionLoops.Dot(q, K + offset + (i * Shape.KeyStep), d));
        float greatest = ReductionLoops.Max(scores, count);
        ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(scores, greatest, scores, count);
        float block = greatest + MathF.Log(ReductionLoops.Sum(scores, count));

        float* logSumExp = LogSumExpOf(row, head, query), output = OutputOf(row, head, query);
        float before = *logSumExp, larger = MathF.Max(before, block);
        float both = larger + MathF.Log(MathF.Exp(before - larger) + MathF.Exp(block - larger));
        *logSumExp = both;
        if (before != float.NegativeInfinity) ElementwiseLoops.BinaryScalar<Multiply>(output, MathF.Exp(before - both), output, d);
        float weight = MathF.Exp(greatest - both);
        for (nint i = 0; i < count; i++) ReductionLoops.Axpy(scores[i] * weight, V + offset + (i * Shape.KeyStep), output, d);
    }

    private readonly float Score(float product)
    {
        float score = product * Shape.Scale;
        return Shape.SoftCap > 0 ? Shape.SoftCap * MathF.Tanh(score / Shape.SoftCap) : score;
    }
}
