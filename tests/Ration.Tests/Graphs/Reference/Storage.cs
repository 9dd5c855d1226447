using System.Runtime.InteropServices;
using Ration.Graphs;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Element types as bytes: what a device's memory holds.</summary>
internal static class Storage
{
    /// <summary>The nearest number that a type can hold, ties to even.</summary>
    public static double Round(double value, DType type) => type switch
    {
        DType.F32 => (float)value,
        DType.BF16 => RoundToBFloat(value),
        DType.F16 => (double)(Half)value,
        _ => value,
    };

    /// <summary>Elements of a stored value; in tiles there are whole ones.</summary>
    public static double[] Decode(ReadOnlySpan<byte> bytes, Value value)
    {
        if (!value.DType.IsQuantized()) return Decode(bytes, value.DType);
        byte[] rows = bytes.ToArray();
        int row = (int)value.DType.Bytes(value.Shape[^1]), tile = row * TiledRows.Rows;
        for (int at = 0; value.Layout == StorageLayout.Tiles && at < rows.Length; at += row)
            TiledRows.Extract(value.DType, bytes.Slice(at - (at % tile), tile), at % tile / row, rows.AsSpan(at, row));
        float[] elements = new float[value.Shape.Elements];
        TensorCodec.Decode(value.DType, rows, elements);
        return [.. elements.Select(static v => (double)v)];
    }

    /// <summary>Bytes of a value's elements, rounded to its type; in tiles there are whole ones.</summary>
    public static byte[] Encode(double[] elements, Value value)
    {
        if (!value.DType.IsQuantized()) return Encode(elements, value.DType);
        byte[] rows = new byte[value.Bytes], tiles = new byte[value.Bytes];
        TensorCodec.Encode(value.DType, [.. elements.Select(static v => (float)v)], rows);
        if (value.Layout == StorageLayout.Rows) return rows;
        int tile = (int)value.DType.Bytes(value.Shape[^1]) * TiledRows.Rows;
        for (int at = 0; at < rows.Length; at += tile) TiledRows.Arrange(value.DType, rows.AsSpan(at, tile), tiles.AsSpan(at, tile));
        return tiles;
    }

    /// <summary>Elements of stored bytes.</summary>
    public static double[] Decode(ReadOnlySpan<byte> bytes, DType type)
    {
        double[] values = new double[bytes.Length / type.Bytes()];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = type switch
            {
                DType.F32 => MemoryMarshal.Cast<byte, float>(bytes)[i],
                DType.BF16 => BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Cast<byte, ushort>(bytes)[i] << 16),
                DType.F16 => (double)MemoryMarshal.Cast<byte, Half>(bytes)[i],
                DType.U8 => bytes[i],
                DType.I32 => MemoryMarshal.Cast<byte, int>(bytes)[i],
                DType.I64 => MemoryMarshal.Cast<byte, long>(bytes)[i],
                _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
            };
        }

        return values;
    }

    /// <summary>Bytes of elements, rounded to the type.</summary>
    public static byte[] Encode(double[] values, DType type)
    {
        byte[] bytes = new byte[values.Length * type.Bytes()];
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> element = bytes.AsSpan(i * type.Bytes());
            switch (type)
            {
                case DType.F32: MemoryMarshal.Write(element, (float)values[i]); break;
                case DType.BF16: MemoryMarshal.Write(element, (ushort)(BitConverter.SingleToUInt32Bits((float)RoundToBFloat(values[i])) >> 16)); break;
                case DType.F16: MemoryMarshal.Write(element, (Half)values[i]); break;
                case DType.U8: element[0] = checked((byte)values[i]); break;
                case DType.I32: MemoryMarshal.Write(element, checked((int)values[i])); break;
                case DType.I64: MemoryMarshal.Write(element, checked((long)values[i])); break;
                default: throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type");
            }
        }

        return bytes;
    }

    // The neighbours below and above in magnitude, chosen by distance, ties to the even one.
    private static double RoundToBFloat(double value)
    {
        if (!double.IsFinite(value)) return value;
        uint below = BitConverter.SingleToUInt32Bits((float)value) & 0xFFFF0000;
        double low = BitConverter.UInt32BitsToSingle(below), high = BitConverter.UInt32BitsToSingle(below + 0x10000);
        double toLow = Math.Abs(value - low), toHigh = Math.Abs(high - value);
        bool up = toHigh < toLow || (toHigh == toLow && (below & 0x10000) != 0);
        return up ? high : low;
    }
}
