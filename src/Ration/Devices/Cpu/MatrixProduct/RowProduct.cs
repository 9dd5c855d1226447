using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ration.Tensors;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// The product of a few rows with a matrix stored [n, k], as in generation: each stored row is read once, in order, and multiplied
/// by all rows of A while it passes. Nothing is packed, so the speed is the memory's.
/// </summary>
internal unsafe struct RowProduct : IParallelWork
{
    /// <summary>The most rows of A for which this beats the packed product.</summary>
    public const int LargestM = 4;

    private const int ItemBytes = 128 << 10;

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

    private readonly nint ColumnsPerItem => nint.Max(1, ItemBytes / nint.Max(1, K * B.Type.Bytes()));

    /// <summary>Items of the whole product, from n, k and the type alone.</summary>
    public readonly int Items => checked((int)((N + ColumnsPerItem - 1) / ColumnsPerItem));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint from = item * ColumnsPerItem, to = nint.Min(N, from + ColumnsPerItem);
        switch (B.Type)
        {
            case DType.F32: Run<SingleElement>(from, to); break;
            case DType.BF16: Run<BFloat16Element>(from, to); break;
            case DType.F16: Run<HalfElement>(from, to); break;
            default: throw new NotSupportedException($"no matrix product with factors of {B.Type}");
        }
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
        float* a1 = A + (nint.Min(1, M - 1) * AStride), a2 = A + (nint.Min(2, M - 1) * AStride), a3 = A + (nint.Min(3, M - 1) * AStride);
        float* sums = stackalloc float[LargestM];
        for (nint column = from; column < to; column++)
        {
            byte* b = B.Data + (column * B.RowStride * TElement.Bytes);
            if (M == 1) sums[0] = Dot<TElement, TLanes, TVector>(A, b, K);
            else Dots<TElement, TLanes, TVector>(A, a1, a2, a3, b, K, sums);
            for (nint row = 0; row < M; row++)
            {
                float* c = C + (row * CStride) + column;
                *c = Accumulate ? *c + sums[row] : sums[row];
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

    private static void Dots<TElement, TLanes, TVector>(float* a0, float* a1, float* a2, float* a3, byte* b, nint k, float* sums)
        where TElement : struct, IElement
        where TVector : unmanaged
        where TLanes : struct, ILanes<TVector>
    {
        TVector s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
        nint i = 0;
        int count = TLanes.Count, step = count * TElement.Bytes;
        for (; i + (2 * count) <= k; i += 2 * count, b += 2 * step)
        {
            TVector x = TLanes.Load<TElement>(b), y = TLanes.Load<TElement>(b + step);
            s0 = TLanes.MultiplyAdd(TLanes.Load(a0 + i), x, s0);
            s1 = TLanes.MultiplyAdd(TLanes.Load(a1 + i), x, s1);
            s2 = TLanes.MultiplyAdd(TLanes.Load(a2 + i), x, s2);
            s3 = TLanes.MultiplyAdd(TLanes.Load(a3 + i), x, s3);
            t0 = TLanes.MultiplyAdd(TLanes.Load(a0 + i + count), y, t0);
            t1 = TLanes.MultiplyAdd(TLanes.Load(a1 + i + count), y, t1);
            t2 = TLanes.MultiplyAdd(TLanes.Load(a2 + i + count), y, t2);
            t3 = TLanes.MultiplyAdd(TLanes.Load(a3 + i + count), y, t3);
        }

        sums[0] = TLanes.Sum(TLanes.Add(s0, t0));
        sums[1] = TLanes.Sum(TLanes.Add(s1, t1));
        sums[2] = TLanes.Sum(TLanes.Add(s2, t2));
        sums[3] = TLanes.Sum(TLanes.Add(s3, t3));
        for (; i < k; i++, b += TElement.Bytes)
        {
            float x = TElement.Load(b);
            sums[0] += a0[i] * x;
            sums[1] += a1[i] * x;
            sums[2] += a2[i] * x;
            sums[3] += a3[i] * x;
        }
    }
}
