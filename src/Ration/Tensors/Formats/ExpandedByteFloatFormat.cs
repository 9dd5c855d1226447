using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// F8 E4M3 with dynamic range expansion (Xi et al. 2025, "COAT", section on dynamic range expansion): of 128 numbers with magnitudes from m to M, x is stored as the
/// E4M3 of 448 · sign(x) · (|x| / M)^k, where k = log(448 / 2⁻⁹) / log(M / m) makes their range that of the format. m is the least magnitude
/// that is not zero. A block holds M and k in F32, then the bytes.
/// <para>
/// The authors' code keeps the root of m · M as well, which cancels; it takes half of 448² for the format's range and eighths for k. Here
/// they are as in the paper, but k is at most 64: numbers nearer to each other than that are exact to 2⁻¹⁰ anyhow.
/// </para>
/// </summary>
internal readonly unsafe struct ExpandedByteFloatFormat : IBlockFormat
{
    private const int Count = 128, CodesStart = 2 * sizeof(float);
    private const float Greatest = 448, LargestExponent = 64;

    // log2(448 · 2⁹), and log2(448).
    private const float RangeLog = 17.807355f, GreatestLog = 8.807355f;

    public static int Elements => Count;

    public static int Bytes => CodesStart + Count;

    public static void Encode(float* source, byte* block)
    {
        float most = BlockStatistics.GreatestMagnitude(source, Count), least = BlockStatistics.LeastMagnitude(source, Count);
        float mostLog = PowersOfTwo.Log(Vector512.Create(most)).ToScalar(), range = mostLog - PowersOfTwo.Log(Vector512.Create(least)).ToScalar();
        float exponent = range > RangeLog / LargestExponent ? RangeLog / range : LargestExponent;
        (*(float*)block, ((float*)block)[1]) = (most, exponent);
        for (int i = 0; i < Count; i += 16) Rounding.ToBytes(Code(Vector512.Load(source + i), mostLog, exponent)).Store(block + CodesStart + i);
    }

    public static void Decode(byte* block, float* target)
    {
        Vector512<float> most = Vector512.Create(*(float*)block), root = Vector512.Create(Rounding.Inverse(((float*)block)[1]));
        for (int i = 0; i < Count; i += 16)
        {
            Vector512<int> bytes = Widen.Bytes512(block + CodesStart + i);
            Vector512<float> value = PowersOfTwo.Of(LogOfShare(bytes) * root) * most;
            value = Vector512.AndNot(value, Vector512.Equals(bytes & Vector512.Create(127), Vector512<int>.Zero).AsSingle());
            (value | ((bytes << 24) & Vector512.Create(int.MinValue)).AsSingle()).Store(target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Code(Vector512<float> value, float mostLog, float exponent)
    {
        Vector512<float> size = Vector512.Abs(value);
        Vector512<float> log = ((PowersOfTwo.Log(size) - Vector512.Create(mostLog)) * Vector512.Create(exponent)) + Vector512.Create(GreatestLog);
        Vector512<float> expanded = Vector512.MinNative(PowersOfTwo.Of(log), Vector512.Create(Greatest));
        Vector512<int> bits = expanded.AsInt32();

        // As EightBits does it, for numbers without sign up to 448.
        Vector512<int> normal = (bits - Vector512.Create(120 << 23) + Vector512.Create((1 << 19) - 1) + ((bits >>> 20) & Vector512<int>.One)) >>> 20;
        Vector512<int> step = Vector512.Create((127 + 1 - 7 + 20) << 23), subnormal = (expanded + step.AsSingle()).AsInt32() - step;
        Vector512<int> code = Vector512.ConditionalSelect(Vector512.LessThan(bits, Vector512.Create(121 << 23)), subnormal, normal);

        // Zeros, and what is not a number, are zeros without a sign.
        Vector512<int> isNumber = Vector512.GreaterThan(size, Vector512<float>.Zero).AsInt32();
        return (code | ((value.AsInt32() >>> 24) & Vector512.Create(128))) & isNumber;
    }

    // log2(f / 448) of the E4M3 number f, from the exponent and one of two tables of eight.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LogOfShare(Vector512<int> bytes)
    {
        Vector512<int> fraction = bytes & Vector512.Create(7), exponent = (bytes >>> 3) & Vector512.Create(15);
        Vector512<float> normal = Lookup.OfEight(
            Lookup.Table(0, 0.169925f, 0.32192808f, 0.45943162f, 0.5849625f, 0.70043972f, 0.80735492f, 0.9068906f), fraction)
            + Vector512.ConvertToSingle(exponent);
        Vector512<float> subnormal = Lookup.OfEight(
            Lookup.Table(0, -2f, -1f, -0.4150375f, 0, 0.32192808f, 0.5849625f, 0.80735492f), fraction);
        Vector512<float> log = Vector512.ConditionalSelect(Vector512.Equals(exponent, Vector512<int>.Zero).AsSingle(), subnormal, normal);
        return log - Vector512.Create(7 + GreatestLog);
    }
}
