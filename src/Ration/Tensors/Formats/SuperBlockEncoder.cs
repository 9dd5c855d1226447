using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// Stores 256 floats in one of ggml's K-quants, byte for byte as its reference without importance weights does: scales of groups by
/// <see cref="GroupSearch"/>, those quantized in turn, then all numbers chosen once more for the scales as they are stored.
/// </summary>
internal static unsafe class SuperBlockEncoder
{
    private const int Elements = 256, Lanes = GroupSearch.Lanes;

    /// <inheritdoc cref="Q2_KFormat"/>
    public static void Q2_K(float* source, byte* block)
    {
        float* x = stackalloc float[Elements], weights = stackalloc float[Elements], scales = stackalloc float[16], leasts = stackalloc float[16];
        Vector256<int>* numbers = stackalloc Vector256<int>[32];
        byte* q = stackalloc byte[Elements];
        Transpose(source, x, 16);
        for (int i = 0; i < Elements; i += 8) Vector256.Abs(Vector256.Load(x + i)).Store(weights + i);
        for (int half = 0; half < 2; half++)
        {
            int at = half * 128;
            (Vector256<float> scale, Vector256<float> least) =
                GroupSearch.WithLeast(x + at, weights + at, 16, 3, new GroupSearch.Grid(-0.5f, 0.1f, 15, true), numbers + (16 * half));
            scale.Store(scales + (8 * half));
            least.Store(leasts + (8 * half));
        }

        float greatestScale = Greatest(scales, 16), greatestLeast = Greatest(leasts, 16);
        float d = HalfPrecision.Write(greatestScale > 0 ? greatestScale / 15f : 0, block + 80);
        float dLeast = HalfPrecision.Write(greatestLeast > 0 ? greatestLeast / 15f : 0, block + 82);
        for (int group = 0; group < 16; group++)
        {
            int scale = greatestScale > 0 ? Rounding.Nearest(15f / greatestScale * scales[group]) : 0;
            int least = greatestLeast > 0 ? Rounding.Nearest(15f / greatestLeast * leasts[group]) << 4 : 0;
            block[group] = (byte)(scale | least);
            scales[group] = d * (block[group] & 15);
            leasts[group] = dLeast * (block[group] >> 4);
        }

        for (int half = 0; half < 2; half++)
            Renumber(x + (half * 128), 16, scales + (8 * half), leasts + (8 * half), 0, 3, 0, numbers + (16 * half));
        Untranspose(numbers, q, 16);
        PackPairs(q, block + 16);
    }

    /// <inheritdoc cref="Q3_KFormat"/>
    public static void Q3_K(float* source, byte* block)
    {
        float* x = stackalloc float[Elements], scales = stackalloc float[16];
        Vector256<int>* numbers = stackalloc Vector256<int>[32];
        byte* q = stackalloc byte[Elements];
        Transpose(source, x, 16);
        for (int half = 0; half < 2; half++)
            GroupSearch.SymmetricByMoves(x + (half * 128), 16, 4, numbers + (16 * half)).Store(scales + (8 * half));
        float greatest = OfGreatestMagnitude(scales);
        byte* packed = block + 96;
        new Span<byte>(packed, 12).Clear();
        float inverse = -32f / greatest, d = HalfPrecision.Write(greatest != 0 ? 1 / inverse : 0, block + 108);
        for (int group = 0; group < 16; group++)
        {
            if (greatest != 0)
            {
                int scale = int.Clamp((sbyte)Rounding.Nearest(inverse * scales[group]), -32, 31) + 32;
                packed[group % 8] |= (byte)((scale & 15) << (group / 8 * 4));
                packed[8 + (group % 4)] |= (byte)(scale >> 4 << (group / 4 * 2));
            }

            scales[group] = d * (Q3_KFormat.Scale(packed, group) - 32);
        }

        for (int half = 0; half < 2; half++) Renumber(x + (half * 128), 16, scales + (8 * half), null, -4, 3, 4, numbers + (16 * half));
        Untranspose(numbers, q, 16);
        for (int i = 0; i < 32; i += 16)
        {
            Vector128<byte> third = Vector128<byte>.Zero;
            for (int part = 0; part < 8; part++) third |= Nibbles.WhereSet(Vector128.Load(q + (32 * part) + i), 4, (byte)(1 << part));
            third.Store(block + i);
        }

        for (int i = 0; i < Elements; i += 16) (Vector128.Load(q + i) & Vector128.Create((byte)3)).Store(q + i);
        PackPairs(q, block + 32);
    }

    /// <inheritdoc cref="Q4_KFormat"/>
    public static void Q4_K(float* source, byte* block)
    {
        byte* q = stackalloc byte[Elements];
        GroupsOf32(source, block, 15, new GroupSearch.Grid(-1f, 0.1f, 20, false), q);
        PackNibbles(q, block + 16);
    }

    /// <inheritdoc cref="Q5_KFormat"/>
    public static void Q5_K(float* source, byte* block)
    {
        byte* q = stackalloc byte[Elements];
        GroupsOf32(source, block, 31, new GroupSearch.Grid(-0.5f, 0.1f, 15, false), q);
        for (int i = 0; i < 32; i += 16)
        {
            Vector128<byte> fifth = Vector128<byte>.Zero;
            for (int group = 0; group < 8; group++) fifth |= Nibbles.WhereSet(Vector128.Load(q + (32 * group) + i), 16, (byte)(1 << group));
            fifth.Store(block + 16 + i);
        }

        PackNibbles(q, block + 48);
    }

    /// <inheritdoc cref="Q6_KFormat"/>
    public static void Q6_K(float* source, byte* block)
    {
        float* x = stackalloc float[Elements], scales = stackalloc float[16];
        Vector256<int>* numbers = stackalloc Vector256<int>[32];
        byte* q = stackalloc byte[Elements];
        Transpose(source, x, 16);
        for (int half = 0; half < 2; half++)
            GroupSearch.Symmetric(x + (half * 128), 16, 32, numbers + (16 * half)).Store(scales + (8 * half));
        float greatest = OfGreatestMagnitude(scales);
        if (float.Abs(greatest) < 1e-15f)
        {
            new Span<byte>(block, 210).Clear();
            return;
        }

        float inverse = -128f / greatest, d = HalfPrecision.Write(1 / inverse, block + 208);
        for (int group = 0; group < 16; group++)
        {
            block[192 + group] = (byte)int.Min(127, Rounding.Nearest(inverse * scales[group]));
            scales[group] = d * (sbyte)block[192 + group];
        }

        for (int half = 0; half < 2; half++) Renumber(x + (half * 128), 16, scales + (8 * half), null, -32, 31, 32, numbers + (16 * half));
        Untranspose(numbers, q, 16);
        for (int half = 0; half < 2; half++) PackSixBits(q + (128 * half), block + (64 * half), block + 128 + (32 * half));
    }

    /// <summary>What Q4_K and Q5_K have in common: d, dmin, and six-bit scales and least values of eight groups.</summary>
    private static void GroupsOf32(float* source, byte* block, int levels, GroupSearch.Grid grid, byte* q)
    {
        float* x = stackalloc float[Elements], weights = stackalloc float[Elements], scales = stackalloc float[Lanes], leasts = stackalloc float[Lanes];
        Vector256<int>* numbers = stackalloc Vector256<int>[32];
        Transpose(source, x, 32);
        Vector256<float> squares = Vector256<float>.Zero;
        for (int i = 0; i < 32; i++) squares += Vector256.Load(x + (i * Lanes)) * Vector256.Load(x + (i * Lanes));
        Vector256<float> mean = Vector256.Sqrt(squares / Vector256.Create(32f));
        for (int i = 0; i < Elements; i += Lanes) (mean + Vector256.Abs(Vector256.Load(x + i))).Store(weights + i);
        (Vector256<float> scale, Vector256<float> least) = GroupSearch.WithLeast(x, weights, 32, levels, grid, numbers);
        scale.Store(scales);
        least.Store(leasts);
        float greatestScale = Greatest(scales, Lanes), greatestLeast = Greatest(leasts, Lanes);
        float inverseScale = greatestScale > 0 ? 63f / greatestScale : 0, inverseLeast = greatestLeast > 0 ? 63f / greatestLeast : 0;
        float d = HalfPrecision.Write(greatestScale / 63f, block), dLeast = HalfPrecision.Write(greatestLeast / 63f, block + 2);
        for (int group = 0; group < Lanes; group++)
        {
            int s = int.Min(63, (byte)Rounding.Nearest(inverseScale * scales[group]));
            int m = int.Min(63, (byte)Rounding.Nearest(inverseLeast * leasts[group]));
            SixBitScales.Write(block + 4, group, s, m);
            scales[group] = d * s;
            leasts[group] = dLeast * m;
        }

        Renumber(x, 32, scales, leasts, 0, levels, 0, numbers);
        Untranspose(numbers, q, 32);
    }

    /// <summary>
    /// The numbers for scales as they are stored: (x + what is subtracted) / scale, rounded, within bounds, plus an offset. Where a scale
    /// came to 0 the numbers of the search stay.
    /// </summary>
    private static void Renumber(
        float* x, int count, float* scales, float* leasts, int least, int greatest, int offset, Vector256<int>* numbers)
    {
        Vector256<float> d = Vector256.Load(scales), m = leasts == null ? Vector256<float>.Zero : Vector256.Load(leasts);
        Vector256<int> none = Vector256.Equals(d, Vector256<float>.Zero).AsInt32();
        for (int i = 0; i < count; i++)
        {
            Vector256<int> number = Rounding.Nearest((Vector256.Load(x + (i * Lanes)) + m) / d);
            number = GroupSearch.Clamp(number, least, greatest) + Vector256.Create(offset);
            numbers[i] = Vector256.ConditionalSelect(none, numbers[i], number);
        }
    }

    /// <summary>Groups of 16 or 32 elements to lanes: element i of group g to 8 · i + g, the second eight groups of 16 after the first.</summary>
    private static void Transpose(float* source, float* x, int count)
    {
        for (int start = 0; start < Elements; start += Lanes * count)
        {
            for (int group = 0; group < Lanes; group++)
                for (int i = 0; i < count; i++) x[start + (i * Lanes) + group] = source[start + (group * count) + i];
        }
    }

    /// <summary>The way back, to bytes.</summary>
    private static void Untranspose(Vector256<int>* numbers, byte* q, int count)
    {
        int* each = (int*)numbers;
        for (int start = 0; start < Elements; start += Lanes * count)
        {
            for (int group = 0; group < Lanes; group++)
                for (int i = 0; i < count; i++) q[start + (group * count) + i] = (byte)each[start + (i * Lanes) + group];
        }
    }

    /// <summary>Two bits each: byte i of a half holds elements i, i + 32, i + 64 and i + 96 of it.</summary>
    private static void PackPairs(byte* q, byte* target)
    {
        for (int half = 0; half < Elements; half += 128, target += 32)
        {
            for (int i = 0; i < 32; i += 16)
            {
                byte* at = q + half + i;
                (Vector128.Load(at) | (Vector128.Load(at + 32) << 2) | (Vector128.Load(at + 64) << 4) | (Vector128.Load(at + 96) << 6)).Store(target + i);
            }
        }
    }

    /// <summary>The low four bits each: byte i of a quarter holds elements i and i + 32 of it.</summary>
    private static void PackNibbles(byte* q, byte* target)
    {
        for (int quarter = 0; quarter < Elements; quarter += 64, target += 32)
        {
            for (int i = 0; i < 32; i += 16)
                (Nibbles.Low(Vector128.Load(q + quarter + i)) | (Vector128.Load(q + quarter + i + 32) << 4)).Store(target + i);
        }
    }

    /// <summary>128 numbers of six bits: 64 bytes of low bits, elements i and i + 64 together, and 32 bytes of high bits.</summary>
    private static void PackSixBits(byte* q, byte* low, byte* high)
    {
        for (int i = 0; i < 32; i += 16)
        {
            Vector128<byte> a = Vector128.Load(q + i), b = Vector128.Load(q + i + 32), c = Vector128.Load(q + i + 64), d = Vector128.Load(q + i + 96);
            (Nibbles.Low(a) | (c << 4)).Store(low + i);
            (Nibbles.Low(b) | (d << 4)).Store(low + i + 32);
            (Nibbles.Two(a, 4) | (Nibbles.Two(b, 4) << 2) | (Nibbles.Two(c, 4) << 4) | (Nibbles.Two(d, 4) << 6)).Store(high + i);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Greatest(float* values, int count)
    {
        float greatest = 0;
        for (int i = 0; i < count; i++)
            if (values[i] > greatest) greatest = values[i];
        return greatest;
    }

    /// <summary>The first of 16 scales of the greatest magnitude.</summary>
    private static float OfGreatestMagnitude(float* scales)
    {
        float size = 0, found = 0;
        for (int i = 0; i < 16; i++)
        {
            if (!(float.Abs(scales[i]) > size)) continue;
            size = float.Abs(scales[i]);
            found = scales[i];
        }

        return found;
    }
}
