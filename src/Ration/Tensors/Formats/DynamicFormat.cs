using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>
/// Block-wise dynamic quantization (Dettmers et al. 2022, section 2.1): the F32 greatest magnitude of 256 numbers, then a byte of the dynamic
/// code for each number over it. The block is that of the authors' current code; the paper's is 2,048, whose one outlier costs eight
/// times as many numbers their precision for 1.5 % less memory.
/// <para>
/// The paper searches a table for the nearest code. Here parts are found by arithmetic, which gives the same code but where a number lies
/// within rounding of the middle between two.
/// </para>
/// </summary>
internal readonly unsafe struct DynamicFormat<TCode> : IBlockFormat
    where TCode : struct, IDynamicCode
{
    // Below this a reciprocal would be infinite.
    private const float LeastScale = 1.1754944e-38f;

    // Bytes, a thousand elements: what lies so far ahead is wanted when memory has had the time to bring it.
    private const int Ahead = 4 * (sizeof(float) + 256);

    public static int Elements => 256;

    public static int Bytes => sizeof(float) + 256;

    public static void Encode(float* source, byte* block)
    {
        float greatest = BlockStatistics.GreatestMagnitude(source, 256);
        *(float*)block = greatest;
        Vector512<float> inverse = Vector512.Create(1 / float.Max(greatest, LeastScale));
        byte* codes = block + sizeof(float);
        for (int i = 0; i < 256; i += 16) Rounding.ToBytes(Code(Vector512.Load(source + i) * inverse)).Store(codes + i);
    }

    public static void Decode(byte* block, float* target)
    {
        float scale = *(float*)block;
        Vector512<float> slopes = TCode.Slopes * scale, offsets = TCode.Offsets * scale;
        byte* codes = block + sizeof(float);
        Prefetch(block + Ahead);
        for (int i = 0; i < 256; i += 16) Value(Widen.Bytes512(codes + i), slopes, offsets, Vector512.Create(scale)).Store(target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* block)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < 256; i += 64) Sse.Prefetch0(block + i);
    }

    // The decade, then the part in it: (a / 10^(d − 6) − 0.1) / 0.9 of all parts, plus one to have the number's leading bit.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Code(Vector512<float> value)
    {
        Vector512<float> size = TCode.Sizes(value);
        Vector512<int> decade = Decade(size);
        Vector512<float> slope = Lookup.OfEight(Lookup.Table(1e6f / 0.9f, 1e5f / 0.9f, 1e4f / 0.9f, 1e3f / 0.9f, 1e2f / 0.9f, 1e1f / 0.9f, 1 / 0.9f, 0), decade);

        // Between the last middle of a decade and the first of the next the last one still is the nearest.
        Vector512<float> place = Vector512.MinNative(Vector512.FusedMultiplyAdd(size, slope, Vector512.Create(8f / 9)), Vector512.Create(1.9999999f));
        Vector512<int> number = Vector512.ConvertToInt32Native((place.AsInt32() + ((decade << 23) + Vector512.Create((TCode.LowestParts - 1) << 23))).AsSingle());

        // Half of the lowest code, and half way from the highest to 1; what is not a number is as 0.
        Vector512<int> bytes = Vector512.ConditionalSelect(
            Vector512.GreaterThan(size, Vector512.Create(0.5e-6f * (0.1f + (0.45f / TCode.LowestParts)))).AsInt32(), TCode.Bytes(number, value), Vector512<int>.Zero);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(value, Vector512.Create(1 - (0.225f / (TCode.LowestParts << 6)))).AsInt32(), Vector512.Create(TCode.One), bytes);
    }

    // A number belongs to decade d from log10 = d − 7 + s on, where it is nearer to its first middle than to the last one below, and s is at
    // most 0.28. What is below the lowest code has any decade.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Decade(Vector512<float> size)
    {
        Vector512<int> below;
        if (Avx512F.IsSupported)
        {
            // Between two powers of two, from 2^−20 with exponent 107 to 1, at most one decade begins. Places are exponents modulo 32.
            below = Avx512F.PermuteVar16x32x2(
                Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2), size.AsInt32() >>> 23, Vector512.Create(2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6));
        }
        else
        {
            // The bits of a float are its logarithm, to 0.026 of a decade. Less 0.31 they give the decade or the one below.
            Vector512<float> log = Vector512.ConvertToSingle(size.AsInt32()) * Vector512.Create(0.30103f / 8388608);
            log -= Vector512.Create((127 * 0.30103f) - 7 + 0.31f);
            below = Vector512.ConvertToInt32Native(Vector512.MaxNative(log, Vector512<float>.Zero));
        }

        Vector512<float> end = Lookup.OfEight(
            Lookup.Table(End(1, 1e-6f), End(2, 1e-5f), End(3, 1e-4f), End(4, 1e-3f), End(5, 1e-2f), End(6, 1e-1f), float.PositiveInfinity, 0), below);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(size, end).AsInt32(), below + Vector512<int>.One, below);
    }

    // Half way between the last middle below 10^(d − 7) and the first above it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float End(int decade, float border) => border * (1 + (1.8f / (TCode.LowestParts << decade)));

    // A number's float has the decade for exponent and the part for fraction, and half a part more is the part's middle: slope · n − offset.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Value(Vector512<int> bytes, Vector512<float> slopes, Vector512<float> offsets, Vector512<float> one)
    {
        Vector512<float> middle = TCode.Middles(bytes);
        Vector512<int> decade = middle.AsInt32() >>> 23;
        Vector512<float> value = Vector512.FusedMultiplyAdd(Lookup.OfEight(slopes, decade), middle, Lookup.OfEight(offsets, decade));
        return Vector512.ConditionalSelect(Vector512.Equals(bytes, Vector512.Create(TCode.One)).AsSingle(), one, TCode.WithSigns(value, bytes));
    }
}
