using System.Diagnostics;
using Ration.Training;

namespace Ration.Tests.Training;

public sealed class RecentStepsTests
{
    [Fact]
    public void Of_no_steps_there_are_no_figures()
    {
        RecentSteps recent = new(10);
        Assert.Equal(0, recent.Count);
        Assert.True(double.IsNaN(recent.MeanLoss(3)) && double.IsNaN(recent.MeanSeconds(3)) && double.IsNaN(recent.MedianSeconds()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(10_000)]
    public void Means_are_those_of_the_last_steps_also_where_the_first_are_forgotten(int steps)
    {
        RecentSteps recent = new(steps);
        for (int i = 0; i < steps; i++) recent.Add(i, i * Stopwatch.Frequency);
        for (int last = 1; last <= Math.Min(steps, 4096); last = (last * 3) + 1)
        {
            double expected = steps - 1 - ((last - 1) / 2.0);
            Assert.Equal(expected, recent.MeanLoss(last), 1e-6);
            Assert.Equal(expected, recent.MeanSeconds(last), 1e-6);
        }

        Assert.Equal(steps, recent.Count);
        Assert.Equal(steps * (steps - 1.0) / 2, recent.Seconds, 1e-3);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(39, 1)]
    [InlineData(60, 3)]
    [InlineData(100_000, 4096)]
    public void The_last_ones_are_a_twentieth(int steps, int last)
    {
        RecentSteps recent = new(100_000);
        for (int i = 0; i < steps; i++) recent.Add(1, 1);
        Assert.Equal(last, recent.Last);
    }

    [Fact]
    public void The_median_leaves_out_the_first_step_in_which_code_is_compiled()
    {
        RecentSteps recent = new(4);
        foreach (int seconds in (int[])[100, 1, 5, 3]) recent.Add(0, seconds * Stopwatch.Frequency);
        Assert.Equal(3, recent.MedianSeconds(), 1e-9);
    }
}
