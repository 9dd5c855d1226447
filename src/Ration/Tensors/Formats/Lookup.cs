using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>Small tables in registers.</summary>
internal static class Lookup
{
    /// <summary>Elements of a table of eight by the lowest three bits of each place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OfEight(Vector256<float> table, Vector512<int> places)
    {
        if (Avx512F.IsSupported) return Avx512F.PermuteVar16x32(Vector512.Create(table, table), places);
        return Vector512.Create(OfEight(table, places.GetLower()), OfEight(table, places.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> OfEight(Vector256<float> table, Vector256<int> places) =>
        Avx2.IsSupported ? Avx2.PermuteVar8x32(table, places) : Vector256.Shuffle(table, places & Vector256.Create(7));
}
