using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>
/// Small tables in registers. A table of eight lies twice in a vector of sixteen: were it widened where it is read, each reading would wait for the one
/// before.
/// </summary>
internal static class Lookup
{
    /// <summary>A table of eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Table(float a, float b, float c, float d, float e, float f, float g, float h) =>
        Vector512.Create(a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h);

    /// <summary>Elements of a <see cref="Table"/> by the lowest three bits of each place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OfEight(Vector512<float> table, Vector512<int> places)
    {
        if (Avx512F.IsSupported) return Avx512F.PermuteVar16x32(table, places);
        return Vector512.Create(OfEight(table.GetLower(), places.GetLower()), OfEight(table.GetLower(), places.GetUpper()));
    }

    /// <summary>Elements of a table of sixteen by the lowest four bits of each place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OfSixteen(Vector512<float> table, Vector512<int> places)
    {
        if (Avx512F.IsSupported) return Avx512F.PermuteVar16x32(table, places);
        return Vector512.Create(
            OfSixteen(table.GetLower(), table.GetUpper(), places.GetLower()), OfSixteen(table.GetLower(), table.GetUpper(), places.GetUpper()));
    }

    /// <inheritdoc cref="OfSixteen(Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OfSixteen(Vector256<float> low, Vector256<float> high, Vector256<int> places)
    {
        // Places of eight are three bits; the fourth, moved to the sign, chooses between the halves.
        Vector256<float> isHigh = (places << 28).AsSingle();
        if (Avx.IsSupported) return Avx.BlendVariable(OfEight(low, places), OfEight(high, places), isHigh);
        return Vector256.ConditionalSelect(Vector256.LessThan(isHigh.AsInt32(), Vector256<int>.Zero).AsSingle(), OfEight(high, places), OfEight(low, places));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> OfEight(Vector256<float> table, Vector256<int> places) =>
        Avx2.IsSupported ? Avx2.PermuteVar8x32(table, places) : Vector256.Shuffle(table, places & Vector256.Create(7));
}
