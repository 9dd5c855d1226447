namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>6 rows × 2 vectors: 12 sums, two vectors of B and one broadcast of A in 16 registers.</summary>
internal readonly unsafe struct SixRowKernel<TLanes, TVector> : IMicroKernel
    where TVector : unmanaged
    where TLanes : struct, ILanes<TVector>
{
    public static int Rows => 6;

    public static int Columns => 2 * TLanes.Count;

    /// <inheritdoc/>
    public static void Multiply(float* a, float* b, nint depth, float* c, nint cStride, bool accumulate)
    {
        MicroKernel.Prefetch(c, cStride, Rows);
        TVector c0L = default, c0R = default, c1L = default, c1R = default, c2L = default, c2R = default,
            c3L = default, c3R = default, c4L = default, c4R = default, c5L = default, c5R = default;
        for (; depth > 0; depth--)
        {
            TVector left = TLanes.Load(b), right = TLanes.Load(b + TLanes.Count), x;
            x = TLanes.Broadcast(a + 0); c0L = TLanes.MultiplyAdd(x, left, c0L); c0R = TLanes.MultiplyAdd(x, right, c0R);
            x = TLanes.Broadcast(a + 1); c1L = TLanes.MultiplyAdd(x, left, c1L); c1R = TLanes.MultiplyAdd(x, right, c1R);
            x = TLanes.Broadcast(a + 2); c2L = TLanes.MultiplyAdd(x, left, c2L); c2R = TLanes.MultiplyAdd(x, right, c2R);
            x = TLanes.Broadcast(a + 3); c3L = TLanes.MultiplyAdd(x, left, c3L); c3R = TLanes.MultiplyAdd(x, right, c3R);
            x = TLanes.Broadcast(a + 4); c4L = TLanes.MultiplyAdd(x, left, c4L); c4R = TLanes.MultiplyAdd(x, right, c4R);
            x = TLanes.Broadcast(a + 5); c5L = TLanes.MultiplyAdd(x, left, c5L); c5R = TLanes.MultiplyAdd(x, right, c5R);
            a += 6;
            b += 2 * TLanes.Count;
        }

        MicroKernel.StoreRow<TLanes, TVector>(c0L, c0R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c1L, c1R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c2L, c2R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c3L, c3R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c4L, c4R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c5L, c5R, c, accumulate);
    }
}
