using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// Every format of real numbers to f32 and back. Decoding is exact: ggml's and bitsandbytes' values to the last bit. Encoding gives the bytes
/// of their own quantizers (of ggml without importance weights, as plain x86-64 builds compute them); F32 to F16 and BF16 rounds to
/// nearest even, to F8 the same with saturation; formats of optimizer state round to the nearest code. Any bytes decode to something and any floats, infinite ones and NaN among them,
/// encode to something.
/// </summary>
public static unsafe class TensorCodec
{
    /// <summary>Decodes consecutive elements that begin and end at a block's border.</summary>
    /// <param name="type">A type of real numbers. Doubly quantized ones are decoded as a whole tensor.</param>
    /// <param name="source">Exactly the bytes of the elements.</param>
    /// <param name="target">As many floats as there are elements.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together, or are no whole blocks.</exception>
    /// <exception cref="NotSupportedException">The type does not hold real numbers.</exception>
    public static void Decode(DType type, ReadOnlySpan<byte> source, Span<float> target)
    {
        CheckLength(type, target.Length, source.Length);
        fixed (byte* from = source)
        fixed (float* to = target) DecodeAt(type, from, target.Length, 0, to, target.Length);
    }

    /// <summary>Encodes consecutive elements that begin and end at a block's border.</summary>
    /// <param name="type">A type of real numbers. Doubly quantized ones are encoded as a whole tensor, since scales are stored less their mean.</param>
    /// <param name="source">The elements.</param>
    /// <param name="target">Exactly the bytes of the elements.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together, or are no whole blocks.</exception>
    /// <exception cref="NotSupportedException">The type does not hold real numbers.</exception>
    public static void Encode(DType type, ReadOnlySpan<float> source, Span<byte> target)
    {
        CheckLength(type, source.Length, target.Length);
        fixed (float* from = source)
        fixed (byte* to = target) Encode(type, from, to, source.Length);
    }

    /// <summary>Decodes whole blocks of a tensor; allocates nothing.</summary>
    /// <param name="type">A type of real numbers.</param>
    /// <param name="tensor">The first byte of the tensor; any alignment.</param>
    /// <param name="elements">Elements of the whole tensor; only types that are <see cref="DTypeExtensions.IsPlanar"/> ask for it.</param>
    /// <param name="first">The first element wanted, at a block's border.</param>
    /// <param name="target">Receives the elements.</param>
    /// <param name="count">How many, in whole blocks.</param>
    /// <exception cref="NotSupportedException">The type does not hold real numbers.</exception>
    internal static void DecodeAt(DType type, byte* tensor, nint elements, nint first, float* target, nint count)
    {
        switch (type)
        {
            case DType.NF4Double: DoubleQuantization.Decode<NormalFloatCode>(tensor, elements, first, target, count); break;
            case DType.FP4Double: DoubleQuantization.Decode<FourBitFloatCode>(tensor, elements, first, target, count); break;
            default: Decode(type, tensor + (first / type.BlockElements() * type.BlockBytes()), target, count); break;
        }
    }

    /// <summary>Decodes whole blocks of a type that is not <see cref="DTypeExtensions.IsPlanar"/>; allocates nothing.</summary>
    /// <param name="type">A type of real numbers.</param>
    /// <param name="source">The first block; any alignment.</param>
    /// <param name="target">Receives the elements.</param>
    /// <param name="count">Elements, in whole blocks.</param>
    /// <exception cref="NotSupportedException">The type does not hold real numbers, or has no blocks that stand alone.</exception>
    internal static void Decode(DType type, byte* source, float* target, nint count)
    {
        switch (type)
        {
            case DType.F32: Buffer.MemoryCopy(source, target, count * sizeof(float), count * sizeof(float)); break;
            case DType.BF16: DecodeFloats<BFloat16Element>(source, target, count); break;
            case DType.F16: DecodeFloats<HalfElement>(source, target, count); break;
            case DType.F8E4M3: DecodeFloats<ByteFloat43Element>(source, target, count); break;
            case DType.F8E5M2: DecodeFloats<ByteFloat52Element>(source, target, count); break;
            case DType.Q8_0: DecodeBlocks<Q8_0Format>(source, target, count); break;
            case DType.Q4_0: DecodeBlocks<Q4_0Format>(source, target, count); break;
            case DType.Q4_1: DecodeBlocks<Q4_1Format>(source, target, count); break;
            case DType.Q5_0: DecodeBlocks<Q5_0Format>(source, target, count); break;
            case DType.Q5_1: DecodeBlocks<Q5_1Format>(source, target, count); break;
            case DType.Q2_K: DecodeBlocks<Q2_KFormat>(source, target, count); break;
            case DType.Q3_K: DecodeBlocks<Q3_KFormat>(source, target, count); break;
            case DType.Q4_K: DecodeBlocks<Q4_KFormat>(source, target, count); break;
            case DType.Q5_K: DecodeBlocks<Q5_KFormat>(source, target, count); break;
            case DType.Q6_K: DecodeBlocks<Q6_KFormat>(source, target, count); break;
            case DType.NF4: DecodeBlocks<FourBitFormat<NormalFloatCode>>(source, target, count); break;
            case DType.FP4: DecodeBlocks<FourBitFormat<FourBitFloatCode>>(source, target, count); break;
            case DType.Dynamic8: DecodeBlocks<DynamicFormat<SignedDynamicCode>>(source, target, count); break;
            case DType.DynamicUnsigned8: DecodeBlocks<DynamicFormat<UnsignedDynamicCode>>(source, target, count); break;
            case DType.Dynamic4: DecodeBlocks<FourBitStateFormat<FourBitDynamicCode>>(source, target, count); break;
            case DType.LinearUnsigned4: DecodeBlocks<FourBitStateFormat<FourBitLinearCode>>(source, target, count); break;
            case DType.F8Expanded: DecodeBlocks<ExpandedByteFloatFormat>(source, target, count); break;
            default: throw new NotSupportedException($"{type} has no elements that can be read as real numbers by themselves");
        }
    }

    /// <summary>Encodes whole blocks; a whole tensor of a type that is <see cref="DTypeExtensions.IsPlanar"/>. Allocates nothing.</summary>
    /// <param name="type">A type of real numbers.</param>
    /// <param name="source">The elements.</param>
    /// <param name="target">Receives the blocks; any alignment.</param>
    /// <param name="count">Elements, in whole blocks.</param>
    /// <exception cref="NotSupportedException">The type does not hold real numbers.</exception>
    internal static void Encode(DType type, float* source, byte* target, nint count)
    {
        switch (type)
        {
            case DType.F32: Buffer.MemoryCopy(source, target, count * sizeof(float), count * sizeof(float)); break;
            case DType.BF16: Narrow<BFloat16Rounding>(source, (ushort*)target, count); break;
            case DType.F16: Narrow<HalfRounding>(source, (ushort*)target, count); break;
            case DType.F8E4M3: EncodeBytes<ByteFloat43Rounding>(source, target, count); break;
            case DType.F8E5M2: EncodeBytes<ByteFloat52Rounding>(source, target, count); break;
            case DType.Q8_0: EncodeBlocks<Q8_0Format>(source, target, count); break;
            case DType.Q4_0: EncodeBlocks<Q4_0Format>(source, target, count); break;
            case DType.Q4_1: EncodeBlocks<Q4_1Format>(source, target, count); break;
            case DType.Q5_0: EncodeBlocks<Q5_0Format>(source, target, count); break;
            case DType.Q5_1: EncodeBlocks<Q5_1Format>(source, target, count); break;
            case DType.Q2_K: EncodeBlocks<Q2_KFormat>(source, target, count); break;
            case DType.Q3_K: EncodeBlocks<Q3_KFormat>(source, target, count); break;
            case DType.Q4_K: EncodeBlocks<Q4_KFormat>(source, target, count); break;
            case DType.Q5_K: EncodeBlocks<Q5_KFormat>(source, target, count); break;
            case DType.Q6_K: EncodeBlocks<Q6_KFormat>(source, target, count); break;
            case DType.NF4: EncodeBlocks<FourBitFormat<NormalFloatCode>>(source, target, count); break;
            case DType.FP4: EncodeBlocks<FourBitFormat<FourBitFloatCode>>(source, target, count); break;
            case DType.Dynamic8: EncodeScaledBlocks<DynamicFormat<SignedDynamicCode>>(source, target, count); break;
            case DType.DynamicUnsigned8: EncodeScaledBlocks<DynamicFormat<UnsignedDynamicCode>>(source, target, count); break;
            case DType.Dynamic4: EncodeScaledBlocks<FourBitStateFormat<FourBitDynamicCode>>(source, target, count); break;
            case DType.LinearUnsigned4: EncodeScaledBlocks<FourBitStateFormat<FourBitLinearCode>>(source, target, count); break;
            case DType.F8Expanded: EncodeBlocks<ExpandedByteFloatFormat>(source, target, count); break;
            case DType.NF4Double: DoubleQuantization.Encode<NormalFloatCode>(source, target, count); break;
            case DType.FP4Double: DoubleQuantization.Encode<FourBitFloatCode>(source, target, count); break;
            default: throw new NotSupportedException($"{type} does not hold real numbers");
        }
    }

    /// <summary>Decodes elements <paramref name="start"/> … of a tensor, in whole blocks of a type that is not planar.</summary>
    internal static void Load(byte* tensor, DType type, nint start, float* target, nint count) =>
        Decode(type, tensor + (start / type.BlockElements() * type.BlockBytes()), target, count);

    /// <summary>Encodes elements <paramref name="start"/> … of a tensor, in whole blocks of a type that is not planar.</summary>
    internal static void Store(float* source, byte* tensor, DType type, nint start, nint count) =>
        Encode(type, source, tensor + (start / type.BlockElements() * type.BlockBytes()), count);

    private static void CheckLength(DType type, long elements, long bytes)
    {
        if (!type.IsReal()) throw new NotSupportedException($"{type} does not hold real numbers");
        long needed = type.Bytes(elements);
        if (needed != bytes) throw new ArgumentException($"{elements} elements of {type} have {needed} bytes, not {bytes}");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DecodeBlocks<TFormat>(byte* source, float* target, nint count)
        where TFormat : struct, IBlockFormat
    {
        for (nint i = 0; i < count; i += TFormat.Elements, source += TFormat.Bytes, target += TFormat.Elements) TFormat.Decode(source, target);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EncodeBlocks<TFormat>(float* source, byte* target, nint count)
        where TFormat : struct, IBlockFormat
    {
        for (nint i = 0; i < count; i += TFormat.Elements, source += TFormat.Elements, target += TFormat.Bytes) TFormat.Encode(source, target);
    }

    // A scale is the end of a long chain of operations, for which all elements would wait: those of some blocks are found side by side.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EncodeScaledBlocks<TFormat>(float* source, byte* target, nint count)
        where TFormat : struct, IScaledBlockFormat
    {
        const int AtOnce = 8;
        float* scales = stackalloc float[AtOnce];
        for (nint blocks = count / TFormat.Elements; blocks > 0; blocks -= AtOnce)
        {
            nint these = nint.Min(AtOnce, blocks);
            for (nint i = 0; i < these; i++) scales[i] = TFormat.Scale(source + (i * TFormat.Elements));
            for (nint i = 0; i < these; i++, source += TFormat.Elements, target += TFormat.Bytes) TFormat.Encode(source, target, scales[i]);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DecodeFloats<TElement>(byte* source, float* target, nint count)
        where TElement : struct, IElement
    {
        nint i = 0;
        if (Vector512.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16) TElement.Load512(source + (i * TElement.Bytes)).Store(target + i);
        if (Vector256.IsHardwareAccelerated)
            for (; i + 8 <= count; i += 8) TElement.Load256(source + (i * TElement.Bytes)).Store(target + i);
        for (; i < count; i++) target[i] = TElement.Load(source + (i * TElement.Bytes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EncodeBytes<TRounding>(float* source, byte* target, nint count)
        where TRounding : struct, IByteRounding
    {
        for (nint i = 0; i < count; i++) target[i] = TRounding.Round(source[i]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Narrow<TRounding>(float* source, ushort* target, nint count)
        where TRounding : struct, IRounding
    {
        nint i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i + 16 <= count; i += 16)
            {
                Vector256<uint> low = TRounding.Round(Vector256.Load(source + i)), high = TRounding.Round(Vector256.Load(source + i + 8));
                Vector256.Narrow(low, high).Store(target + i);
            }
        }

        for (; i < count; i++) target[i] = (ushort)TRounding.Round(Vector256.CreateScalar(source[i])).ToScalar();
    }
}
