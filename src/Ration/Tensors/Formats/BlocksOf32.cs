using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>ggml's Q8_0: x = d · q, q from −127 to 127.</summary>
internal readonly unsafe struct Q8_0Format : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block);
        Scaling.Store(Vector128.Load(block + 2).AsSByte(), d, target);
        Scaling.Store(Vector128.Load(block + 18).AsSByte(), d, target + 16);
    }

    public static void Encode(float* source, byte* block)
    {
        float d = BlockStatistics.GreatestMagnitude(source, 32) / 127;
        Vector256<float> inverse = Vector256.Create(Rounding.Inverse(d));
        HalfPrecision.Write(d, block);
        Rounding.ToBytes(
            Rounding.HalfAwayFromZero(Vector256.Load(source) * inverse), Rounding.HalfAwayFromZero(Vector256.Load(source + 8) * inverse),
            Rounding.HalfAwayFromZero(Vector256.Load(source + 16) * inverse),
            Rounding.HalfAwayFromZero(Vector256.Load(source + 24) * inverse)).Store(block + 2);
    }
}

/// <summary>ggml's Q4_0: x = d · (q − 8); the greatest magnitude is met exactly by q = 0, whatever its sign.</summary>
internal readonly unsafe struct Q4_0Format : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 18;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block);
        Vector128<byte> packed = Vector128.Load(block + 2);
        Vector128<sbyte> eight = Vector128.Create((sbyte)8);
        Scaling.Store(Nibbles.Low(packed).AsSByte() - eight, d, target);
        Scaling.Store(Nibbles.High(packed).AsSByte() - eight, d, target + 16);
    }

    public static void Encode(float* source, byte* block)
    {
        float d = BlockStatistics.FirstOfGreatestMagnitude(source, 32) / -8;
        HalfPrecision.Write(d, block);
        Vector256<byte> numbers = Vector256.Min(Rounding.Truncated32(source, 0, Rounding.Inverse(d), 8.5f), Vector256.Create((byte)15));
        (numbers.GetLower() | (numbers.GetUpper() << 4)).Store(block + 2);
    }
}

/// <summary>ggml's Q4_1: x = d · q + m.</summary>
internal readonly unsafe struct Q4_1Format : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 20;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block), m = HalfPrecision.Read(block + 2);
        Vector128<byte> packed = Vector128.Load(block + 4);
        Scaling.Store(Nibbles.Low(packed), d, m, target);
        Scaling.Store(Nibbles.High(packed), d, m, target + 16);
    }

    public static void Encode(float* source, byte* block)
    {
        (float least, float greatest) = BlockStatistics.Range(source, 32);
        float d = (greatest - least) / 15;
        HalfPrecision.Write(d, block);
        HalfPrecision.Write(least, block + 2);
        Vector256<byte> numbers = Vector256.Min(Rounding.Truncated32(source, least, Rounding.Inverse(d), 0.5f), Vector256.Create((byte)15));
        (numbers.GetLower() | (numbers.GetUpper() << 4)).Store(block + 4);
    }
}

/// <summary>ggml's Q5_0: x = d · (q − 16).</summary>
internal readonly unsafe struct Q5_0Format : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 22;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block);
        Vector128<byte> packed = Vector128.Load(block + 6);
        Vector128<sbyte> sixteen = Vector128.Create((sbyte)16);
        Scaling.Store((Nibbles.Low(packed) | Nibbles.FifthBits(*(ushort*)(block + 2))).AsSByte() - sixteen, d, target);
        Scaling.Store((Nibbles.High(packed) | Nibbles.FifthBits(*(ushort*)(block + 4))).AsSByte() - sixteen, d, target + 16);
    }

    public static void Encode(float* source, byte* block)
    {
        float d = BlockStatistics.FirstOfGreatestMagnitude(source, 32) / -16;
        HalfPrecision.Write(d, block);
        Vector256<byte> numbers = Rounding.Truncated32(source, 0, Rounding.Inverse(d), 16.5f);
        FiveBits.Store(Vector256.Min(numbers, Vector256.Create((byte)31)), block + 2);
    }
}

/// <summary>ggml's Q5_1: x = d · q + m.</summary>
internal readonly unsafe struct Q5_1Format : IBlockFormat
{
    public static int Elements => 32;

    public static int Bytes => 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* block, float* target)
    {
        float d = HalfPrecision.Read(block), m = HalfPrecision.Read(block + 2);
        Vector128<byte> packed = Vector128.Load(block + 8);
        Scaling.Store(Nibbles.Low(packed) | Nibbles.FifthBits(*(ushort*)(block + 4)), d, m, target);
        Scaling.Store(Nibbles.High(packed) | Nibbles.FifthBits(*(ushort*)(block + 6)), d, m, target + 16);
    }

    public static void Encode(float* source, byte* block)
    {
        (float least, float greatest) = BlockStatistics.Range(source, 32);
        float d = (greatest - least) / 31;
        HalfPrecision.Write(d, block);
        HalfPrecision.Write(least, block + 2);
        FiveBits.Store(Rounding.Truncated32(source, least, Rounding.Inverse(d), 0.5f), block + 4);
    }
}

/// <summary>32 numbers of five bits.</summary>
internal static unsafe class FiveBits
{
    /// <summary>Stores the fifth bits in 4 bytes, then in 16 the low four of number i and, above them, of number i + 16.</summary>
    public static void Store(Vector256<byte> numbers, byte* target)
    {
        *(uint*)target = (numbers << 3).ExtractMostSignificantBits();
        Vector256<byte> low = numbers & Vector256.Create((byte)15);
        (low.GetLower() | (low.GetUpper() << 4)).Store(target + 4);
    }
}
