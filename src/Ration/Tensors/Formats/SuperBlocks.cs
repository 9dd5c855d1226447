using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>ggml's Q2_K: x = (d · s) · q − dmin · m in groups of 16; bytes: 16 of s and m (high half), 64 of q, d, dmin.</summary>
internal readonly unsafe struct Q2_KFormat : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 84;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block + 80), least = HalfPrecision.Read(block + 82);
        for (int group = 0; group < 16; group++, target += 16)
        {
            byte scale = block[group];
            Vector128<byte> packed = Vector128.Load(block + 16 + (group / 8 * 32) + (group % 2 * 16));
            Scaling.Store(Nibbles.Two(packed, group / 2 % 4 * 2), d * (scale & 15), -(least * (scale >> 4)), target);
        }
    }

    public static void Encode(float* source, byte* block) => SuperBlockEncoder.Q2_K(source, block);
}

/// <summary>ggml's Q3_K: x = (d · (s − 32)) · (q − 4) in groups of 16; bytes: 32 of third bits, 64 of low bits, 12 of s, d.</summary>
internal readonly unsafe struct Q3_KFormat : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 110;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block + 108);
        for (int group = 0; group < 16; group++, target += 16)
        {
            Vector128<byte> packed = Vector128.Load(block + 32 + (group / 8 * 32) + (group % 2 * 16));
            Vector128<byte> third = Nibbles.WhereSet(Vector128.Load(block + (group % 2 * 16)), (byte)(1 << (group / 2)), 4);
            Vector128<byte> numbers = Nibbles.Two(packed, group / 2 % 4 * 2) | third;
            Scaling.Store(numbers.AsSByte() - Vector128.Create((sbyte)4), d * (Scale(block + 96, group) - 32), target);
        }
    }

    /// <summary>The scale of a group: four bits from the first eight bytes, two from the last four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Scale(byte* scales, int group) =>
        ((scales[group % 8] >> (group / 8 * 4)) & 15) | (((scales[8 + (group % 4)] >> (group / 4 * 2)) & 3) << 4);

    public static void Encode(float* source, byte* block) => SuperBlockEncoder.Q3_K(source, block);
}

/// <summary>ggml's Q4_K: x = (d · s) · q − dmin · m in groups of 32; bytes: d, dmin, 12 of s and m, 128 of q.</summary>
internal readonly unsafe struct Q4_KFormat : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 144;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block), least = HalfPrecision.Read(block + 2);
        byte* packed = block + 16;
        for (int group = 0; group < 8; group += 2, packed += 32, target += 64)
        {
            (int s0, int m0) = SixBitScales.Read(block + 4, group);
            (int s1, int m1) = SixBitScales.Read(block + 4, group + 1);
            Vector128<byte> first = Vector128.Load(packed), second = Vector128.Load(packed + 16);
            Scaling.Store(Nibbles.Low(first), d * s0, -(least * m0), target);
            Scaling.Store(Nibbles.Low(second), d * s0, -(least * m0), target + 16);
            Scaling.Store(Nibbles.High(first), d * s1, -(least * m1), target + 32);
            Scaling.Store(Nibbles.High(second), d * s1, -(least * m1), target + 48);
        }
    }

    public static void Encode(float* source, byte* block) => SuperBlockEncoder.Q4_K(source, block);
}

/// <summary>ggml's Q5_K: x = (d · s) · q − dmin · m in groups of 32; bytes: d, dmin, 12 of s and m, 32 of fifth bits, 128 of low bits.</summary>
internal readonly unsafe struct Q5_KFormat : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 176;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block), least = HalfPrecision.Read(block + 2);
        byte* packed = block + 48;
        Vector128<byte> fifth0 = Vector128.Load(block + 16), fifth1 = Vector128.Load(block + 32);
        for (int group = 0; group < 8; group += 2, packed += 32, target += 64)
        {
            (int s0, int m0) = SixBitScales.Read(block + 4, group);
            (int s1, int m1) = SixBitScales.Read(block + 4, group + 1);
            Vector128<byte> first = Vector128.Load(packed), second = Vector128.Load(packed + 16);
            byte low = (byte)(1 << group), high = (byte)(2 << group);
            Scaling.Store(Nibbles.Low(first) | Nibbles.WhereSet(fifth0, low, 16), d * s0, -(least * m0), target);
            Scaling.Store(Nibbles.Low(second) | Nibbles.WhereSet(fifth1, low, 16), d * s0, -(least * m0), target + 16);
            Scaling.Store(Nibbles.High(first) | Nibbles.WhereSet(fifth0, high, 16), d * s1, -(least * m1), target + 32);
            Scaling.Store(Nibbles.High(second) | Nibbles.WhereSet(fifth1, high, 16), d * s1, -(least * m1), target + 48);
        }
    }

    public static void Encode(float* source, byte* block) => SuperBlockEncoder.Q5_K(source, block);
}

/// <summary>ggml's Q6_K: x = (d · s) · (q − 32) in groups of 16; bytes: 128 of low bits, 64 of high bits, 16 of s, d.</summary>
internal readonly unsafe struct Q6_KFormat : IBlockFormat
{
    public static int Elements => 256;

    public static int Bytes => 210;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block + 208);
        sbyte* scales = (sbyte*)block + 192;
        Vector128<sbyte> middle = Vector128.Create((sbyte)32);
        for (int half = 0; half < 2; half++, target += 128, scales += 8)
        {
            for (int part = 0; part < 2; part++)
            {
                Vector128<byte> even = Vector128.Load(block + (half * 64) + (part * 16)), odd = Vector128.Load(block + (half * 64) + 32 + (part * 16));
                Vector128<byte> high = Vector128.Load(block + 128 + (half * 32) + (part * 16));
                float* to = target + (part * 16);
                Scaling.Store((Nibbles.Low(even) | (Nibbles.Two(high, 0) << 4)).AsSByte() - middle, d * scales[part], to);
                Scaling.Store((Nibbles.Low(odd) | (Nibbles.Two(high, 2) << 4)).AsSByte() - middle, d * scales[part + 2], to + 32);
                Scaling.Store((Nibbles.High(even) | (Nibbles.Two(high, 4) << 4)).AsSByte() - middle, d * scales[part + 4], to + 64);
                Scaling.Store((Nibbles.High(odd) | (Nibbles.Two(high, 6) << 4)).AsSByte() - middle, d * scales[part + 6], to + 96);
            }
        }
    }

    public static void Encode(float* source, byte* block) => SuperBlockEncoder.Q6_K(source, block);
}

/// <summary>Eight scales and eight least values of six bits in twelve bytes: the upper two bits of the last four lie above the first.</summary>
internal static unsafe class SixBitScales
{
    /// <summary>The scale and the least value of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (int Scale, int Least) Read(byte* packed, int group)
    {
        if (group < 4) return (packed[group] & 63, packed[group + 4] & 63);
        return ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
    }

    /// <summary>Stores them; groups in ascending order.</summary>
    public static void Write(byte* packed, int group, int scale, int least)
    {
        if (group < 4)
        {
            packed[group] = (byte)scale;
            packed[group + 4] = (byte)least;
            return;
        }

        packed[group + 4] = (byte)((scale & 15) | ((least & 15) << 4));
        packed[group - 4] |= (byte)(scale >> 4 << 6);
        packed[group] |= (byte)(least >> 4 << 6);
    }
}
