using System.Runtime.CompilerServices;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Numbers in fixed point of 8 or 4 bits, row by row, and back.</summary>
internal static unsafe class FixedPointKernel
{
    private const nint RowsOfItem = 8;
    private const int Chunk = 1024;

    /// <summary>code = clip(round(x · 2^fraction)) + 2^(bits − 1), packed.</summary>
    public static void Encode(
        WorkerPool pool, float* x /*[rows, columns]*/, byte* codes /*[rows, ⌈columns · bits / 8⌉] overwritten*/, nint rows, nint columns, int bits, int fraction)
    {
        EncodeWork work = new() { X = x, Codes = codes, Rows = rows, Columns = columns, Bits = bits, Factor = 1 << fraction, Half = 1 << (bits - 1) };
        pool.Run(ref work, Items(rows));
    }

    /// <summary>x = (code − 2^(bits − 1)) / 2^fraction.</summary>
    public static void Decode(
        WorkerPool pool, byte* codes /*[rows, ⌈columns · bits / 8⌉]*/, float* x /*[rows, columns] overwritten*/, nint rows, nint columns, int bits, int fraction)
    {
        DecodeWork work = new() { X = x, Codes = codes, Rows = rows, Columns = columns, Bits = bits, Step = 1f / (1 << fraction), Half = 1 << (bits - 1) };
        pool.Run(ref work, Items(rows));
    }

    private static int Items(nint rows) => checked((int)((rows + RowsOfItem - 1) / RowsOfItem));

    private struct EncodeWork : IParallelWork
    {
        public float* X;
        public byte* Codes;
        public nint Rows;
        public nint Columns;
        public int Bits;
        public float Factor;
        public float Half;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* rounded = stackalloc float[Chunk];
            nint bytes = (nint)ToFixedPoint.RowBytes(Bits, Columns), end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                for (nint start = 0; start < Columns; start += Chunk)
                {
                    nint count = nint.Min(Chunk, Columns - start), i = 0;
                    float* x = X + (row * Columns) + start;
                    if (LaneWidth.Is16) i = Body<Lanes16>(x, rounded, i, count);
                    else if (LaneWidth.Is8) i = Body<Lanes8>(x, rounded, i, count);
                    _ = Body<Lanes1>(x, rounded, i, count);
                    Pack(rounded, Codes + (row * bytes) + (start * Bits / 8), count);
                }
            }
        }

        private readonly nint Body<T>(float* x, float* rounded, nint i, nint count)
            where T : unmanaged, ILanes<T>
        {
            T factor = T.Create(Factor), half = T.Create(Half), least = T.Create(0f), most = T.Create((2 * Half) - 1);
            for (; i + T.Count <= count; i += T.Count) T.Min(T.Max(T.Round(T.Load(x + i) * factor) + half, least), most).Store(rounded + i);
            return i;
        }

        private readonly void Pack(float* rounded, byte* codes, nint count)
        {
            if (Bits == 8)
            {
                for (nint i = 0; i < count; i++) codes[i] = (byte)rounded[i];
                return;
            }

            for (nint i = 0; i < count; i += 2) codes[i / 2] = (byte)((int)rounded[i] | (i + 1 < count ? (int)rounded[i + 1] << 4 : 0));
        }
    }

    private struct DecodeWork : IParallelWork
    {
        public float* X;
        public byte* Codes;
        public nint Rows;
        public nint Columns;
        public int Bits;
        public float Step;
        public int Half;

        public readonly void Execute(int item, int worker)
        {
            nint bytes = (nint)ToFixedPoint.RowBytes(Bits, Columns), end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                byte* codes = Codes + (row * bytes);
                float* x = X + (row * Columns);
                if (Bits == 8)
                {
                    for (nint i = 0; i < Columns; i++) x[i] = (codes[i] - Half) * Step;
                }
                else
                {
                    for (nint i = 0; i < Columns; i++) x[i] = (((codes[i / 2] >> (4 * (int)(i & 1))) & 15) - Half) * Step;
                }
            }
        }
    }
}
