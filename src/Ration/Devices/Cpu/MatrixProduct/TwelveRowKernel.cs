namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>12 rows × 2 vectors: 24 sums, two vectors of B and one broadcast of A in the 32 registers of AVX-512.</summary>
internal readonly unsafe struct TwelveRowKernel<TLanes, TVector> : IMicroKernel
    where TVector : unmanaged
    where TLanes : struct, ILanes<TVector>
{
    public static int Rows => 12;

    public static int Columns => 2 * TLanes.Count;

    /// <inheritdoc/>
    public static void Multiply(float* a, float* b, nint depth, float* c, nint cStride, bool accumulate)
    {
        MicroKernel.Prefetch(c, cStride, Rows);
        TVector c0L = default, c0R = default, c1L = default, c1R = default, c2L = default, c2R = default,
            c3L = default, c3R = default, c4L = default, c4R = default, c5L = default, c5R = default,
            c6L = default, c6R = default, c7L = default, c7R = default, c8L = default, c8R = default,
            c9L = default, c9R = default, c10L = default, c10R = default, c11L = default, c11R = default;
        for (; depth > 0; depth--)
        {
            TVector left = TLanes.Load(b), right = TLanes.Load(b + TLanes.Count), x;
            x = TLanes.Broadcast(a + 0); c0L = TLanes.MultiplyAdd(x, left, c0L); c0R = TLanes.MultiplyAdd(x, right, c0R);
            x = TLanes.Broadcast(a + 1); c1L = TLanes.MultiplyAdd(x, left, c1L); c1R = TLanes.MultiplyAdd(x, right, c1R);
            x = TLanes.Broadcast(a + 2); c2L = TLanes.MultiplyAdd(x, left, c2L); c2R = TLanes.MultiplyAdd(x, right, c2R);
            x = TLanes.Broadcast(a + 3); c3L = TLanes.MultiplyAdd(x, left, c3L); c3R = TLanes.MultiplyAdd(x, right, c3R);
            x = TLanes.Broadcast(a + 4); c4L = TLanes.MultiplyAdd(x, left, c4L); c4R = TLanes.MultiplyAdd(x, right, c4R);
            x = TLanes.Broadcast(a + 5); c5L = TLanes.MultiplyAdd(x, left, c5L); c5R = TLanes.MultiplyAdd(x, right, c5R);
            x = TLanes.Broadcast(a + 6); c6L = TLanes.MultiplyAdd(x, left, c6L); c6R = TLanes.MultiplyAdd(x, right, c6R);
            x = TLanes.Broadcast(a + 7); c7L = TLanes.MultiplyAdd(x, left, c7L); c7R = TLanes.MultiplyAdd(x, right, c7R);
            x = TLanes.Broadcast(a + 8); c8L = TLanes.MultiplyAdd(x, left, c8L); c8R = TLanes.MultiplyAdd(x, right, c8R);
            x = TLanes.Broadcast(a + 9); c9L = TLanes.MultiplyAdd(x, left, c9L); c9R = TLanes.MultiplyAdd(x, right, c9R);
            x = TLanes.Broadcast(a + 10); c10L = TLanes.MultiplyAdd(x, left, c10L); c10R = TLanes.MultiplyAdd(x, right, c10R);
            x = TLanes.Broadcast(a + 11); c11L = TLanes.MultiplyAdd(x, left, c11L); c11R = TLanes.MultiplyAdd(x, right, c11R);
            a += 12;
            b += 2 * TLanes.Count;
        }

        MicroKernel.StoreRow<TLanes, TVector>(c0L, c0R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c1L, c1R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c2L, c2R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c3L, c3R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c4L, c4R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c5L, c5R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c6L, c6R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c7L, c7R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c8L, c8R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c9L, c9R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c10L, c10R, c, accumulate); c += cStride;
        MicroKernel.StoreRow<TLanes, TVector>(c11L, c11R, c, accumulate);
    }
}
