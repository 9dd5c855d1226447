using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Rows of a table chosen by token ids, and the gradient of the table.</summary>
internal static unsafe class EmbeddingKernel
{
    private const nint TokensOfItem = 16;

    // Floats of a slice of columns: four cache lines, so that few tokens already occupy many workers.
    private const nint Slice = 64;

    /// <summary>y[t] = table[ids[t]], converted to f32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not a row of the table; nothing was written.</exception>
    public static void Gather(
        WorkerPool pool, in MatrixOperand table /*[vocabulary, columns]*/, int* ids /*[tokens]*/, float* y /*[tokens, columns] overwritten*/,
        nint tokens, nint vocabulary)
    {
        Require(ids, tokens, vocabulary);
        GatherWork work = new() { Table = table, Ids = ids, Y = y, Tokens = tokens };
        pool.Run(ref work, checked((int)((tokens + TokensOfItem - 1) / TokensOfItem)));
    }

    /// <summary>
    /// dtable[ids[t]] += dy[t], tokens in order within each slice of columns; the table is zeroed before unless
    /// <paramref name="accumulate"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not a row of the table; nothing was written.</exception>
    public static void ScatterAdd(
        WorkerPool pool, float* dy /*[tokens, columns]*/, int* ids /*[tokens]*/, float* dtable /*[vocabulary, columns]*/, nint tokens,
        nint columns,
        nint vocabulary, bool accumulate)
    {
        Require(ids, tokens, vocabulary);
        if (!accumulate) StorageKernel.Fill(pool, dtable, 0, vocabulary * columns);
        ScatterWork work = new() { Dy = dy, Ids = ids, DTable = dtable, Tokens = tokens, Columns = columns };
        pool.Run(ref work, checked((int)((columns + Slice - 1) / Slice)));
    }

    private static void Require(int* ids, nint tokens, nint vocabulary)
    {
        for (nint i = 0; i < tokens; i++)
        {
            if (ids[i] < 0 || ids[i] >= vocabulary)
                throw new ArgumentOutOfRangeException(nameof(ids), $"token {i} has the id {ids[i]}, which is not one of {vocabulary}");
        }
    }

    private static void ReadRow(in MatrixOperand table, nint row, float* y)
    {
        if (table.Type.IsQuantized()) StoredBlocks.Read(table, row, 0, table.RowStride, y);
        else TensorCodec.Load(table.Data, table.Type, row * table.RowStride, y, table.RowStride);
    }

    private struct GatherWork : IParallelWork
    {
        public MatrixOperand Table;
        public int* Ids;
        public float* Y;
        public nint Tokens;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(Tokens, (item + (nint)1) * TokensOfItem);
            for (nint token = item * TokensOfItem; token < end; token++)
                ReadRow(Table, Ids[token], Y + (token * Table.RowStride));
        }
    }

    private struct ScatterWork : IParallelWork
    {
        public float* Dy;
        public int* Ids;
        public float* DTable;
        public nint Tokens;
        public nint Columns;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * Slice, count = nint.Min(Slice, Columns - start);
            for (nint token = 0; token < Tokens; token++)
            {
                float* row = DTable + (Ids[token] * Columns) + start;
                ElementwiseLoops.Binary<Add>(row, Dy + (token * Columns) + start, row, count);
            }
        }
    }
}
