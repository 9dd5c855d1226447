using System.Runtime.CompilerServices;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Attention of a few queries a row, as in generation: keys and values are read once, straight from memory and however they are stored,
/// for all query heads that share them. An item is a stretch of keys of a row, all its heads, so that long rows are shared among workers
/// (Dao et al. 2023, "Flash-Decoding"); where there are several, each leaves its part for <see cref="AttentionMerge"/>.
/// </summary>
internal unsafe struct AttentionOfFewQueries : IParallelWork
{
    /// <summary>Keys of a stretch: stretches begin at its multiples.</summary>
    public const int Stretch = Graphs.Ops.Attention.RingMultiple;

    private const int Together = 4;

    /// <summary>[rows·queries, heads·d].</summary>
    public float* Q;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public byte* K;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public byte* V;

    /// <summary>[rows, queries, 2].</summary>
    public int* KeyRanges;

    /// <summary>[rows·queries, heads·d], overwritten; of each stretch where there are several.</summary>
    public float* Output;

    /// <summary>[rows, heads, queries], overwritten; of each stretch where there are several.</summary>
    public float* LogSumExp;

    /// <summary>The sizes.</summary>
    public AttentionShape Shape;

    /// <summary>Stretches of every row: an item for each.</summary>
    public nint Stretches;

    /// <summary>The keys that any query of a row sees; (∞, −1) if none.</summary>
    public static (nint First, nint Last) Seen(in AttentionShape shape, int* keyRanges, nint row)
    {
        nint first = int.MaxValue, last = -1;
        for (nint query = 0; query < shape.Queries; query++)
        {
            (nint start, nint end) = shape.Range(keyRanges, row, query);
            (first, last) = (nint.Min(first, start), nint.Max(last, end));
        }

        return (first, last);
    }

    /// <summary>How many stretches hold keys that are seen.</summary>
    public static nint Count((nint First, nint Last) seen) => seen.Last < seen.First ? 0 : (seen.Last / Stretch) - (seen.First / Stretch) + 1;

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint row = item / Stretches, number = item % Stretches;
        (nint first, nint last) = Seen(Shape, KeyRanges, row);
        nint start = first > last ? 0 : ((first / Stretch) + number) * Stretch;
        (first, last) = (nint.Max(first, start), nint.Min(last, start + Stretch - 1));
        if (number > 0 && first > last) return;
        for (nint kvHead = 0; kvHead < Shape.KvHeads; kvHead++)
        {
            nint all = Shape.Queries * Shape.Group, index = 0;
            for (; index + 1 < all; index += Together) Take(item, row, kvHead, index, nint.Min(Together, all - index), first, last);
            if (index < all) Take(item, row, kvHead, index, 1, first, last);
        }
    }

    // Up to four pairs of a query and a head, from pair number index on. A stretch that is nobody's yields 0 and −∞.
    [SkipLocalsInit]
    private readonly void Take(nint item, nint row, nint kvHead, nint index, nint count, nint first, nint last)
    {
        float* scores = stackalloc float[Together * Stretch];
        FourVectors q = default, weights = default, output = default;
        Pointers(item, row, kvHead, index, 0, scores, ref q.A, ref weights.A, ref output.A);
        Pointers(item, row, kvHead, index, nint.Min(1, count - 1), scores, ref q.B, ref weights.B, ref output.B);
        Pointers(item, row, kvHead, index, nint.Min(2, count - 1), scores, ref q.C, ref weights.C, ref output.C);
        Pointers(item, row, kvHead, index, nint.Min(3, count - 1), scores, ref q.D, ref weights.D, ref output.D);
        CacheSpan keys = Span(K, row, kvHead, first, last), values = Span(V, row, kvHead, first, last);
        Run<Dots>(q, keys, weights, count);
        for (nint i = 0; i < count; i++)
        {
            nint query = (index + i) / Shape.Group, head = (kvHead * Shape.Group) + ((index + i) % Shape.Group);
            *LogSumExpOf(item, head, query) = Softmax(scores + (i * Stretch), row, query, first, keys.Count);
        }

        Run<Mixes>(weights, values, output, count);
    }

    private readonly void Pointers(
        nint item, nint row, nint kvHead, nint index, nint number, float* scores, ref float* q, ref float* weights, ref float* output)
    {
        nint query = (index + number) / Shape.Group, head = (kvHead * Shape.Group) + ((index + number) % Shape.Group);
        q = Q + (((row * Shape.Queries) + query) * Shape.QueryStep) + (head * Shape.HeadDimension);
        weights = scores + (number * Stretch);
        output = Output + (((item * Shape.Queries) + query) * Shape.OutputStep) + (head * Shape.HeadDimension);
    }

    private readonly float* LogSumExpOf(nint item, nint head, nint query) => LogSumExp + (((item * Shape.Heads) + head) * Shape.Queries) + query;

    private readonly CacheSpan Span(byte* data, nint row, nint kvHead, nint first, nint last) => new()
    {
        Start = data + (((row * Shape.Keys) + Shape.Slot(first > last ? 0 : first)) * Shape.KeyStepBytes) + (kvHead * Shape.HeadBytes),
        Step = Shape.KeyStepBytes,
        HeadBytes = Shape.HeadBytes,
        Count = nint.Max(0, last - first + 1),
        Channels = Shape.HeadDimension,
    };

    // Scores in, weights that add up to 1 out; returns their log-sum-exp. Keys that the query does not see weigh nothing.
    private readonly float Softmax(float* scores, nint row, nint query, nint first, nint count)
    {
        (nint start, nint end) = Shape.Range(KeyRanges, row, query);
        (start, end) = (nint.Max(start - first, 0), nint.Min(end - first + 1, count));
        if (start >= end)
        {
            new Span<float>(scores, (int)count).Clear();
            return float.NegativeInfinity;
        }

        new Span<float>(scores, (int)start).Clear();
        new Span<float>(scores + end, (int)(count - end)).Clear();
        scores += start;
        count = end - start;
        if (Shape.SoftCap > 0) ElementwiseLoops.TernaryScalars<CappedScore>(scores, Shape.Scale, Shape.SoftCap, scores, count);
        else ElementwiseLoops.BinaryScalar<Multiply>(scores, Shape.Scale, scores, count);
        float greatest = ReductionLoops.Max(scores, count);
        ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(scores, greatest, scores, count);
        float sum = ReductionLoops.Sum(scores, count);
        ElementwiseLoops.BinaryScalar<Multiply>(scores, 1 / sum, scores, count);
        return greatest + MathF.Log(sum);
    }

    // One choice of format and width for both directions.
    private readonly void Run<TProduct>(in FourVectors left, in CacheSpan rows, in FourVectors right, nint count)
        where TProduct : struct, ICacheProduct
    {
        switch (Shape.KeyType)
        {
            case DType.F32: Run<TProduct, PlainFormat<SingleElement>>(left, rows, right, count); break;
            case DType.BF16: Run<TProduct, PlainFormat<BFloat16Element>>(left, rows, right, count); break;
            case DType.F16: Run<TProduct, HalfFormat>(left, rows, right, count); break;
            default: Run<TProduct, EightBitFormat>(left, rows, right, count); break;
        }
    }

    private static void Run<TProduct, TFormat>(in FourVectors left, in CacheSpan rows, in FourVectors right, nint count)
        where TProduct : struct, ICacheProduct
        where TFormat : struct, ICacheFormat
    {
        if (LaneWidth.Is16) TProduct.Do<TFormat, Lanes16>(left, rows, right, count);
        else if (LaneWidth.Is8) TProduct.Do<TFormat, Lanes8>(left, rows, right, count);
        else TProduct.Do<TFormat, Lanes1>(left, rows, right, count);
    }

    // What is done with cached rows for one query or for four.
    private interface ICacheProduct
    {
        static abstract void Do<TFormat, T>(in FourVectors left, in CacheSpan rows, in FourVectors right, nint count)
            where TFormat : struct, ICacheFormat
            where T : unmanaged, ILanes<T>;
    }

    private readonly struct Dots : ICacheProduct
    {
        public static void Do<TFormat, T>(in FourVectors left, in CacheSpan rows, in FourVectors right, nint count)
            where TFormat : struct, ICacheFormat
            where T : unmanaged, ILanes<T>
        {
            if (count == 1) CachedRows<TFormat, T>.Dot(left.A, rows, right.A);
            else CachedRows<TFormat, T>.DotFour(left, rows, right);
        }
    }

    private readonly struct Mixes : ICacheProduct
    {
        public static void Do<TFormat, T>(in FourVectors left, in CacheSpan rows, in FourVectors right, nint count)
            where TFormat : struct, ICacheFormat
            where T : unmanaged, ILanes<T>
        {
            if (count == 1) CachedRows<TFormat, T>.Mix(left.A, rows, right.A);
            else CachedRows<TFormat, T>.MixFour(left, rows, right);
        }
    }

    private readonly struct CappedScore : ITernaryOperator
    {
        public static T Do<T>(T x, T y, T z)
            where T : unmanaged, ILanes<T> => VectorMath.Tanh(x * y / z) * z;
    }
}
