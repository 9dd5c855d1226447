using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>The innermost tile of the product: the sums stay in registers over the whole depth (Goto and van de Geijn 2008).</summary>
internal unsafe interface IMicroKernel
{
    /// <summary>Rows of the tile, and the width of a packed panel of A.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the tile, and the width of a packed panel of B.</summary>
    static abstract int Columns { get; }

    /// <summary>c [Rows, Columns] = (accumulate ? c : 0) + a·b, each element summed in the order of depth.</summary>
    /// <param name="a">Packed panel [depth, Rows].</param>
    /// <param name="b">Packed panel [depth, Columns].</param>
    /// <param name="depth">Terms of each sum.</param>
    /// <param name="c">The tile's first element.</param>
    /// <param name="cStride">Floats from one row of the tile to the next.</param>
    /// <param name="accumulate">Whether to add to what c holds.</param>
    static abstract void Multiply(float* a, float* b, nint depth, float* c, nint cStride, bool accumulate);
}

/// <summary>What the micro-kernels share.</summary>
internal static unsafe class MicroKernel
{
    /// <summary>Asks for the tile of C, so that it is there when the sums are done; between steps it has often left the caches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* c, nint cStride, int rows)
    {
        if (!Sse.IsSupported) return;
        for (int row = 0; row < rows; row++, c += cStride)
        {
            Sse.Prefetch0(c);
            Sse.Prefetch0(c + 16);
        }
    }

    /// <summary>Adds or writes one row of a finished tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRow<TLanes, TVector>(TVector left, TVector right, float* c, bool accumulate)
        where TVector : unmanaged
        where TLanes : struct, ILanes<TVector>
    {
        if (accumulate)
        {
            left = TLanes.Add(TLanes.Load(c), left);
            right = TLanes.Add(TLanes.Load(c + TLanes.Count), right);
        }

        TLanes.Store(left, c);
        TLanes.Store(right, c + TLanes.Count);
    }
}
