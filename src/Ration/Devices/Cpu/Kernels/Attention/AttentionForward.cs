using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// The forward pass. An item is some query panels of some heads that share one key and value head: each tile of keys and values is
/// packed once for all of them.
/// </summary>
internal unsafe struct AttentionForward : IParallelWork
{
    /// <summary>[rows·queries, heads·d].</summary>
    public float* Q;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public byte* K;

    /// <summary>[rows·keys, kvHeads·d].</summary>
    public byte* V;

    /// <summary>[rows, queries, 2].</summary>
    public int* KeyRanges;

    /// <summary>[rows·queries, heads·d], overwritten.</summary>
    public float* Output;

    /// <summary>[rows, heads, queries], overwritten.</summary>
    public float* LogSumExp;

    /// <summary>Scratch of all workers.</summary>
    public float* Scratch;

    /// <summary>The sizes.</summary>
    public AttentionShape Shape;

    /// <summary>How the work is cut.</summary>
    public AttentionCut Cut;

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        // Late queries see most keys under a causal mask: they go first, so that the end of the pass is fine-grained.
        nint tile = Cut.Tiles - 1 - (item % Cut.Tiles), group = item / Cut.Tiles;
        nint head = group % (Shape.Heads / Cut.Heads) * Cut.Heads, row = group / (Shape.Heads / Cut.Heads);
        AttentionScratch scratch = new(Scratch + (worker * Cut.ScratchFloats), Cut);
        nint query = tile * Cut.Queries, panels = nint.Min(Cut.PanelsOfTile, (Shape.Queries - query + Cut.Width - 1) / Cut.Width);
        (nint First, nint Last) all = (int.MaxValue, -1);
        for (nint panel = 0; panel < panels; panel++)
        {
            (nint First, nint Last) seen = scratch.Ranges(panel).Fill(Shape, KeyRanges, row, query + (panel * Cut.Width), Cut.Width);
            scratch.Seen[2 * panel] = seen.First;
            scratch.Seen[(2 * panel) + 1] = seen.Last;
            all = (nint.Min(all.First, seen.First), nint.Max(all.Last, seen.Last));
        }

        PackQueries(scratch, row, head, query, panels);
        for (nint key = all.First, keys; key <= all.Last; key += keys)
        {
            // A tile ends where keys that go round begin again.
            keys = nint.Min(AttentionCut.KeysOfTile, nint.Min(all.Last + 1 - key, Shape.Keys - Shape.Slot(key)));
            TakeKeys(scratch, row, head, panels, key, keys);
        }

        for (nint h = 0; h < Cut.Heads; h++)
        {
            for (nint panel = 0; panel < panels; panel++)
                Finish(scratch, row, head + h, query + (panel * Cut.Width), (h * Cut.PanelsOfTile) + panel);
        }
    }

    private readonly void PackQueries(in AttentionScratch scratch, nint row, nint head, nint query, nint panels)
    {
        nint d = Shape.HeadDimension, step = Shape.QueryStep, queries = nint.Min(panels * Cut.Width, Shape.Queries - query);
        for (nint h = 0; h < Cut.Heads; h++)
        {
            float* q = Q + (((row * Shape.Queries) + query) * step) + ((head + h) * d);
            nint first = h * Cut.PanelsOfTile;
            GemmBlock.PackB(new MatrixOperand(q, DType.F32, step, transposed: true), 0, d, 0, queries, scratch.Q + (first * Cut.Width * d));
            new Span<float>(scratch.Maximum + (first * Cut.Width), (int)(panels * Cut.Width)).Fill(float.NegativeInfinity);
            new Span<float>(scratch.Sum + (first * Cut.Width), (int)(panels * Cut.Width)).Clear();
            for (nint panel = 0; panel < panels; panel++) scratch.Started[first + panel] = 0;
        }
    }

    private readonly void TakeKeys(in AttentionScratch scratch, nint row, nint head, nint panels, nint key, nint keys)
    {
        nint d = Shape.HeadDimension, offset = (((row * Shape.Keys) + Shape.Slot(key)) * Shape.KeyStepBytes) + (head / Shape.Group * Shape.HeadBytes);
        GemmBlock.PackA(Operand(scratch, K + offset, keys, transposed: false), 0, keys, 0, d, scratch.K);
        GemmBlock.PackA(Operand(scratch, V + offset, keys, transposed: true), 0, d, 0, keys, scratch.V);
        for (nint panel = 0; panel < panels; panel++)
        {
            (nint start, nint end) = AttentionTile.SeenRows((scratch.Seen[2 * panel], scratch.Seen[(2 * panel) + 1]), key, keys);
            if (end == 0) continue;
            for (nint h = 0; h < Cut.Heads; h++) TakePanel(scratch, panel, (h * Cut.PanelsOfTile) + panel, key, keys, start, end);
        }
    }

    private readonly MatrixOperand Operand(in AttentionScratch scratch, byte* data, nint keys, bool transposed)
    {
        if (!Cut.ReadsBlocks) return new MatrixOperand(data, Shape.KeyType, Shape.KeyStep, transposed);
        nint d = Shape.HeadDimension;
        for (nint i = 0; i < keys; i++, data += Shape.KeyStepBytes) CacheStorage.LoadEightBit(data, scratch.Widened + (i * d), d);
        return new MatrixOperand(scratch.Widened, DType.F32, d, transposed);
    }

    private readonly void TakePanel(in AttentionScratch scratch, nint panel, nint slot, nint key, nint keys, nint start, nint end)
    {
        nint d = Shape.HeadDimension, width = Cut.Width, rows = end - start, height = GemmBlock.PanelRows;
        float* output = scratch.Output + (slot * d * width);
        bool started = scratch.Started[slot] != 0;
        GemmBlock.Multiply(scratch.K + (start * d), scratch.Q + (slot * width * d), scratch.Scores, width, rows, width, d,
            accumulate: false);
        AttentionPanel softmax = new()
        {
            Scores = scratch.Scores,
            Rows = rows,
            Width = width,
            Key = key + start,
            Ranges = scratch.Ranges(panel),
            Maximum = scratch.Maximum + (slot * width),
            Sum = scratch.Sum + (slot * width),
            Output = started ? output : null,
            Channels = d,
            Scale = Shape.Scale,
            SoftCap = Shape.SoftCap,
        };
        softmax.Update();

        // Panel by panel of channels, because only some of the packed keys take part.
        for (nint channel = 0; channel < d; channel += height)
        {
            float* v = scratch.V + (channel * keys) + (start * height);
            GemmBlock.Multiply(v, scratch.Scores, output + (channel * width), width, nint.Min(height, d - channel), width, rows, started);
        }

        scratch.Started[slot] = 1;
    }

    private readonly void Finish(in AttentionScratch scratch, nint row, nint head, nint query, nint slot)
    {
        nint d = Shape.HeadDimension, width = Cut.Width, count = nint.Min(width, Shape.Queries - query);
        float* from = scratch.Output + (slot * d * width), to = Output + (((row * Shape.Queries) + query) * Shape.OutputStep) + (head * d);
        float* logSumExp = LogSumExp + (((row * Shape.Heads) + head) * Shape.Queries) + query;
        for (nint i = 0; i < count; i++, to += Shape.OutputStep)
        {
            float sum = scratch.Sum[(slot * width) + i];
            logSumExp[i] = sum > 0 ? scratch.Maximum[(slot * width) + i] + MathF.Log(sum) : float.NegativeInfinity;
            if (sum == 0)
            {
                new Span<float>(to, (int)d).Clear();
                continue;
            }

            float inverse = 1 / sum;
            for (nint channel = 0; channel < d; channel++) to[channel] = from[(channel * width) + i] * inverse;
        }
    }
}
