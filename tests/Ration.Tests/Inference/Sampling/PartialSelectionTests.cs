using Ration.Inference.Sampling;

namespace Ration.Tests.Inference.Sampling;

/// <summary>The least come to the front, whatever the order.</summary>
public sealed class PartialSelectionTests
{
    [Fact]
    public void The_least_come_to_the_front()
    {
        Random random = new(4);
        for (int round = 0; round < 400; round++)
        {
            int length = random.Next(1, 300), count = random.Next(0, length + 1);
            ulong[] keys = [.. Enumerable.Range(0, length).Select(i => (ulong)i)];
            if (round % 3 == 0) random.Shuffle(keys);
            else if (round % 3 == 1) Array.Reverse(keys);
            PartialSelection.Partition(keys, count);
            Assert.Equal(Enumerable.Range(0, count).Select(i => (ulong)i), keys[..count].Order());
        }
    }

    // The limit is a guard against hanging: quadratic time would be many minutes.
    [Fact(Timeout = 60_000)]
    public async Task An_order_made_to_be_slow_is_not()
    {
        // The median of first, middle and last is the second least again and again.
        ulong[] keys = [.. Enumerable.Range(0, 1 << 20).Select(static i => i % 2 == 0 ? (ulong)i : (ulong)((1 << 21) - i))];
        await Task.Run(() => PartialSelection.Partition(keys, keys.Length / 2), TestContext.Current.CancellationToken);
        Assert.True(keys[..(keys.Length / 2)].Max() < keys[(keys.Length / 2)..].Min());
    }
}
