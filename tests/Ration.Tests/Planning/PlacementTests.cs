using Ration.Memory;
using Ration.Planning;
using Buffer = Ration.Planning.Buffer;

namespace Ration.Tests.Planning;

public sealed class PlacementTests
{
    [Fact]
    public void Buffers_that_live_at_the_same_time_never_overlap()
    {
        Random random = new(5);
        for (int round = 0; round < 400; round++)
        {
            Buffer[] buffers = Some(random, random.Next(1, 90));
            Placement placement = Placement.Of(buffers);
            for (int i = 0; i < buffers.Length; i++)
            {
                Assert.True(placement.Offsets[i] >= 0 && placement.Offsets[i] % Placement.Alignment == 0);
                Assert.True(placement.Offsets[i] + buffers[i].Bytes <= placement.Bytes);
                for (int j = 0; j < i; j++)
                {
                    bool apart = placement.Offsets[i] >= placement.Offsets[j] + buffers[j].Bytes || placement.Offsets[j] >= placement.Offsets[i] + buffers[i].Bytes;
                    bool together = buffers[i].First <= buffers[j].Last && buffers[j].First <= buffers[i].Last;
                    Assert.True(apart || !together || buffers[i].Bytes == 0 || buffers[j].Bytes == 0, $"round {round}: {buffers[i]} and {buffers[j]} overlap");
                }
            }
        }
    }

    [Fact]
    public void A_placement_takes_little_more_than_what_is_live()
    {
        Random random = new(6);
        double worst = 0, sum = 0;
        for (int round = 0; round < 100; round++)
        {
            Buffer[] buffers = Some(random, 60);
            Placement placement = Placement.Of(buffers);
            long live = Enumerable.Range(0, 101).Max(t => buffers.Where(b => b.First <= t && t <= b.Last).Sum(static b => ByteSize.AlignUp(b.Bytes, Placement.Alignment)));
            Assert.Equal(live, placement.LowerBound);
            Assert.True(placement.Bytes >= live);
            (worst, sum) = (Math.Max(worst, placement.Fragmentation), sum + placement.Fragmentation);
        }

        Assert.True(sum / 100 < 0.05 && worst < 0.25, $"{sum / 100:P1} is lost on average, {worst:P1} at worst");
    }

    [Fact]
    public void The_same_buffers_are_placed_the_same_way()
    {
        Buffer[] buffers = Some(new Random(7), 80);
        Assert.Equal(Placement.Of(buffers).Offsets, Placement.Of([.. buffers]).Offsets);
    }

    [Fact]
    public void Nothing_takes_no_bytes()
    {
        Placement placement = Placement.Of([]);
        Assert.Equal((0, 0, 0.0), (placement.Bytes, placement.LowerBound, placement.Fragmentation));
        Assert.Equal(0, Placement.Of([new Buffer(0, 0, 3, MemoryKind.Activations)]).Bytes);
    }

    private static Buffer[] Some(Random random, int count) =>
    [
        .. Enumerable.Range(0, count).Select(_ =>
        {
            int first = random.Next(100);
            long bytes = random.Next(4) switch { 0 => random.Next(200), 1 => random.Next(5000), 2 => 4096, _ => random.Next(1 << 20) };
            return new Buffer(bytes, first, Math.Min(99, first + (random.Next(5) == 0 ? random.Next(100) : random.Next(10))), MemoryKind.Activations);
        }),
    ];
}
