using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>
/// Rearranges a block of a stored matrix into panels [depth, width] of f32, the order in which a micro-kernel reads them. The last
/// panel is filled up with values of no meaning (they only reach tile elements that are never copied out), so depth × width
/// floats are written for every panel begun and nothing outside the block is read.
/// </summary>
internal static unsafe class PanelPacking
{
    // Stored rows lie in different pages, which the hardware's own prefetching does not cross.
    private const int PrefetchRows = 8;
    private const int CopiedTogether = 4;

    /// <summary>Packs <paramref name="count"/> rows of a matrix whose depth runs along stored rows, or columns of one where it runs across.</summary>
    /// <param name="data">First element of the block: depth 0 of the first packed row or column.</param>
    /// <param name="type">How elements are stored.</param>
    /// <param name="stride">Elements between stored rows.</param>
    /// <param name="depthIsContiguous">Whether neighbours in depth are neighbours in memory, so that packing transposes.</param>
    /// <param name="count">Rows of A or columns of B in the block.</param>
    /// <param name="depth">Depth of the block.</param>
    /// <param name="width">Width of a panel; at least 4 where vectors are used.</param>
    /// <param name="packed">ceil(count / width) panels, overwritten.</param>
    public static void Pack(byte* data, DType type, nint stride, bool depthIsContiguous, nint count, nint depth, int width, float* packed)
    {
        switch (type)
        {
            case DType.F32: Pack<SingleElement>(data, stride, depthIsContiguous, count, depth, width, packed); break;
            case DType.BF16: Pack<BFloat16Element>(data, stride, depthIsContiguous, count, depth, width, packed); break;
            case DType.F8E4M3: Pack<ByteFloat43Element>(data, stride, depthIsContiguous, count, depth, width, packed); break;
            case DType.F8E5M2: Pack<ByteFloat52Element>(data, stride, depthIsContiguous, count, depth, width, packed); break;
            case DType.F16: Pack<HalfElement>(data, stride, depthIsContiguous, count, depth, width, packed); break;
            default: throw new NotSupportedException($"no matrix product with factors of {type}");
        }
    }

    /// <summary>One row of A, logically [m, k], as f32.</summary>
    public static void ReadRow(in MatrixOperand a, nint row, nint k, float* destination)
    {
        nint start = a.Transposed ? row : row * a.RowStride, step = a.Transposed ? a.RowStride : 1;
        switch (a.Type)
        {
            case DType.F32: ReadRow<SingleElement>(a.Data, start, step, k, destination); break;
            case DType.BF16: ReadRow<BFloat16Element>(a.Data, start, step, k, destination); break;
            case DType.F8E4M3: ReadRow<ByteFloat43Element>(a.Data, start, step, k, destination); break;
            case DType.F8E5M2: ReadRow<ByteFloat52Element>(a.Data, start, step, k, destination); break;
            case DType.F16: ReadRow<HalfElement>(a.Data, start, step, k, destination); break;
            default: throw new NotSupportedException($"no matrix product with factors of {a.Type}");
        }
    }

    private static void ReadRow<TElement>(byte* data, nint start, nint step, nint k, float* destination)
        where TElement : struct, IElement
    {
        data += start * TElement.Bytes;
        for (nint d = 0; d < k; d++) destination[d] = TElement.Load(data + (d * step * TElement.Bytes));
    }

    private static void Pack<TElement>(byte* data, nint stride, bool depthIsContiguous, nint count, nint depth, int width, float* packed)
        where TElement : struct, IElement
    {
        if (!depthIsContiguous)
        {
            Copy<TElement>(data, stride, count, depth, width, packed);
            return;
        }

        for (; count > 0; count -= width, data += width * stride * TElement.Bytes, packed += depth * width)
        {
            int filled = (int)nint.Min(count, width);
            if (Vector512.IsHardwareAccelerated) Transpose<TElement, Lanes16, Vector512<float>>(data, stride, filled, depth, width, packed);
            else if (Vector256.IsHardwareAccelerated) Transpose<TElement, Lanes8, Vector256<float>>(data, stride, filled, depth, width, packed);
            else if (Vector128.IsHardwareAccelerated) Transpose<TElement, Lanes4, Vector128<float>>(data, stride, filled, depth, width, packed);
            else TransposeScalar<TElement>(data, stride, filled, 0, depth, width, packed);
        }
    }

    // A stored row goes to a few panels before the next row: rows are often a power of two apart and would push each other out of
    // the caches before the next panel came to use the rest of their lines. Not to all, for panels too lie at such distances.
    private static void Copy<TElement>(byte* data, nint stride, nint count, nint depth, int width, float* packed)
        where TElement : struct, IElement
    {
        nint step = stride * TElement.Bytes, panelStep = depth * width, group = CopiedTogether * width;
        for (; count >= width; count -= group, data += group * TElement.Bytes, packed += CopiedTogether * panelStep)
        {
            nint together = nint.Min(CopiedTogether, count / width), bytes = together * width * TElement.Bytes;
            byte* source = data;
            for (nint d = 0; d < depth; d++, source += step)
            {
                if (Sse.IsSupported)
                    for (nint i = 0; i < bytes; i += 64) Sse.Prefetch0(source + (PrefetchRows * step) + i);
                float* to = packed + (d * width);
                for (nint panel = 0; panel < together; panel++, to += panelStep)
                    CopyRow<TElement>(source + (panel * width * TElement.Bytes), width, to);
            }

            if (together == CopiedTogether) continue;
            count -= together * width;
            data += bytes;
            packed += together * panelStep;
            break;
        }

        if (count <= 0) return;
        for (nint d = 0; d < depth; d++, data += step, packed += width)
        {
            CopyRow<TElement>(data, (int)count, packed);
            for (nint i = count; i < width; i++) packed[i] = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyRow<TElement>(byte* source, int count, float* to)
        where TElement : struct, IElement
    {
        int i = 0;
        if (Vector512.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16) TElement.Load512(source + (i * TElement.Bytes)).Store(to + i);
        if (Vector256.IsHardwareAccelerated)
            for (; i + 8 <= count; i += 8) TElement.Load256(source + (i * TElement.Bytes)).Store(to + i);
        if (Vector128.IsHardwareAccelerated)
            for (; i + 4 <= count; i += 4) TElement.Load128(source + (i * TElement.Bytes)).Store(to + i);
        for (; i < count; i++) to[i] = TElement.Load(source + (i * TElement.Bytes));
    }

    // Four stored rows at a time, a vector of depth from each: interleaving within groups of four floats turns them into
    // columns of four that are stored a panel row apart. The last four overlap their neighbours where width is no multiple of 4.
    private static void Transpose<TElement, TLanes, TVector>(byte* data, nint stride, int filled, nint depth, int width, float* packed)
        where TElement : struct, IElement
        where TVector : unmanaged
        where TLanes : struct, ITransposingLanes<TVector>
    {
        nint whole = depth - (depth % TLanes.Count), step = stride * TElement.Bytes;
        for (int group = 0; group < width; group += 4)
        {
            int row = int.Min(group, width - 4);
            byte* p0 = data + (int.Min(row, filled - 1) * step);
            byte* p1 = data + (int.Min(row + 1, filled - 1) * step);
            byte* p2 = data + (int.Min(row + 2, filled - 1) * step);
            byte* p3 = data + (int.Min(row + 3, filled - 1) * step);
            float* to = packed + row;
            for (nint d = 0; d < whole; d += TLanes.Count, to += TLanes.Count * width)
            {
                nint at = d * TElement.Bytes;
                if (Sse.IsSupported) PrefetchFour(p0 + (4 * step) + at, step);
                TVector r0 = TLanes.Load<TElement>(p0 + at), r1 = TLanes.Load<TElement>(p1 + at);
                TVector r2 = TLanes.Load<TElement>(p2 + at), r3 = TLanes.Load<TElement>(p3 + at);
                TVector low01 = TLanes.InterleaveLow(r0, r1), low23 = TLanes.InterleaveLow(r2, r3);
                TVector high01 = TLanes.InterleaveHigh(r0, r1), high23 = TLanes.InterleaveHigh(r2, r3);
                TLanes.StoreFours(TLanes.PairLow(low01, low23), to, width);
                TLanes.StoreFours(TLanes.PairHigh(low01, low23), to + width, width);
                TLanes.StoreFours(TLanes.PairLow(high01, high23), to + (2 * width), width);
                TLanes.StoreFours(TLanes.PairHigh(high01, high23), to + (3 * width), width);
            }
        }

        TransposeScalar<TElement>(data, stride, filled, whole, depth, width, packed);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchFour(byte* rows, nint step)
    {
        Sse.Prefetch0(rows);
        Sse.Prefetch0(rows + step);
        Sse.Prefetch0(rows + (2 * step));
        Sse.Prefetch0(rows + (3 * step));
    }

    private static void TransposeScalar<TElement>(byte* data, nint stride, int filled, nint from, nint depth, int width, float* packed)
        where TElement : struct, IElement
    {
        for (nint d = from; d < depth; d++)
        {
            byte* source = data + (d * TElement.Bytes);
            float* to = packed + (d * width);
            for (int i = 0; i < filled; i++, source += stride * TElement.Bytes) to[i] = TElement.Load(source);
            for (int i = filled; i < width; i++) to[i] = 0;
        }
    }
}
