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
internal readonly unsafe struct DynamicFormat<TCode> : IScaledBlockFormat
    where TCode : struct, IDynamicCode
{
    // Below this a reciprocal would be infinite.
    private const float LeastScale = 1.1754944e-38f;

    // Below half of the lowest code, and a power of two.
    private const float LeastSize = 1f / (1 << 23);

    // Bytes, a thousand elements: what lies so far ahead is wanted when memory has had the time to bring it.
    private const int Ahead = 4 * (sizeof(float) + 256);

    // Of each decade where it ends, slope and offset of the line on which its numbers lie over magnitudes, and its last number. They are read from
    // here into registers once a block: were they constants, each use would read them again.
    private static readonly float[] s_decades =
    [
        End(1, 1e-6f), End(2, 1e-5f), End(3, 1e-4f), End(4, 1e-3f), End(5, 1e-2f), End(6, 1e-1f), 1 - (0.225f / Parts(6)), float.PositiveInfinity, 0, 0, 0, 0, 0, 0, 0, 0,
        1 / (FirstEnd - FirstStart), Slope(1, 1e5f), Slope(2, 1e4f), Slope(3, 1e3f), Slope(4, 1e2f), Slope(5, 1e1f), Slope(6, 1), 0, 0, 0, 0, 0, 0, 0, 0, 0,
        First(0) - (FirstStart / (FirstEnd - FirstStart)), Offset(1), Offset(2), Offset(3), Offset(4), Offset(5), Offset(6), First(7) + 0.5f, 0, 0, 0, 0, 0, 0, 0, 0,
        Last(0), Last(1), Last(2), Last(3), Last(4), Last(5), Last(6), Last(7), 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    public static int Elements => 256;

    public static int Bytes => sizeof(float) + 256;

    // Half of the lowest code, from where on a number is not 0, and the end of the lowest part: the line of the lowest decade goes through both.
    private static float FirstStart => 0.5e-6f * (0.1f + (0.45f / TCode.LowestParts));

    private static float FirstEnd => 1e-6f * (0.1f + (0.9f / TCode.LowestParts));

    public static float Scale(float* source) => BlockStatistics.GreatestMagnitude(source, 256);

    public static void Encode(float* source, byte* block) => Encode(source, block, Scale(source));

    public static void Encode(float* source, byte* block, float greatest)
    {
        *(float*)block = greatest;
        Vector512<float> inverse = Vector512.Create(1 / float.Max(greatest, LeastScale)), ends, slopes, offsets, lasts;
        fixed (float* decades = s_decades)
            (ends, slopes, offsets, lasts) = (Vector512.Load(decades), Vector512.Load(decades + 16), Vector512.Load(decades + 32), Vector512.Load(decades + 48));
        byte* codes = block + sizeof(float);
        for (nint i = 0; i < 256; i += 16)
        {
            Vector512<float> value = Vector512.Load(source + i) * inverse, size = TCode.Sizes(value, Vector512.Create(LeastSize));
            Vector512<int> decade = DecadeOrBelow(size);
            decade = Vector512.ConditionalSelect(Vector512.GreaterThan(size, Lookup.OfEight(ends, decade)).AsInt32(), decade + Vector512<int>.One, decade);

            // The number that a magnitude's code has, with a fraction. Between the last middle of a decade and the first of the next the last one
            // still is the nearest.
            Vector512<float> number = Vector512.FusedMultiplyAdd(size, Lookup.OfEight(slopes, decade), Lookup.OfEight(offsets, decade));
            TCode.Bytes(Vector512.MinNative(number, Lookup.OfEight(lasts, decade)), value).Store(codes + i);
        }
    }

    public static void Decode(byte* block, float* target)
    {
        float scale = *(float*)block;
        Vector512<float> slopes = TCode.Slopes * scale, offsets = TCode.Offsets * scale;
        byte* codes = block + sizeof(float);
        Prefetch(block + Ahead);
        for (nint i = 0; i < 256; i += 16)
        {
            // A number's float has the decade for exponent and the part for fraction, and half a part more is the part's middle.
            Vector512<int> bytes = TCode.Load(codes + i);
            Vector512<float> middle = TCode.Middles(bytes);
            Vector512<int> decade = middle.AsInt32() >>> 23;
            TCode.WithSigns(Vector512.FusedMultiplyAdd(Lookup.OfSixteen(slopes, decade), middle, Lookup.OfSixteen(offsets, decade)), bytes).Store(target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* block)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < 256; i += 64) Sse.Prefetch0(block + i);
    }

    // The decade that a magnitude belongs to or the one below it. It belongs to decade d from log10 = d − 7 + s on, where it is nearer to the first
    // middle than to the last one below, and s is at most 0.28. The seventh is that of 1 alone.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> DecadeOrBelow(Vector512<float> size)
    {
        if (Avx512F.IsSupported)
        {
            // Between two powers of two, from 2^−23 with exponent 104 to 1, at most one decade begins. Places are exponents modulo 32.
            return Avx512F.PermuteVar16x32x2(
                Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2), size.AsInt32() >>> 23, Vector512.Create(2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6));
        }

        // The bits of a float are its logarithm, to 0.026 of a decade. Less 0.31 they give the decade or the one below.
        Vector512<float> log = Vector512.ConvertToSingle(size.AsInt32()) * Vector512.Create(0.30103f / 8388608);
        log -= Vector512.Create((127 * 0.30103f) - 7 + 0.31f);
        return Vector512.ConvertToInt32Native(Vector512.MaxNative(log, Vector512<float>.Zero));
    }

    private static int Parts(int decade) => TCode.LowestParts << decade;

    // The integer that stands for the first number of a decade.
    private static float First(int decade) => Parts(decade) - TCode.Skipped;

    // The greatest float that is cut off to the last number of a decade.
    private static float Last(int decade) => (First(decade) + Parts(decade)) * (1 - (1f / (1 << 24)));

    // Parts of a decade that ends at 1 / scale, over its length.
    private static float Slope(int decade, float scale) => Parts(decade) * scale / 0.9f;

    private static float Offset(int decade) => First(decade) - (Parts(decade) / 9f);

    // Half way between the last middle below 10^(d − 7) and the first above it.
    private static float End(int decade, float border) => border * (1 + (1.8f / Parts(decade)));
}
