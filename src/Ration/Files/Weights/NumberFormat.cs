using System.Runtime.InteropServices;
using Ration.Tensors;

namespace Ration.Files.Weights;

/// <summary>Numbers in the form in which a type stores them.</summary>
internal static class NumberFormat
{
    /// <summary>Reads stored numbers; whole blocks.</summary>
    public static void Decode(DType type, ReadOnlySpan<byte> stored, Span<float> numbers)
    {
        switch (type)
        {
            case DType.F32:
                MemoryMarshal.Cast<byte, float>(stored).CopyTo(numbers);
                break;
            case DType.F16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(stored);
                for (int i = 0; i < numbers.Length; i++) numbers[i] = (float)halves[i];
                break;
            case DType.BF16:
                ReadOnlySpan<ushort> upper = MemoryMarshal.Cast<byte, ushort>(stored);
                for (int i = 0; i < numbers.Length; i++) numbers[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                break;
            default:
                throw new InvalidInputException($"weights in {type} cannot be read");
        }
    }

    /// <summary>Stores numbers; whole blocks.</summary>
    public static void Encode(DType type, ReadOnlySpan<float> numbers, Span<byte> stored)
    {
        switch (type)
        {
            case DType.F32:
                MemoryMarshal.AsBytes(numbers).CopyTo(stored);
                break;
            case DType.F16:
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(stored);
                for (int i = 0; i < numbers.Length; i++) halves[i] = (Half)numbers[i];
                break;
            case DType.BF16:
                Span<ushort> upper = MemoryMarshal.Cast<byte, ushort>(stored);
                for (int i = 0; i < numbers.Length; i++)
                {
                    uint bits = BitConverter.SingleToUInt32Bits(numbers[i]);
                    upper[i] = float.IsNaN(numbers[i]) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
                }

                break;
            default:
                throw new InvalidInputException($"weights cannot be stored in {type}");
        }
    }
}
