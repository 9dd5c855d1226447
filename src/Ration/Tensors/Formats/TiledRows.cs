using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ration.Tensors.Formats;

/// <summary>
/// The order of tiled storage: the blocks of 16 rows that lie at the same place along the rows form one tile block.
/// It holds each field of the stored block in turn, cut into units of two or four bytes, and for each unit those of row 0, row 1 … row
/// 15 side by side. So a vector load brings the same few elements of 16 rows, one row to a lane. Tile blocks follow each other along the
/// rows; tiles follow each other down the matrix; rows beyond the last whole tile stay as files keep them. Bytes are those of the rows.
/// </summary>
public static class TiledRows
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 16;

    private static readonly Field[] s_q8 = [new(0, 2, 2), new(2, 32, 4)];
    private static readonly Field[] s_q4 = [new(0, 2, 2), new(2, 16, 4)];
    private static readonly Field[] s_q4Min = [new(0, 2, 2), new(2, 2, 2), new(4, 16, 4)];
    private static readonly Field[] s_q5 = [new(0, 2, 2), new(2, 4, 4), new(6, 16, 4)];
    private static readonly Field[] s_q5Min = [new(0, 2, 2), new(2, 2, 2), new(4, 4, 4), new(8, 16, 4)];
    private static readonly Field[] s_q4K = [new(0, 2, 2), new(2, 2, 2), new(4, 12, 4), new(16, 128, 4)];
    private static readonly Field[] s_q5K = [new(0, 2, 2), new(2, 2, 2), new(4, 12, 4), new(16, 32, 4), new(48, 128, 4)];
    private static readonly Field[] s_q6K = [new(208, 2, 2), new(192, 16, 4), new(0, 128, 4), new(128, 64, 4)];
    private static readonly Field[] s_fourBitFloat = [new(0, 4, 4), new(4, 32, 4)];

    /// <summary>Whether rows of this type can lie in tiles.</summary>
    public static bool Supports(DType type) => FieldsOf(type) is not null;

    /// <summary>Arranges 16 stored rows as a tile.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="rows">16 rows, one after the other.</param>
    /// <param name="tile">As many bytes, overwritten.</param>
    /// <exception cref="ArgumentException">The type has no tiles, or the bytes are not 16 rows of whole blocks.</exception>
    public static void Arrange(DType type, ReadOnlySpan<byte> rows, Span<byte> tile)
    {
        Field[] fields = Require(type, rows.Length, tile.Length);
        int rowBytes = rows.Length / Rows, blockBytes = type.BlockBytes();
        ref byte source = ref MemoryMarshal.GetReference(rows);
        ref byte target = ref MemoryMarshal.GetReference(tile);
        for (int block = 0; block < rowBytes; block += blockBytes)
        {
            foreach (Field field in fields)
            {
                ref byte from = ref Unsafe.Add(ref source, block + field.Offset);
                if (field.Unit == sizeof(uint)) Interleave<uint>(ref from, rowBytes, field.Bytes / field.Unit, ref target);
                else Interleave<ushort>(ref from, rowBytes, field.Bytes / field.Unit, ref target);
                target = ref Unsafe.Add(ref target, field.Bytes * Rows);
            }
        }
    }

    /// <summary>Takes one row out of a tile, as files keep it.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="tile">A whole tile, or any number of tile blocks.</param>
    /// <param name="row">0 … 15.</param>
    /// <param name="stored">A sixteenth of the tile's bytes, overwritten.</param>
    /// <exception cref="ArgumentException">The type has no tiles, or the sizes do not fit.</exception>
    public static void Extract(DType type, ReadOnlySpan<byte> tile, int row, Span<byte> stored)
    {
        Field[] fields = Require(type, tile.Length, stored.Length * Rows);
        int blockBytes = type.BlockBytes();
        for (int block = 0; block < stored.Length; block += blockBytes)
        {
            int at = block * Rows;
            foreach (Field field in fields)
            {
                for (int unit = 0; unit < field.Bytes; unit += field.Unit, at += Rows * field.Unit)
                    tile.Slice(at + (row * field.Unit), field.Unit).CopyTo(stored[(block + field.Offset + unit)..]);
            }
        }
    }

    private static void Interleave<TUnit>(ref byte source, int rowBytes, int units, ref byte target)
        where TUnit : unmanaged
    {
        for (int row = 0; row < Rows; row++)
        {
            ref byte from = ref Unsafe.Add(ref source, row * rowBytes);
            ref byte to = ref Unsafe.Add(ref target, row * Unsafe.SizeOf<TUnit>());
            for (int unit = 0; unit < units; unit++)
            {
                Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, unit * Rows * Unsafe.SizeOf<TUnit>()), Unsafe.ReadUnaligned<TUnit>(ref from));
                from = ref Unsafe.Add(ref from, Unsafe.SizeOf<TUnit>());
            }
        }
    }

    private static Field[] Require(DType type, int bytes, int otherBytes)
    {
        Field[] fields = FieldsOf(type) ?? throw new ArgumentException($"{type} has no tiles", nameof(type));
        if (bytes % (Rows * type.BlockBytes()) != 0 || bytes != otherBytes) throw new ArgumentException($"{bytes} and {otherBytes} bytes are not {Rows} rows of {type}", nameof(bytes));
        return fields;
    }

    private static Field[]? FieldsOf(DType type) => type switch
    {
        DType.Q8_0 => s_q8,
        DType.Q4_0 => s_q4,
        DType.Q4_1 => s_q4Min,
        DType.Q5_0 => s_q5,
        DType.Q5_1 => s_q5Min,
        DType.Q4_K => s_q4K,
        DType.Q5_K => s_q5K,
        DType.Q6_K => s_q6K,
        DType.NF4 or DType.FP4 => s_fourBitFloat,
        _ => null,
    };

    // A field of a stored block: where it begins, its bytes, and the bytes of it that a row keeps together.
    private readonly record struct Field(int Offset, int Bytes, int Unit);
}
