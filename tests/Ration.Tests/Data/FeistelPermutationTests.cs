using Ration.Data;

namespace Ration.Tests.Data;

public sealed class FeistelPermutationTests
{
    [Fact]
    public void Every_number_has_one_place()
    {
        foreach (int count in (int[])[.. Enumerable.Range(1, 70), 127, 128, 129, 1000, 4095, 4096, 4097, 65_537])
        {
            var order = new FeistelPermutation(count, key: (ulong)count * 77);
            bool[] seen = new bool[count];
            for (int i = 0; i < count; i++)
            {
                long value = order[i];
                Assert.InRange(value, 0, count - 1);
                Assert.False(seen[value]);
                seen[value] = true;
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => order[count]);
            Assert.Throws<ArgumentOutOfRangeException>(() => order[-1]);
        }
    }

    [Fact]
    public void The_order_stays_the_same_for_ever()
    {
        var order = new FeistelPermutation(10, key: 42);
        Assert.Equal<long>([5, 0, 7, 9, 8, 1, 3, 2, 6, 4], Enumerable.Range(0, 10).Select(i => order[i]));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(100)]
    public void Each_number_comes_first_about_equally_often(int count)
    {
        int rounds = 400 * count;
        int[] first = new int[count];
        int[] last = new int[count];
        for (int key = 0; key < rounds; key++)
        {
            var order = new FeistelPermutation(count, FeistelPermutation.Mix((ulong)key));
            first[order[0]]++;
            last[order[count - 1]]++;
        }

        // Five standard deviations of a count with mean 400.
        Assert.All(first.Concat(last), n => Assert.InRange(n, 300, 500));
    }

    [Fact]
    public void Astronomical_counts_work()
    {
        var order = new FeistelPermutation(long.MaxValue, key: 1);
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(i => order[i]).Distinct().Count());
        Assert.All(Enumerable.Range(0, 1000), i => Assert.True(order[i] >= 0));
    }
}
