using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// The backward pass (Dao 2023, algorithm 2). An item is a tile of keys of one key and value head: it owns its part of dk and dv,
/// and passes over all queries that see it. Parts of dq are added tile by tile in order, whoever computes them: before adding, an
/// item waits until the tile before it has added to the same queries. Items are handed out in order, so that the one waited for is
/// always under way, and a tile ahead has usually long left the queries that the next one reaches.
/// </summary>
internal unsafe struct AttentionBackward : IParallelWork
{
    private const int BlockSize = AttentionBackwardPlan.QueriesOfBlock;

    /// <summary>[rows·queries, heads·d].</summary>
    public float* DOutput;

    /// <summary>[rows·queries, heads·d].</summary>
    public float* Q;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public float* K;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public float* V;

    /// <summary>[rows, heads, queries].</summary>
    public float* LogSumExp;

    /// <summary>[rows, queries, 2].</summary>
    public int* KeyRanges;

    /// <summary>As q, overwritten.</summary>
    public float* Dq;

    /// <summary>As k, overwritten.</summary>
    public float* Dk;

    /// <summary>As v, overwritten.</summary>
    public float* Dv;

    /// <summary>The sizes.</summary>
    public AttentionShape Shape;

    /// <summary>How the work is cut.</summary>
    public AttentionBackwardPlan Plan;

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint tile = item % Plan.Tiles, group = item / Plan.Tiles, row = group / Shape.KvHeads, kvHead = group % Shape.KvHeads;
        nint key = tile * AttentionBackwardPlan.KeysOfTile, keys = nint.Min(AttentionBackwardPlan.KeysOfTile, Shape.Keys - key);
        nint step = Shape.KeyStep, d = Shape.HeadDimension, offset = (((row * Shape.Keys) + key) * step) + (kvHead * d);
        AttentionBackwardScratch scratch = Plan.Scratch(worker);
        for (nint i = 0; i < keys; i++)
        {
            new Span<float>(Dk + offset + (i * step), (int)d).Clear();
            new Span<float>(Dv + offset + (i * step), (int)d).Clear();
        }

        bool packed = false;
        for (nint block = 0; block < Plan.Blocks; block++)
        {
            int* seen = Plan.Seen + (((row * Plan.Blocks) + block) * 2);
            if (seen[1] < key || seen[0] >= key + keys) continue;
            if (!packed) PackKeys(scratch, offset, keys);
            packed = true;
            Part part = new()
            {
                Row = row,
                Query = block * BlockSize,
                Queries = nint.Min(BlockSize, Shape.Queries - (block * BlockSize)),
                Key = key,
                Keys = keys,
                Offset = offset,
            };
            scratch.Ranges.Fill(Shape, KeyRanges, row, part.Query, BlockSize);
            (part.Start, part.End) = AttentionTile.SeenRows((seen[0], seen[1]), key, keys);
            for (nint head = kvHead * Shape.Group; head < (kvHead + 1) * Shape.Group; head++)
            {
                TakeBlock(scratch, part, head);
                AddToQueries(scratch, part, head, tile - (seen[0] / AttentionBackwardPlan.KeysOfTile), block);
            }
        }
    }

    private readonly void PackKeys(in AttentionBackwardScratch scratch, nint offset, nint keys)
    {
        nint d = Shape.HeadDimension;
        MatrixOperand k = new(K + offset, DType.F32, Shape.KeyStep, transposed: false),
            v = new(V + offset, DType.F32, Shape.KeyStep, transposed: false);
        GemmBlock.PackA(k, 0, keys, 0, d, scratch.KeyRows);
        GemmBlock.PackA(v, 0, keys, 0, d, scratch.ValueRows);
        GemmBlock.PackB(k, 0, keys, 0, d, scratch.KeyColumns);
    }

    // dv += pᵀ·do and dk += dsᵀ·q, after p and ds.
    private readonly void TakeBlock(in AttentionBackwardScratch scratch, in Part part, nint head)
    {
        nint d = Shape.HeadDimension, step = Shape.KeyStep, rows = part.End - part.Start, to = part.Offset + (part.Start * step);
        nint token = (part.Row * Shape.Queries) + part.Query, statistic = (((part.Row * Shape.Heads) + head) * Shape.Queries) + part.Query;
        float* q = Q + (token * Shape.QueryStep) + (head * d), dOutput = DOutput + (token * Shape.OutputStep) + (head * d);
        GemmBlock.PackB(new MatrixOperand(q, DType.F32, Shape.QueryStep, transposed: true), 0, d, 0, part.Queries, scratch.QueryColumns);
        GemmBlock.PackB(new MatrixOperand(dOutput, DType.F32, Shape.OutputStep, transposed: true), 0, d, 0, part.Queries,
            scratch.DOutputColumns);
        CopyStatistics(LogSumExp + statistic, scratch.LogSumExp, part.Queries);
        CopyStatistics(Plan.Delta + statistic, scratch.Delta, part.Queries);
        Scores(scratch, part);

        float* p = scratch.P + (part.Start * BlockSize), ds = scratch.Ds + (part.Start * BlockSize);
        GemmBlock.PackA(new MatrixOperand(p, DType.F32, BlockSize, transposed: false), 0, rows, 0, part.Queries, scratch.Left);
        GemmBlock.PackB(new MatrixOperand(dOutput, DType.F32, Shape.OutputStep, transposed: false), 0, part.Queries, 0, d, scratch.Right);
        GemmBlock.Multiply(scratch.Left, scratch.Right, Dv + to, step, rows, d, part.Queries, accumulate: true);
        GemmBlock.PackA(new MatrixOperand(ds, DType.F32, BlockSize, transposed: false), 0, rows, 0, part.Queries, scratch.Left);
        GemmBlock.PackB(new MatrixOperand(q, DType.F32, Shape.QueryStep, transposed: false), 0, part.Queries, 0, d, scratch.Right);
        GemmBlock.Multiply(scratch.Left, scratch.Right, Dk + to, step, rows, d, part.Queries, accumulate: true);
    }

    // p and ds, panel of queries by panel, because each sees other keys; rows that the block sees and a panel does not are zero.
    private readonly void Scores(in AttentionBackwardScratch scratch, in Part part)
    {
        nint d = Shape.HeadDimension, width = GemmBlock.PanelColumns;
        AttentionGradientTile tile = new()
        {
            P = scratch.P,
            Ds = scratch.Ds,
            LogSumExp = scratch.LogSumExp,
            Delta = scratch.Delta,
            Ranges = scratch.Ranges,
            Key = part.Key,
            Scale = Shape.Scale,
            SoftCap = Shape.SoftCap,
        };
        for (nint column = 0; column < part.Queries; column += width)
        {
            (nint start, nint end) = AttentionTile.SeenRows(scratch.Ranges.Seen(column, width), part.Key, part.Keys);
            if (end == 0) start = end = part.Start;
            float* p = scratch.P + (start * BlockSize) + column, ds = scratch.Ds + (start * BlockSize) + column;
            GemmBlock.Multiply(
                scratch.KeyRows + (start * d), scratch.QueryColumns + (column * d), p, BlockSize, end - start, width, d, accumulate: false);
            GemmBlock.Multiply(
                scratch.ValueRows + (start * d), scratch.DOutputColumns + (column * d), ds, BlockSize, end - start, width, d,
                accumulate: false);
            tile.Apply(column, column + width, start, end);
            ClearColumns(scratch, column, (int)width, part.Start, start);
            ClearColumns(scratch, column, (int)width, end, part.End);
        }
    }

    // dq (+)= ds·k, in the order of key tiles.
    private readonly void AddToQueries(in AttentionBackwardScratch scratch, in Part part, nint head, nint turn, nint block)
    {
        nint d = Shape.HeadDimension, rows = part.End - part.Start, width = GemmBlock.PanelColumns;
        float* dq = Dq + (((part.Row * Shape.Queries) + part.Query) * Shape.QueryStep) + (head * d);
        MatrixOperand ds = new(scratch.Ds + (part.Start * BlockSize), DType.F32, BlockSize, transposed: true);
        GemmBlock.PackA(ds, 0, part.Queries, 0, rows, scratch.Left);
        ref int done = ref Plan.Done[(((part.Row * Shape.Heads) + head) * Plan.Blocks) + block];
        SpinWait wait = default;
        while (Volatile.Read(ref done) != turn) wait.SpinOnce(sleep1Threshold: -1);

        // Panel by panel of channels, because only some of the packed keys take part.
        for (nint channel = 0; channel < d; channel += width)
        {
            float* k = scratch.KeyColumns + (channel * part.Keys) + (part.Start * width);
            GemmBlock.Multiply(
                scratch.Left, k, dq + channel, Shape.QueryStep, part.Queries, nint.Min(width, d - channel), rows, accumulate: turn > 0);
        }

        Volatile.Write(ref done, (int)turn + 1);
    }

    private static void CopyStatistics(float* from, float* to, nint count)
    {
        new ReadOnlySpan<float>(from, (int)count).CopyTo(new Span<float>(to, BlockSize));
        new Span<float>(to + count, BlockSize - (int)count).Clear();
    }

    private static void ClearColumns(in AttentionBackwardScratch scratch, nint column, int width, nint start, nint end)
    {
        for (nint row = start; row < end; row++)
        {
            new Span<float>(scratch.P + (row * BlockSize) + column, width).Clear();
            new Span<float>(scratch.Ds + (row * BlockSize) + column, width).Clear();
        }
    }

    // A block of queries against a tile of keys; Start and End are the tile's rows that the block sees.
    private struct Part
    {
        public nint Row;
        public nint Query;
        public nint Queries;
        public nint Key;
        public nint Keys;
        public nint Offset;
        public nint Start;
        public nint End;
    }
}
