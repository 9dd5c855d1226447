using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// Rounds a matrix, or its transpose, to Q8_0 and lays it in tiles. The bytes are those that <see cref="TensorCodec"/> and
/// <see cref="TiledRows"/> make of it, but a transpose is read where it lies: sixteen of its rows are sixteen columns side by side. The codec passes
/// over what is no number; here the scale of its block is none either, so that it shows in the product.
/// </summary>
internal unsafe struct TileQuantization : IParallelWork
{
    private const int Block = 32, BlockBytes = 34, TileBytes = BlockBytes * TiledRows.Rows, Scales = 2 * TiledRows.Rows, Lanes = 8;

    // Of the matrix a tile and some of its depth at a time, of the transpose some tiles, so that whole lines of the cache are used.
    private const int Depth = 1024, Chunk = 256, Strip = 64, StripDepth = 256;

    /// <summary>The matrix [rows, columns]; any alignment.</summary>
    public byte* Source;

    /// <summary>How it is stored: in blocks of 32 elements at the most.</summary>
    public DType Type;

    /// <summary>Overwritten: the tiles of the result.</summary>
    public byte* Target;

    /// <summary>A multiple of 32.</summary>
    public nint Rows;

    /// <summary>A multiple of 32.</summary>
    public nint Columns;

    /// <summary>Whether the result is the transpose.</summary>
    public bool Transpose;

    private readonly nint DepthItems => Transpose ? (Rows + StripDepth - 1) / StripDepth : (Columns + Depth - 1) / Depth;

    /// <summary>Items, from the sizes alone.</summary>
    public readonly int Items => checked((int)(DepthItems * (Transpose ? (Columns + Strip - 1) / Strip : Rows / TiledRows.Rows)));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        (nint first, nint depth) = Math.DivRem(item, DepthItems);
        if (Transpose) QuantizeStrip(first * Strip, nint.Min(Columns, (first + 1) * Strip), depth * StripDepth, nint.Min(Rows, (depth + 1) * StripDepth));
        else QuantizeTile(first, depth * Depth, nint.Min(Columns, (depth + 1) * Depth));
    }

    [SkipLocalsInit]
    private readonly void QuantizeTile(nint tile, nint from, nint to)
    {
        byte* rows = stackalloc byte[Chunk / Block * TileBytes];
        float* values = stackalloc float[Chunk];
        for (; from < to; from += Chunk)
        {
            nint count = nint.Min(Chunk, to - from);
            int bytes = (int)count / Block * BlockBytes;
            for (nint row = 0; row < TiledRows.Rows; row++)
            {
                nint start = (((tile * TiledRows.Rows) + row) * Columns) + from;
                float* floats = Floats(start, values, count);
                byte* blocks = rows + (row * bytes);
                TensorCodec.Encode(DType.Q8_0, floats, blocks, count);
                for (nint at = 0; at < count; at += Block, blocks += BlockBytes)
                {
                    if (!BlockStatistics.AreNumbers(floats + at, Block)) *(Half*)blocks = Half.NaN;
                }
            }

            TiledRows.Arrange(DType.Q8_0, new(rows, bytes * TiledRows.Rows), new(At(tile, Columns, from), bytes * TiledRows.Rows));
        }
    }

    [SkipLocalsInit]
    private readonly void QuantizeStrip(nint column, nint end, nint from, nint to)
    {
        float* values = stackalloc float[Block * Strip];
        nint width = end - column, stride = Type == DType.F32 ? Columns : width;
        for (; from < to; from += Block)
        {
            float* panel = values;
            if (Type == DType.F32) panel = (float*)Source + (from * Columns) + column;
            else
                for (nint row = 0; row < Block; row++) _ = Floats(((from + row) * Columns) + column, values + (row * width), width);
            for (nint i = 0; i < width; i += Lanes)
            {
                byte* target = At((column + i) / TiledRows.Rows, Rows, from);
                QuantizeColumns(panel + i, stride, target, (int)(i % TiledRows.Rows));
            }
        }
    }

    // Where they lie if they are floats, else decoded to a place.
    private readonly float* Floats(nint start, float* place, nint count)
    {
        if (Type == DType.F32) return (float*)Source + start;
        TensorCodec.Load(Source, Type, start, place, count);
        return place;
    }

    private readonly byte* At(nint tile, nint depth, nint element) => Target + (((tile * (depth / Block)) + (element / Block)) * TileBytes);

    // Eight columns of 32 rows become a block each of eight rows of a tile: lane by lane what Q8_0 encodes, without a turn.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void QuantizeColumns(float* panel, nint stride, byte* target, int lane)
    {
        Vector256<float> greatest = Vector256<float>.Zero, sum = greatest;
        for (nint e = 0; e < Block; e++)
        {
            Vector256<float> value = Vector256.Load(panel + (e * stride)), size = Vector256.Abs(value);
            sum += value;
            greatest = Vector256.ConditionalSelect(Vector256.LessThan(greatest, size), size, greatest);
        }

        Vector256<float> scale = greatest / Vector256.Create(127f);
        Vector256<float> inverse = Vector256.AndNot(Vector256<float>.One / scale, Vector256.Equals(scale, Vector256<float>.Zero));
        scale = Vector256.ConditionalSelect(Vector256.Equals(sum, sum), scale, Vector256.Create(float.NaN));
        for (int i = 0; i < Lanes; i++) HalfPrecision.Write(scale[i], target + (2 * (lane + i)));
        target += Scales + (4 * lane);
        Vector256<int> low = Vector256.Create(0xFF);
        for (nint e = 0; e < Block; e += 4, target += 4 * TiledRows.Rows)
        {
            Vector256<int> first = Level(e) & low, second = Level(e + 1) & low, third = Level(e + 2) & low, fourth = Level(e + 3);
            (first | (second << 8) | (third << 16) | (fourth << 24)).Store((int*)target);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector256<int> Level(nint e) => Rounding.HalfAwayFromZero(Vector256.Load(panel + (e * stride)) * inverse);
    }
}
