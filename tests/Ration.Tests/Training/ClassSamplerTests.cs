using Ration.Training;

namespace Ration.Tests.Training;

public sealed class ClassSamplerTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(64, 7, 20)]
    [InlineData(1000, 100, 100)]
    [InlineData(1001, 1001, 1001)]
    [InlineData(130, 10, 130)]
    public void A_sample_holds_all_targets_and_others_in_order_without_repetition(int vocabulary, int count, int room)
    {
        ClassSampler sampler = new(vocabulary, count, room, seed: 5);
        Random random = new(vocabulary);
        for (int step = 1; step <= 20; step++)
        {
            sampler.Begin();
            int[] targets = [.. Enumerable.Range(0, random.Next(1 + room)).Select(_ => random.Next(-1, vocabulary))];
            foreach (int[] part in targets.Chunk(3)) sampler.AddTargets(part);
            int[] sample = sampler.Draw(step).ToArray(), classes = [.. sample.TakeWhile(static c => c >= 0)];
            int positive = targets.Where(static t => t >= 0).Distinct().Count();
            Assert.Equal(room, sample.Length);
            Assert.Equal(Math.Max(count, positive), classes.Length);
            Assert.All(sample.Skip(classes.Length), static c => Assert.Equal(-1, c));
            Assert.Equal(classes.Distinct().Order(), classes);
            Assert.All(classes, c => Assert.InRange(c, 0, vocabulary - 1));
            Assert.Subset(new HashSet<int>(classes), new HashSet<int>(targets.Where(static t => t >= 0)));
        }
    }

    [Fact]
    public void What_is_drawn_depends_on_the_seed_and_the_step_alone()
    {
        Assert.Equal(Draw(seed: 1, step: 3), Draw(seed: 1, step: 3));
        Assert.NotEqual(Draw(seed: 1, step: 3), Draw(seed: 1, step: 4));
        Assert.NotEqual(Draw(seed: 1, step: 3), Draw(seed: 2, step: 3));
    }

    [Fact]
    public void Every_class_is_drawn_about_as_often_as_every_other()
    {
        const int Vocabulary = 200, Count = 20, Steps = 4000;
        int[] drawn = new int[Vocabulary];
        ClassSampler sampler = new(Vocabulary, Count, Count, seed: 9);
        for (int step = 0; step < Steps; step++)
        {
            sampler.Begin();
            foreach (int c in sampler.Draw(step)) drawn[c]++;
        }

        // 400 each, with a standard deviation of 19.
        Assert.All(drawn, static d => Assert.InRange(d, 300, 500));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        ClassSampler sampler = new(5000, 500, 600, seed: 9);
        int[] targets = [.. Enumerable.Range(0, 550)];
        long before = 0;
        for (int step = 0; step < 4; step++)
        {
            if (step == 2) before = GC.GetAllocatedBytesForCurrentThread();
            sampler.Begin();
            sampler.AddTargets(targets);
            sampler.Draw(step);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static int[] Draw(ulong seed, long step)
    {
        ClassSampler sampler = new(3000, 100, 100, seed);
        sampler.Begin();
        return sampler.Draw(step).ToArray();
    }
}
