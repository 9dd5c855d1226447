using Ration.Memory;

namespace Ration.Planning;

/// <summary>Offsets for buffers such that no two that are occupied at the same time overlap, in as few bytes as can be found.</summary>
/// <param name="Offsets">Byte offset of each buffer, a multiple of <see cref="Alignment"/>.</param>
/// <param name="Bytes">The end of the highest buffer.</param>
/// <param name="LowerBound">The most bytes occupied at once: no placement can use fewer.</param>
public sealed record Placement(long[] Offsets, long Bytes, long LowerBound)
{
    /// <summary>Offsets are multiples of this, a cache line.</summary>
    public const long Alignment = 64;

    private const int MaxRounds = 24;
    private const double GoodEnough = 1.005;

    /// <summary>Share of the placement that is lost between buffers: 0 is perfect.</summary>
    public double Fragmentation => LowerBound == 0 ? 0 : ((double)Bytes / LowerBound) - 1;

    /// <summary>
    /// Places buffers one by one at the lowest offset that is free for their whole life. Several orders are tried; then, from each of
    /// them, the buffers that end highest are moved forward in the order, again and again. Deterministic.
    /// </summary>
    public static Placement Of(IReadOnlyList<Buffer> buffers)
    {
        long[] live = LiveBytes(buffers);
        long bound = live.DefaultIfEmpty(0).Max();
        int peak = Array.IndexOf(live, bound);
        bool AtPeak(int i) => buffers[i].First <= peak && buffers[i].Last >= peak;
        int[] all = [.. Enumerable.Range(0, buffers.Count)];
        int[][] orders =
        [
            [.. all.OrderByDescending(i => buffers[i].Bytes).ThenBy(i => buffers[i].First)],
            [.. all.OrderByDescending(i => (double)buffers[i].Bytes * (buffers[i].Last - buffers[i].First + 1)).ThenBy(static i => i)],
            [.. all.OrderByDescending(i => buffers[i].Last - buffers[i].First).ThenByDescending(i => buffers[i].Bytes)],
            [.. all.OrderBy(i => buffers[i].First).ThenByDescending(i => buffers[i].Last)],
            [.. all.OrderByDescending(AtPeak).ThenByDescending(i => buffers[i].Last - buffers[i].First).ThenByDescending(i => buffers[i].Bytes)],
            [.. all.OrderByDescending(AtPeak).ThenByDescending(i => AtPeak(i) ? buffers[i].Last - buffers[i].First : buffers[i].Bytes).ThenBy(i => buffers[i].First)],
        ];
        Placement? best = null;
        foreach (int[] order in orders)
        {
            Placement placement = InOrder(buffers, order, bound);
            if (best is null || placement.Bytes < best.Bytes) best = placement;
            if (best.Bytes <= bound * GoodEnough) return best;
        }

        foreach (int[] order in orders)
        {
            best = Improve(buffers, best!, order, bound);
            if (best.Bytes <= bound * GoodEnough) return best;
        }

        return best!;
    }

    /// <summary>Bytes occupied during each node, with every buffer rounded up to the alignment.</summary>
    public static long[] LiveBytes(IReadOnlyList<Buffer> buffers)
    {
        long[] change = new long[buffers.Count == 0 ? 0 : buffers.Max(static b => b.Last) + 2];
        foreach (Buffer buffer in buffers)
        {
            change[buffer.First] += Size(buffer);
            change[buffer.Last + 1] -= Size(buffer);
        }

        for (int i = 1; i < change.Length; i++) change[i] += change[i - 1];
        return change;
    }

    // The buffers that end highest go first in the next round; every other round some of them only, chosen by a fixed generator,
    // because moving the same ones for ever goes in circles.
    private static Placement Improve(IReadOnlyList<Buffer> buffers, Placement best, int[] order, long bound)
    {
        ulong random = 0x9E3779B97F4A7C15;
        int[] candidate = order;
        for (int round = 0; round < MaxRounds && best.Bytes > bound * GoodEnough; round++)
        {
            Placement current = InOrder(buffers, candidate, bound);
            if (current.Bytes < best.Bytes) best = current;
            bool some = round % 2 == 1;
            long limit = Math.Max(bound, (long)(current.Bytes * 0.999));
            HashSet<int> high = [.. candidate.Where(i => current.Offsets[i] + Size(buffers[i]) > limit && (!some || Coin(ref random)))];
            candidate = [.. candidate.Where(high.Contains), .. candidate.Where(i => !high.Contains(i))];
        }

        return best;
    }

    private static bool Coin(ref ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state >> 32 & 1) != 0;
    }

    private static Placement InOrder(IReadOnlyList<Buffer> buffers, int[] order, long bound)
    {
        long[] offsets = new long[buffers.Count];
        List<(long Start, long End, int First, int Last)> placed = new(buffers.Count);
        long bytes = 0;
        foreach (int i in order)
        {
            Buffer buffer = buffers[i];
            long size = Size(buffer), start = 0;
            for (int p = 0; p < placed.Count; p++)
            {
                (long otherStart, long otherEnd, int first, int last) = placed[p];
                if (otherStart >= start + size) break;
                if (first > buffer.Last || buffer.First > last || otherEnd <= start) continue;
                start = otherEnd;
            }

            offsets[i] = start;
            bytes = Math.Max(bytes, start + size);
            if (size > 0) placed.Insert(LowerIndex(placed, start), (start, start + size, buffer.First, buffer.Last));
        }

        return new Placement(offsets, bytes, bound);
    }

    private static int LowerIndex(List<(long Start, long End, int First, int Last)> placed, long start)
    {
        int low = 0, high = placed.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (placed[middle].Start < start) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private static long Size(Buffer buffer) => ByteSize.AlignUp(buffer.Bytes, Alignment);
}
