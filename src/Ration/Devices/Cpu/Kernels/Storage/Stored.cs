using System.Runtime.Intrinsics;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Conversion between stored floats and f32, one thread. Widening is exact; narrowing rounds to nearest, ties to even, overflows to
/// infinity, keeps subnormals, and keeps NaN a NaN.
/// </summary>
internal static unsafe class Stored
{
    /// <summary>Reads elements <paramref name="start"/> … of a tensor whose real numbers are stored one by one.</summary>
    /// <exception cref="NotSupportedException">It is of another type.</exception>
    public static void Load(nint address, DType type, nint start, float* target /*[count] overwritten*/, nint count)
    {
        byte* source = (byte*)address + (start * type.Bytes());
        switch (type)
        {
            case DType.F32: Buffer.MemoryCopy(source, target, count * sizeof(float), count * sizeof(float)); break;
            case DType.BF16: Widen<BFloat16Element>(source, target, count); break;
            case DType.F8E4M3: Widen<ByteFloat43Element>(source, target, count); break;
            case DType.F8E5M2: Widen<ByteFloat52Element>(source, target, count); break;
            case DType.F16: Widen<HalfElement>(source, target, count); break;
            default: throw new NotSupportedException($"{type} does not hold real numbers");
        }
    }

    /// <summary>Writes elements <paramref name="start"/> … of a tensor of type F32, BF16 or F16.</summary>
    /// <exception cref="NotSupportedException">It is of another type.</exception>
    public static void Store(float* source /*[count]*/, nint address, DType type, nint start, nint count)
    {
        byte* target = (byte*)address + (start * type.Bytes());
        switch (type)
        {
            case DType.F32: Buffer.MemoryCopy(source, target, count * sizeof(float), count * sizeof(float)); break;
            case DType.BF16: Narrow<BFloat16Rounding>(source, (ushort*)target, count); break;
            case DType.F16: Narrow<HalfRounding>(source, (ushort*)target, count); break;
            default: throw new NotSupportedException($"{type} does not hold real numbers");
        }
    }

    private static void Widen<TElement>(byte* source, float* target, nint count)
        where TElement : struct, IElement
    {
        nint i = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; i + 8 <= count; i += 8) TElement.Load256(source + (i * TElement.Bytes)).Store(target + i);
        for (; i < count; i++) target[i] = TElement.Load(source + (i * TElement.Bytes));
    }

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

    private interface IRounding
    {
        /// <summary>The 16 bits of the stored form, in 32.</summary>
        static abstract Vector256<uint> Round(Vector256<float> value);
    }

    private readonly struct BFloat16Rounding : IRounding
    {
        public static Vector256<uint> Round(Vector256<float> value)
        {
            Vector256<uint> bits = value.AsUInt32(), upper = bits >>> 16;
            Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + (upper & Vector256.Create(1u))) >>> 16;
            return Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), rounded, upper | Vector256.Create(0x40u));
        }
    }

    private readonly struct HalfRounding : IRounding
    {
        public static Vector256<uint> Round(Vector256<float> value)
        {
            Vector256<uint> bits = value.AsUInt32(), sign = (bits >>> 16) & Vector256.Create(0x8000u);
            Vector256<uint> size = bits & Vector256.Create(0x7FFFFFFFu);

            // Normal: move the exponent's bias, add just under half a unit plus the lowest kept bit.
            Vector256<uint> normal = (size + Vector256.Create(0xC8000FFFu) + ((size >>> 13) & Vector256.Create(1u))) >>> 13;

            // Subnormal: adding one half leaves the lowest bits as the multiple of 2⁻²⁴, rounded by the addition itself.
            Vector256<uint> subnormal = (size.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0x3F000000u);

            Vector256<uint> result = Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create(0x38800000u)), subnormal,
                normal);
            result = Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create(0x477FF000u)), result,
                Vector256.Create(0x7C00u));
            Vector256<uint> isNan = Vector256.GreaterThan(size, Vector256.Create(0x7F800000u));
            return Vector256.ConditionalSelect(isNan, Vector256.Create(0x7E00u), result) | sign;
        }
    }
}
