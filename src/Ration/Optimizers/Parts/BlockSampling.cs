using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Tensors;

namespace Ration.Optimizers.Parts;

/// <summary>
/// Trains some blocks of a model at a time. Those of a turn have places, and state belongs to a place, not to a block, so that there is state for
/// as many blocks as are trained at once. It begins at zero with each turn. Whose turn it is follows from the seed and the number of the step.
/// Blocks have their places in the order of their numbers: so a block among L with γ places can only have some of them, and has a conditional
/// update for each.
/// </summary>
/// <param name="Count">γ: blocks of a turn, at least 1; 1 unless they are drawn.</param>
/// <param name="Period">Steps of a turn, at least 1.</param>
/// <param name="Order">In which order blocks take turns.</param>
/// <param name="Seed">Decides what is drawn.</param>
internal sealed record BlockSampling(int Count, int Period, BlockOrder Order, ulong Seed)
{
    private static readonly ulong s_stream = CounterRandom.StreamOf("blocks");

    /// <summary>Emits what becomes of a parameter of a block.</summary>
    /// <param name="u">The update of the parameter.</param>
    /// <param name="update">Its rule while it is its block's turn.</param>
    /// <param name="otherwise">Its rule at other times, without state; null to leave it as it is.</param>
    public void Train(UpdateBuilder u, Action<UpdateBuilder> update, Action<UpdateBuilder>? otherwise = null)
    {
        BlockPart part = u.Block ?? throw new ArgumentException($"{u.Name} is of no block", nameof(u));
        int block = part.Number, blocks = u.Blocks, count = Math.Min(Count, blocks), first = Math.Max(0, block - (blocks - count)), last = Math.Min(block, count - 1);
        double share = (double)count / blocks;
        Load place = u.Scalar($"place.of.{block}", step => PlaceOf(block, Turn(step), blocks));
        for (int i = first; i <= last; i++)
        {
            int at = i;
            Load chosen = u.Scalar($"block.at.{at}", step => BlockAt(at, Turn(step), blocks));
            using IDisposable own = u.Graph.When(place.Value, share / (last - first + 1), new NumberRange(at, at));
            using IDisposable turn = u.Graph.When(chosen.Value, 1, new NumberRange(block, block));
            u.ApplyNow(update, $"active.{at}.{part.Name}", Period);
        }

        if (otherwise is null || count == blocks) return;
        using IDisposable others = u.Graph.When(place.Value, 1 - share, new NumberRange(-1, -1));
        u.ApplyNow(otherwise, $"inactive.{part.Name}", Period);
    }

    /// <summary>The block that has a place.</summary>
    /// <param name="place">From 0 to below the number of blocks that are trained at once.</param>
    /// <param name="turn">Number of the turn, from 0.</param>
    /// <param name="blocks">Blocks of the model.</param>
    public int BlockAt(int place, long turn, int blocks)
    {
        Span<int> order = stackalloc int[blocks];
        return Chosen(turn, order)[place];
    }

    /// <summary>The place that a block has, or −1.</summary>
    /// <param name="block">Number of the block.</param>
    /// <param name="turn">Number of the turn, from 0.</param>
    /// <param name="blocks">Blocks of the model.</param>
    public int PlaceOf(int block, long turn, int blocks)
    {
        Span<int> order = stackalloc int[blocks];
        return Chosen(turn, order).IndexOf(block);
    }

    private long Turn(StepState step) => (step.Number - 1) / Period;

    // Without a byte of the heap: the host asks in every step.
    private Span<int> Chosen(long turn, Span<int> order)
    {
        int blocks = order.Length, position = (int)(turn % blocks);
        if (Order == BlockOrder.Drawn)
        {
            Shuffle(turn, order);
            Span<int> drawn = order[..Math.Min(Count, blocks)];
            drawn.Sort();
            return drawn;
        }

        if (Order == BlockOrder.Shuffled) Shuffle(turn / blocks, order);
        else order[position] = Order == BlockOrder.Ascending ? position : blocks - 1 - position;
        return order.Slice(position, 1);
    }

    // Blocks in the order of random numbers.
    private void Shuffle(long number, Span<int> order)
    {
        Span<uint> keys = stackalloc uint[order.Length];
        CounterRandom random = new(Seed, s_stream);
        for (int i = 0; i < order.Length; i++) (keys[i], order[i]) = (random.Words((ulong)((number * order.Length) + i)).A, i);
        keys.Sort(order);
    }
}
