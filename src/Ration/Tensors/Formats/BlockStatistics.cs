using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>What a block's scale is made from. Elements that are not numbers are passed over. Counts are multiples of 8.</summary>
internal static unsafe class BlockStatistics
{
    /// <summary>The greatest magnitude; 0 where there is no number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float GreatestMagnitude(float* source, int count)
    {
        Vector256<float> greatest = Vector256<float>.Zero, second = greatest, third = greatest, fourth = greatest;
        int i = 0;
        if (Avx512F.IsSupported)
        {
            Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
            for (; i + 64 <= count; i += 64)
            {
                a = Avx512F.Max(Vector512.Abs(Vector512.Load(source + i)), a);
                b = Avx512F.Max(Vector512.Abs(Vector512.Load(source + i + 16)), b);
                c = Avx512F.Max(Vector512.Abs(Vector512.Load(source + i + 32)), c);
                d = Avx512F.Max(Vector512.Abs(Vector512.Load(source + i + 48)), d);
            }

            (a, b) = (Avx512F.Max(a, b), Avx512F.Max(c, d));
            (greatest, second, third, fourth) = (a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper());
        }

        for (; i + 32 <= count; i += 32)
        {
            greatest = Greater(greatest, source + i);
            second = Greater(second, source + i + 8);
            third = Greater(third, source + i + 16);
            fourth = Greater(fourth, source + i + 24);
        }

        for (; i < count; i += 8) greatest = Greater(greatest, source + i);
        greatest = Greater(Greater(greatest, second), Greater(third, fourth));

        // Sizes without signs are ordered as their bits are.
        Vector128<int> half = Vector128.Max(greatest.GetLower().AsInt32(), greatest.GetUpper().AsInt32());
        half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(1, 0, 3, 2))).AsSingle().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Greater(Vector256<float> greatest, float* source) => Greater(greatest, Vector256.Abs(Vector256.Load(source)));

    // The machine's own maximum is its second operand where one is not a number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Greater(Vector256<float> greatest, Vector256<float> size) =>
        Avx.IsSupported ? Avx.Max(size, greatest) : Vector256.ConditionalSelect(Vector256.LessThan(greatest, size), size, greatest);

    /// <summary>Whether all elements are numbers; infinities of both signs together are none. Counts are multiples of 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreNumbers(float* source, int count)
    {
        Vector256<float> sum = Vector256<float>.Zero;
        for (int i = 0; i < count; i += 32) sum += Vector256.Load(source + i) + Vector256.Load(source + i + 8) + (Vector256.Load(source + i + 16) + Vector256.Load(source + i + 24));
        return Vector256.EqualsAll(sum, sum);
    }

    /// <summary>The least magnitude above zero; infinite where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LeastMagnitude(float* source, int count)
    {
        Vector256<float> least = Vector256.Create(float.PositiveInfinity);
        for (int i = 0; i < count; i += 8)
        {
            Vector256<float> size = Vector256.Abs(Vector256.Load(source + i));
            least = Vector256.ConditionalSelect(Vector256.LessThan(size, least) & Vector256.GreaterThan(size, Vector256<float>.Zero), size, least);
        }

        float single = float.PositiveInfinity;
        for (int i = 0; i < 8; i++) single = float.Min(single, least.GetElement(i));
        return single;
    }

    /// <summary>The first element that has the greatest magnitude, with its sign; 0 where there is no number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FirstOfGreatestMagnitude(float* source, int count)
    {
        float greatest = GreatestMagnitude(source, count);
        if (greatest == 0) return 0;
        for (int i = 0; i < count; i += 8)
        {
            uint found = Vector256.Equals(Vector256.Abs(Vector256.Load(source + i)), Vector256.Create(greatest)).ExtractMostSignificantBits();
            if (found != 0) return source[i + uint.TrailingZeroCount(found)];
        }

        return 0;
    }

    /// <summary>The least and the greatest element; the wrong way round where there is no number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (float Least, float Greatest) Range(float* source, int count)
    {
        Vector256<float> least = Vector256.Create(float.MaxValue), greatest = Vector256.Create(-float.MaxValue);
        for (int i = 0; i < count; i += 8)
        {
            Vector256<float> x = Vector256.Load(source + i);
            least = Vector256.ConditionalSelect(Vector256.LessThan(x, least), x, least);
            greatest = Vector256.ConditionalSelect(Vector256.GreaterThan(x, greatest), x, greatest);
        }

        float low = least.ToScalar(), high = greatest.ToScalar();
        for (int i = 1; i < 8; i++)
        {
            if (least.GetElement(i) < low) low = least.GetElement(i);
            if (greatest.GetElement(i) > high) high = greatest.GetElement(i);
        }

        // Lanes have mixed up which zero came first, and a scale keeps its sign.
        return (low == 0 ? FirstZero(source, count) : low, high == 0 ? FirstZero(source, count) : high);
    }

    private static float FirstZero(float* source, int count)
    {
        for (int i = 0; i < count; i++)
            if (source[i] == 0) return source[i];
        return 0;
    }
}
