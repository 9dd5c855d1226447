using Ration.Devices;
using Ration.Graphs;

namespace Ration.Planning;

/// <summary>
/// Chooses for every block what of it is computed again, so that a step is as fast as it can be within a budget (Jain et al. 2020, "Checkmate",
/// state the problem; here the blocks of a transformer follow each other, so that it is a shortest path and dynamic programming solves it). What
/// each way costs is measured once, on the step with all blocks arranged in that way.
/// </summary>
internal sealed class OptimalRecompute
{
    // Segments longer than this are never better in a model of any depth that is planned for: what is inside of one grows faster than inputs are saved.
    private static readonly int[] s_segments = [1, 2, 4, 8];
    private static readonly char[] s_parts = [RecomputedParts.Nothing, RecomputedParts.Cheap, RecomputedParts.Attention, RecomputedParts.Mlp, RecomputedParts.Both];
    private const int Buckets = 4096;
    private readonly int _blocks;
    private readonly List<(string Word, BlockCosts Costs)> _ways = [];
    private readonly long _head;
    private readonly long _outside;

    /// <summary>Measures every way.</summary>
    /// <param name="arrange">The step with each block computed again as a word of letters says.</param>
    /// <param name="device">Asked for the scratch of nodes.</param>
    /// <param name="blocks">Blocks of the model.</param>
    public OptimalRecompute(Func<RecomputeChoice, Graph> arrange, IDevice device, int blocks)
    {
        _blocks = blocks;
        CostModel cost = new(MachineRates.Nominal);
        foreach (string word in s_parts.Select(static p => p.ToString()).Concat(s_segments.Where(s => s <= blocks).Select(Segment)))
        {
            string parts = string.Concat(Enumerable.Repeat(word, (blocks / word.Length) + 1))[..blocks];
            _ways.Add((word, new BlockCosts(arrange(new RecomputeChoice(RecomputeMode.Optimal, 0, parts)), device, cost, blocks)));
        }

        (_head, _outside) = (_ways.Max(static w => w.Costs.Head), _ways.Max(static w => w.Costs.Outside));
    }

    /// <summary>The fastest schedule within a budget, or null where there is none.</summary>
    /// <param name="budget">Bytes of everything that lives within a step.</param>
    public RecomputeChoice? Fastest(long budget)
    {
        if (_outside > budget) return null;
        var paths = new List<Path>[_blocks + 1];
        for (int i = 0; i <= _blocks; i++) paths[i] = [];
        paths[0].Add(new Path(0, 0, null, ""));
        for (int block = 0; block < _blocks; block++)
        {
            (string Word, SegmentCost Cost)[] from = [.. _ways.Where(w => block + w.Word.Length <= _blocks).Select(w => (w.Word, w.Costs[FirstAlike(block, w.Word.Length), w.Word.Length]))];
            foreach (Path path in Frontier(paths[block], budget))
            {
                foreach ((string word, SegmentCost cost) in from)
                {
                    if (path.Kept + cost.Working <= budget) paths[block + word.Length].Add(new Path(path.Kept + cost.Kept, path.Seconds + cost.Seconds, path, word));
                }
            }
        }

        Path? best = paths[_blocks].Where(p => p.Kept + _head <= budget).OrderBy(static p => p.Seconds).ThenBy(static p => p.Kept).FirstOrDefault();
        return best is null ? null : new RecomputeChoice(RecomputeMode.Optimal, 0, best.Parts());
    }

    /// <summary>The schedule of the fewest bytes.</summary>
    public RecomputeChoice Smallest()
    {
        long low = 0, high = 1;
        while (!Fits(high)) high *= 2;
        while (high - low > Placement.Alignment)
        {
            long middle = low + ((high - low) / 2);
            if (Fits(middle)) high = middle;
            else low = middle;
        }

        return Fastest(high)!.Value;
    }

    // Keeping less never hurts what comes after, so the least is all that must be known.
    private bool Fits(long budget)
    {
        long[] least = new long[_blocks + 1];
        Array.Fill(least, long.MaxValue, 1, _blocks);
        for (int block = 0; block < _blocks; block++)
        {
            foreach ((string word, BlockCosts costs) in _ways)
            {
                if (least[block] == long.MaxValue || block + word.Length > _blocks) continue;
                SegmentCost cost = costs[FirstAlike(block, word.Length), word.Length];
                if (least[block] + cost.Working <= budget) least[block + word.Length] = Math.Min(least[block + word.Length], least[block] + cost.Kept);
            }
        }

        return _outside <= budget && least[_blocks] != long.MaxValue && least[_blocks] + _head <= budget;
    }

    private static string Segment(int length) => RecomputedParts.Block + new string(RecomputedParts.Joined, length - 1);

    // Costs of a segment are those of the blocks that began one where it was measured.
    private static int FirstAlike(int block, int length) => block / length * length;

    // Of paths that keep about as much the fastest; and only those that are faster than all that keep less.
    private static List<Path> Frontier(List<Path> paths, long budget)
    {
        List<Path> frontier = [];
        long bucket = -1;
        foreach (Path path in paths.OrderBy(static p => p.Kept).ThenBy(static p => p.Seconds))
        {
            if (frontier.Count > 0 && path.Seconds >= frontier[^1].Seconds) continue;
            long its = path.Kept * Buckets / Math.Max(1, budget);
            if (its == bucket && frontier.Count > 1) frontier.RemoveAt(frontier.Count - 1);
            bucket = its;
            frontier.Add(path);
        }

        return frontier;
    }

    private sealed record Path(long Kept, double Seconds, Path? Before, string Word)
    {
        public string Parts()
        {
            Stack<string> words = [];
            for (Path? path = this; path is not null; path = path.Before) words.Push(path.Word);
            return string.Concat(words);
        }
    }
}
