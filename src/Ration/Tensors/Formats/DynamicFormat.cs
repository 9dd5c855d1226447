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

    public static int Elements => 256;

    public static int Bytes => sizeof(float) + 256;

    public static void Encode(float* source, byte* block)
    {
        float greatest = BlockStatistics.GreatestMagnitude(source, 256);
        *(float*)block = greatest;
        Vector256<float> inverse = Vector256.Create(1 / float.Max(greatest, LeastScale));
        byte* codes = block + sizeof(float);
        for (int i = 0; i < 256; i += 32)
        {
            Rounding.ToBytes(
                Code(Vector256.Load(source + i) * inverse), Code(Vector256.Load(source + i + 8) * inverse), Code(Vector256.Load(source + i + 16) * inverse),
                Code(Vector256.Load(source + i + 24) * inverse)).Store(codes + i);
        }
    }

    public static void Decode(byte* block, float* target)
    {
        Vector256<float> scale = Vector256.Create(*(float*)block);
        byte* codes = block + sizeof(float);
        for (int i = 0; i < 256; i += 8) (Value(Widen.Bytes256(codes + i)) * scale).Store(target + i);
    }

    // The decade, then the part in it: (a / 10^(d − 6) − 0.1) / 0.9 of all parts, plus one to have the number's leading bit.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Code(Vector256<float> value)
    {
        Vector256<float> size = Vector256.Abs(value);
        Vector256<int> decade = Decade(size);
        Vector256<float> slope = Pick(Vector256.Create(1e6f / 0.9f, 1e5f / 0.9f, 1e4f / 0.9f, 1e3f / 0.9f, 1e2f / 0.9f, 1e1f / 0.9f, 1 / 0.9f, 0), decade);
        Vector256<float> parts = Pick(Vector256.Create(1f, 2, 4, 8, 16, 32, 64, 0) * TCode.LowestParts, decade);

        // Between the last middle of a decade and the first of the next the last one still is the nearest.
        Vector256<float> place = Vector256.MinNative((size * slope) + Vector256.Create(8f / 9), Vector256.Create(1.9999999f));

        // Half of the lowest code, and half way from the highest to 1; what is not a number is as 0.
        Vector256<int> isNotZero = Vector256.GreaterThan(size, Vector256.Create(0.5e-6f * (0.1f + (0.45f / TCode.LowestParts)))).AsInt32();
        Vector256<int> isOne = Vector256.GreaterThan(value, Vector256.Create(1 - (0.225f / (TCode.LowestParts << 6)))).AsInt32();
        return TCode.Bytes(Vector256.ConvertToInt32Native(place * parts), value, isNotZero, isOne);
    }

    // The bits of a float are its logarithm, to 0.026 of a decade. Less 0.31 they give the decade or the one below, for a number belongs to
    // decade d from log10 = d − 7 + s on, where it is nearer to its first middle than to the last one below, and s is at most 0.28.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Decade(Vector256<float> size)
    {
        Vector256<float> log = Vector256.ConvertToSingle(size.AsInt32()) * Vector256.Create(0.30103f / 8388608);
        log -= Vector256.Create((127 * 0.30103f) - 7 + 0.31f);
        Vector256<int> below = Vector256.ConvertToInt32Native(Vector256.MaxNative(log, Vector256<float>.Zero));
        Vector256<float> end = Pick(
            Vector256.Create(End(1, 1e-6f), End(2, 1e-5f), End(3, 1e-4f), End(4, 1e-3f), End(5, 1e-2f), End(6, 1e-1f), float.PositiveInfinity, 0), below);
        return below - Vector256.GreaterThan(size, end).AsInt32();
    }

    // Half way between the last middle below 10^(d − 7) and the first above it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float End(int decade, float border) => border * (1 + (1.8f / (TCode.LowestParts << decade)));

    // A number's float has the decade for exponent and the part for fraction, and half a part more is the part's middle: slope · n − offset.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Value(Vector256<int> bytes)
    {
        Vector256<float> middle = TCode.Middles(bytes);
        Vector256<int> decade = middle.AsInt32() >>> 23;
        Vector256<float> slope = Pick(TCode.Slopes, decade), offset = Pick(TCode.Offsets, decade);
        Vector256<float> value = TCode.WithSigns(Vector256.FusedMultiplyAdd(slope, middle, offset), bytes);
        return Vector256.ConditionalSelect(TCode.IsOne(bytes).AsSingle(), Vector256.Create(1f), value);
    }

    // Element number (place modulo 8) of a table.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pick(Vector256<float> table, Vector256<int> place) =>
        Avx2.IsSupported ? Avx2.PermuteVar8x32(table, place) : Vector256.Shuffle(table, place & Vector256.Create(7));
}
