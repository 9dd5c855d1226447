using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// The product of a few rows with a matrix stored [n, k], as in generation: each stored row is read once, in order, and multiplied
/// by all rows of A while it passes. Nothing is packed, so the speed is the memory's.
/// </summary>
internal unsafe struct RowProduct : IParallelWork
{
    /// <summary>The most rows of A for which this beats the packed product; quantized rows may be multiplied by more.</summary>
    public const int LargestM = 4;

    private const int ItemBytes = 256 << 10;
    private const int ColumnsTogether = 4;
    private const int ExpandedElements = 1024;

    /// <summary>A [m, k] in f32.</summary>
    public float* A;
    public nint AStride;
    public MatrixOperand B;
    public float* C;
    public nint CStride;
    public nint M;
    public nint N;
    public nint K;
    public bool Accumulate;

    private readonly nint ColumnsPerItem => nint.Max(1, ItemBytes / nint.Max(1, (nint)B.Type.Bytes((long)K)));

    /// <summary>Items of the whole product, from n, k and the type alone.</summary>
    public readonly int Items => checked((int)((N + ColumnsPerItem - 1) / ColumnsPerItem));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint from = item * ColumnsPerItem, to = nint.Min(N, from + ColumnsPerItem);
        if (B.Type.IsQuantized())
        {
            Expand(from, to);
            return;
        }

        switch (B.Type)
        {
            case DType.F32: Run<SingleElement>(from, to); break;
            case DType.BF16: Run<BFloat16Element>(from, to); break;
            case DType.F8E4M3: Run<ByteFloat43Element>(from, to); break;
            case DType.F8E5M2: Run<ByteFloat52Element>(from, to); break;
            case DType.F16: Run<HalfElement>(from, to); break;
            default: throw new NotSupportedException($"no matrix product with factors of {B.Type}");
        }
    }

    // Blocks have their own product in tiles; here each row is expanded piece by piece and multiplied as floats.
    [SkipLocalsInit]
    private readonly void Expand(nint from, nint to)
    {
        float* piece = stackalloc float[ExpandedElements];
        for (nint column = from; column < to; column++)
        {
            for (nint row = 0; row < M && !Accumulate; row++) C[(row * CStride) + column] = 0;
            for (nint start = 0; start < K; start += ExpandedElements)
            {
                nint count = nint.Min(ExpandedElements, K - start);
                StoredBlocks.Read(B, column, start, count, piece);
                for (nint row = 0; row < M; row++) C[(row * CStride) + column] += Dot((A + (row * AStride)) + start, piece, count);
            }
        }
    }

    private static float Dot(float* a, float* b, nint k)
    {
        if (Vector512.IsHardwareAccelerated) return Dot<SingleElement, Lanes16, Vector512<float>>(a, (byte*)b, k);
        if (Vector256.IsHardwareAccelerated && Fma.IsSupported) return Dot<SingleElement, Lanes8, Vector256<float>>(a, (byte*)b, k);
        return Vector128.IsHardwareAccelerated ? Dot<SingleElement, Lanes4, Vector128<float>>(a, (byte*)b, k) : Dot<SingleElement, Lanes1, float>(a, (byte*)b, k);
    }

    private readonly void Run<TElement>(nint from, nint to)
        where TElement : struct, IElement
    {
        if (Vector512.IsHardwareAccelerated) Run<TElement, Lanes16, Vector512<float>>(from, to);
        else if (Vector256.IsHardwareAccelerated && Fma.IsSupported) Run<TElement, Lanes8, Vector256<float>>(from, to);
        else if (Vector128.IsHardwareAccelerated) Run<TElement, Lanes4, Vector128<float>>(from, to);
        else Run<TElement, Lanes1, float>(from, to);
    }

    private readonly void Run<TElement, TLanes, TVector>(nint from, nint to)
        where TElement : struct, IElement
        where TVector : unmanaged
        where TLanes : struct, ILanes<TVector>
    {
        float* sums = stackalloc float[LargestM * ColumnsTogether];
        nint step = B.RowStride * TElement.Bytes, together = M == 1 ? 1 : ColumnsTogether;
        for (nint column = from; column < to; column += together)
        {
            byte* b = B.Data + (column * step);
            nint columns = nint.Min(together, to - column);
            if (M == 1) sums[0] = Dot<TElement, TLanes, TVector>(A, b, K);
            else Dots<TElement, TLanes, TVector>(A, AStride, M - 1, b, step, columns - 1, K, sums);
            for (nint row = 0; row < M; row++)
            {
                float* c = C + (row * CStride) + column;
                for (nint i = 0; i < columns; i++) c[i] = Accumulate ? c[i] + sums[(row * ColumnsTogether) + i] : sums[(row * ColumnsTogether) + i];
            }
        }
    }

    private static float Dot<TElement, TLanes, TVector>(float* a, byte* b, nint k)
        where TElement : struct, IElement
        where TVector : unmanaged
        where TLanes : struct, ILanes<TVector>
    {
        TVector s0 = default, s1 = default, s2 = default, s3 = default;
        int count = TLanes.Count, step = count * TElement.Bytes;
        for (; k >= 4 * count; k -= 4 * count, a += 4 * count, b += 4 * step)
        {
            s0 = TLanes.MultiplyAdd(TLanes.Load(a), TLanes.Load<TElement>(b), s0);
            s1 = TLanes.MultiplyAdd(TLanes.Load(a + count), TLanes.Load<TElement>(b + step), s1);
            s2 = TLanes.MultiplyAdd(TLanes.Load(a + (2 * count)), TLanes.Load<TElement>(b + (2 * step)), s2);
            s3 = TLanes.MultiplyAdd(TLanes.Load(a + (3 * count)), TLanes.Load<TElement>(b + (3 * step)), s3);
        }

        for (; k >= count; k -= count, a += count, b += step) s0 = TLanes.MultiplyAdd(TLanes.Load(a), TLanes.Load<TElement>(b), s0);
        float sum = TLanes.Sum(TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)));
        for (; k > 0; k--, a++, b += TElement.Bytes) sum += *a * TElement.Load(b);
        return sum;
    }

    // Four rows by four columns, so that neither the rows nor the weights are loaded for one product alone; where there are fewer,
    // the last ones are done again and their sums not used.
    private static void Dots<TElement, TLanes, TVector>(
        float* a, nint aStride, nint lastRow, byte* b, nint bStep, nint lastColumn, nint k, float* sums)
        where TElement : struct, IElement
        where TVector : unmanaged
        where TLanes : struct, ILanes<TVector>
    {
        float* a1 = a + (nint.Min(1, lastRow) * aStride), a2 = a + (nint.Min(2, lastRow) * aStride), a3 = a + (nint.Min(3, lastRow) * aStride);
        byte* b1 = b + (nint.Min(1, lastColumn) * bStep), b2 = b + (nint.Min(2, lastColumn) * bStep), b3 = b + (nint.Min(3, lastColumn) * bStep);
        TVector s00 = default, s01 = default, s02 = default, s03 = default,
            s10 = default, s11 = default, s12 = default, s13 = default,
            s20 = default, s21 = default, s22 = default, s23 = default,
            s30 = default, s31 = default, s32 = default, s33 = default;
        nint i = 0;
        for (; i + TLanes.Count <= k; i += TLanes.Count)
        {
            nint at = i * TElement.Bytes;
            if (Sse.IsSupported) PrefetchNext(b + at, bStep);
            TVector w0 = TLanes.Load<TElement>(b + at), w1 = TLanes.Load<TElement>(b1 + at);
            TVector w2 = TLanes.Load<TElement>(b2 + at), w3 = TLanes.Load<TElement>(b3 + at);
            TVector x0 = TLanes.Load(a + i);
            s00 = TLanes.MultiplyAdd(x0, w0, s00); s01 = TLanes.MultiplyAdd(x0, w1, s01);
            s02 = TLanes.MultiplyAdd(x0, w2, s02); s03 = TLanes.MultiplyAdd(x0, w3, s03);
            TVector x1 = TLanes.Load(a1 + i);
            s10 = TLanes.MultiplyAdd(x1, w0, s10); s11 = TLanes.MultiplyAdd(x1, w1, s11);
            s12 = TLanes.MultiplyAdd(x1, w2, s12); s13 = TLanes.MultiplyAdd(x1, w3, s13);
            TVector x2 = TLanes.Load(a2 + i);
            s20 = TLanes.MultiplyAdd(x2, w0, s20); s21 = TLanes.MultiplyAdd(x2, w1, s21);
            s22 = TLanes.MultiplyAdd(x2, w2, s22); s23 = TLanes.MultiplyAdd(x2, w3, s23);
            TVector x3 = TLanes.Load(a3 + i);
            s30 = TLanes.MultiplyAdd(x3, w0, s30); s31 = TLanes.MultiplyAdd(x3, w1, s31);
            s32 = TLanes.MultiplyAdd(x3, w2, s32); s33 = TLanes.MultiplyAdd(x3, w3, s33);
        }

        SumRow<TLanes, TVector>(s00, s01, s02, s03, sums);
        SumRow<TLanes, TVector>(s10, s11, s12, s13, sums + 4);
        SumRow<TLanes, TVector>(s20, s21, s22, s23, sums + 8);
        SumRow<TLanes, TVector>(s30, s31, s32, s33, sums + 12);
        for (; i < k; i++)
        {
            nint at = i * TElement.Bytes;
            float w0 = TElement.Load(b + at), w1 = TElement.Load(b1 + at), w2 = TElement.Load(b2 + at), w3 = TElement.Load(b3 + at);
            AddProducts(a[i], w0, w1, w2, w3, sums);
            AddProducts(a1[i], w0, w1, w2, w3, sums + 4);
            AddProducts(a2[i], w0, w1, w2, w3, sums + 8);
            AddProducts(a3[i], w0, w1, w2, w3, sums + 12);
        }
    }

    // The four columns after these: each stored row is too short a stream for the hardware to run ahead on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchNext(byte* b, nint bStep)
    {
        Sse.Prefetch1(b + (4 * bStep));
        Sse.Prefetch1(b + (5 * bStep));
        Sse.Prefetch1(b + (6 * bStep));
        Sse.Prefetch1(b + (7 * bStep));
    }

    private static void SumRow<TLanes, TVector>(TVector s0, TVector s1, TVector s2, TVector s3, float* sums)
        where TVector : unmanaged
        where TLanes : struct, ILanes<TVector>
    {
        sums[0] = TLanes.Sum(s0);
        sums[1] = TLanes.Sum(s1);
        sums[2] = TLanes.Sum(s2);
        sums[3] = TLanes.Sum(s3);
    }

    private static void AddProducts(float x, float w0, float w1, float w2, float w3, float* sums)
    {
        sums[0] += x * w0;
        sums[1] += x * w1;
        sums[2] += x * w2;
        sums[3] += x * w3;
    }
}
