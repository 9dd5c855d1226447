using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Reads channels of a cached key or value as f32, a vector at a time, straight from where they are stored.</summary>
internal unsafe interface ICacheFormat
{
    /// <summary>Whether a head need not be whole vectors of channels.</summary>
    static abstract bool HasTail { get; }

    /// <summary>
    /// Channels <paramref name="channel"/> … + T.Count of the head at <paramref name="head"/>; the first is a multiple of T.Count unless
    /// that is 1.
    /// </summary>
    static abstract T Load<T>(byte* head, nint channel)
        where T : unmanaged, ILanes<T>;
}

/// <summary>F32 and BF16.</summary>
internal readonly unsafe struct PlainFormat<TElement> : ICacheFormat
    where TElement : struct, IElement
{
    public static bool HasTail => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* head, nint channel)
        where T : unmanaged, ILanes<T>
    {
        byte* source = head + (channel * TElement.Bytes);
        if (typeof(T) == typeof(Lanes16)) return Unsafe.BitCast<Lanes16, T>(new(TElement.Load512(source)));
        if (typeof(T) == typeof(Lanes8)) return Unsafe.BitCast<Lanes8, T>(new(TElement.Load256(source)));
        return T.Create(TElement.Load(source));
    }
}

/// <summary>
/// F16 that is finite, which is all that a cache holds: exponent and fraction are moved to their places in an f32, and a product with
/// 2¹¹² mends the exponent, of subnormals too.
/// </summary>
internal readonly unsafe struct HalfFormat : ICacheFormat
{
    private const int SignExponentFraction = unchecked((int)0x8FFFE000);
    private const float Rebias = 5192296858534827628530496329220096f;

    public static bool HasTail => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* head, nint channel)
        where T : unmanaged, ILanes<T>
    {
        short* source = (short*)head + channel;
        if (typeof(T) == typeof(Lanes16))
        {
            Vector512<int> moved = (Avx512F.ConvertToVector512Int32(Vector256.Load(source)) << 13) & Vector512.Create(SignExponentFraction);
            return Unsafe.BitCast<Lanes16, T>(new(moved.AsSingle() * Vector512.Create(Rebias)));
        }

        if (typeof(T) == typeof(Lanes8))
        {
            Vector256<int> moved = (Avx2.ConvertToVector256Int32(Vector128.Load(source)) << 13) & Vector256.Create(SignExponentFraction);
            return Unsafe.BitCast<Lanes8, T>(new(moved.AsSingle() * Vector256.Create(Rebias)));
        }

        return T.Create(ToSingle(*source));
    }

    /// <summary>A finite F16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle(short bits) => BitConverter.Int32BitsToSingle((bits << 13) & SignExponentFraction) * Rebias;
}

/// <summary>Q8_0: blocks of 32 channels of a head, each a finite F16 scale and 32 signed bytes.</summary>
internal readonly unsafe struct EightBitFormat : ICacheFormat
{
    /// <summary>Channels of a block.</summary>
    public const int Block = 32;

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = Block + sizeof(short);

    public static bool HasTail => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* head, nint channel)
        where T : unmanaged, ILanes<T>
    {
        // A block of 32 channels has 34 bytes: two more for each before this one.
        nint number = channel >> 5;
        sbyte* source = (sbyte*)head + channel + (2 * number) + sizeof(short);
        byte* block = head + (number * BlockBytes);
        float scale = HalfFormat.ToSingle(*(short*)block);
        if (typeof(T) == typeof(Lanes16))
        {
            Vector512<int> widened = Avx512F.ConvertToVector512Int32(Vector128.Load(source));
            return Unsafe.BitCast<Lanes16, T>(new(Vector512.ConvertToSingle(widened) * Vector512.Create(scale)));
        }

        if (typeof(T) == typeof(Lanes8))
        {
            Vector256<int> widened = Avx2.ConvertToVector256Int32(source);
            return Unsafe.BitCast<Lanes8, T>(new(Vector256.ConvertToSingle(widened) * Vector256.Create(scale)));
        }

        return T.Create(*source * scale);
    }
}
