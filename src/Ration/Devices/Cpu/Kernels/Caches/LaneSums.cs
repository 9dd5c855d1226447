using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>The sums of the lanes of four registers at once, by interleaving them: a third of the steps of one after another.</summary>
internal static class LaneSums
{
    /// <summary>Four sums, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Four<T>(T a, T b, T c, T d)
        where T : unmanaged, ILanes<T>
    {
        if (typeof(T) == typeof(Lanes16))
        {
            Vector512<float> p = Pairs(Unsafe.BitCast<T, Lanes16>(a).Value, Unsafe.BitCast<T, Lanes16>(b).Value);
            Vector512<float> q = Pairs(Unsafe.BitCast<T, Lanes16>(c).Value, Unsafe.BitCast<T, Lanes16>(d).Value);
            Vector512<double> first = p.AsDouble(), second = q.AsDouble();
            Vector512<float> quads = Avx512F.UnpackLow(first, second).AsSingle() + Avx512F.UnpackHigh(first, second).AsSingle();
            Vector256<float> half = quads.GetLower() + quads.GetUpper();
            return half.GetLower() + half.GetUpper();
        }

        if (typeof(T) == typeof(Lanes8))
        {
            Vector256<float> p = Pairs(Unsafe.BitCast<T, Lanes8>(a).Value, Unsafe.BitCast<T, Lanes8>(b).Value);
            Vector256<float> q = Pairs(Unsafe.BitCast<T, Lanes8>(c).Value, Unsafe.BitCast<T, Lanes8>(d).Value);
            Vector256<double> first = p.AsDouble(), second = q.AsDouble();
            Vector256<float> quads = Avx.UnpackLow(first, second).AsSingle() + Avx.UnpackHigh(first, second).AsSingle();
            return quads.GetLower() + quads.GetUpper();
        }

        return Vector128.Create(T.Sum(a), T.Sum(b), T.Sum(c), T.Sum(d));
    }

    // Within each four lanes: two sums of the first register beside two of the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Pairs(Vector512<float> a, Vector512<float> b) => Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pairs(Vector256<float> a, Vector256<float> b) => Avx.UnpackLow(a, b) + Avx.UnpackHigh(a, b);
}
