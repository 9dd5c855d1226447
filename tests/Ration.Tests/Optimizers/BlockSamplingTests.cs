using Ration.Optimizers;
using Ration.Optimizers.Parts;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

/// <summary>Rules that train some blocks of a model at a time, against their definition in double precision.</summary>
public sealed class BlockSamplingTests
{
    private const int Rows = 7, Columns = 13, Period = 3, Steps = 20;
    private const ulong Seed = 5;
    private const double Beta1 = 0.9f, Beta2 = 0.999f, Epsilon = 1e-8, Decay = 0.1f;

    [Theory]
    [InlineData(5, 2)]
    [InlineData(4, 1)]
    [InlineData(3, 3)]
    [InlineData(2, 4)]
    public void Lisa_trains_what_is_outside_and_the_blocks_that_are_drawn(int blocks, int layers)
    {
        int count = Math.Min(layers, blocks);
        Lisa rule = new(layers, Period, WeightDecay: (float)Decay, Seed: Seed);
        long bytes = Compare(rule, blocks, count, trainsOutside: true, turn => Drawn(turn, blocks, count), null);
        Assert.Equal(4L * 2 * Rows * Columns * (count + 1), bytes);
    }

    [Theory]
    [InlineData(BlockOrder.Descending)]
    [InlineData(BlockOrder.Ascending)]
    [InlineData(BlockOrder.Shuffled)]
    [InlineData(BlockOrder.Drawn)]
    public void BAdam_trains_one_block_after_another(BlockOrder order)
    {
        const int Blocks = 4;
        BAdam rule = new(Period, order, WeightDecay: (float)Decay, Seed: Seed);
        long bytes = Compare(rule, Blocks, 1, trainsOutside: false, turn => order switch
        {
            BlockOrder.Ascending => [turn % Blocks],
            BlockOrder.Descending => [Blocks - 1 - (turn % Blocks)],
            BlockOrder.Shuffled => [ByChance(turn / Blocks, Blocks)[turn % Blocks]],
            _ => Drawn(turn, Blocks, 1),
        }, null);
        Assert.Equal(4L * 2 * Rows * Columns, bytes);
    }

    [Theory]
    [InlineData(8, 0.25f, 2, StateFreeRule.SignSgd)]
    [InlineData(3, 0.25f, 1, StateFreeRule.Sgd)]
    [InlineData(2, 1f, 2, StateFreeRule.SignSgd)]
    public void Frugal_trains_the_other_blocks_without_state(int blocks, float density, int count, StateFreeRule rest)
    {
        Frugal rule = new(StateFullPart.Blocks, Density: density, Period: Period, StateFree: rest, StateFreeScale: 0.5f, WeightDecay: (float)Decay, Seed: Seed);
        long bytes = Compare(rule, blocks, count, trainsOutside: true, turn => Drawn(turn, blocks, count), g => 0.5 * (rest == StateFreeRule.Sgd ? g : g.Map(static x => Math.Sign(x))));
        Assert.Equal(4L * 2 * Rows * Columns * (count + 1), bytes);
    }

    [Fact]
    public void Stacks_of_matrices_take_their_turns_as_matrices_do()
    {
        const int Blocks = 4;
        Frugal rule = new(StateFullPart.Blocks, Period: Period, Seed: Seed);
        using BlockTrial matrices = new(rule, Blocks, 6, 7), stacks = new(rule, Blocks, 6, 7, stacked: 2);
        for (int step = 1; step <= 3 * Period; step++)
        {
            Matrix64[] gradients = [.. matrices.Names.Select((_, i) => Matrix64.Normal(6, 7, (100 * step) + i, 0.1))];
            matrices.Step(gradients, 0.01);
            stacks.Step(gradients, 0.01);
        }

        Assert.Equal(4L * 2 * 42 * 2, stacks.StateBytes);
        Assert.All(matrices.Names, name => Assert.Equal(matrices.Read(name), stacks.Read(name)));
    }

    [Fact]
    public void Every_block_is_drawn_as_often_and_has_the_place_that_is_said()
    {
        const int Blocks = 9, Turns = 4000;
        BlockSampling sampling = new(3, 1, BlockOrder.Drawn, Seed);
        int[] times = new int[Blocks];
        int together = 0;
        for (int turn = 0; turn < Turns; turn++)
        {
            int[] chosen = [.. Enumerable.Range(0, 3).Select(place => sampling.BlockAt(place, turn, Blocks))];
            Assert.Equal(chosen.Distinct().Order(), chosen);
            for (int block = 0; block < Blocks; block++) Assert.Equal(Array.IndexOf(chosen, block), sampling.PlaceOf(block, turn, Blocks));
            foreach (int block in chosen) times[block]++;
            if (chosen.Contains(0) && chosen.Contains(8)) together++;
        }

        // Five standard deviations of a third, and of the twelfth that a pair has.
        Assert.All(times, static t => Assert.InRange(t, (Turns / 3) - 150, (Turns / 3) + 150));
        Assert.InRange(together, (Turns / 12) - 88, (Turns / 12) + 88);
    }

    [Fact]
    public void Asking_whose_turn_it_is_allocates_nothing()
    {
        BlockSampling sampling = new(3, 1, BlockOrder.Drawn, Seed);
        int sum = sampling.BlockAt(1, 0, 40) + sampling.PlaceOf(1, 0, 40);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int turn = 0; turn < 50; turn++) sum += sampling.BlockAt(1, turn, 40) + sampling.PlaceOf(1, turn, 40);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(sum > 0);
    }

    private static long Compare(IOptimizer rule, int blocks, int count, bool trainsOutside, Func<int, int[]> active, Func<Matrix64, Matrix64>? otherwise)
    {
        using BlockTrial trial = new(rule, blocks, Rows, Columns);
        Matrix64[] weights = [.. trial.Names.Select(static (_, i) => BlockTrial.Initial(i, Rows, Columns).Map(static x => (float)x))];
        Adam64 outside = Adam();
        Adam64[] places = [.. Enumerable.Range(0, count).Select(static _ => Adam())];
        HashSet<int> trained = [];
        for (int step = 1; step <= Steps; step++)
        {
            double rate = 0.01 / step;
            Matrix64[] gradients = [.. trial.Names.Select((_, i) => Matrix64.Normal(Rows, Columns, (100 * step) + i, 0.1))];
            trial.Step(gradients, rate);
            if (trainsOutside) Move(0, outside.Direction(gradients[0]));
            if ((step - 1) % Period == 0) Array.ForEach(places, static p => p.Reset());
            int[] chosen = active((step - 1) / Period);
            trained.UnionWith(chosen);
            for (int block = 0; block < blocks; block++)
            {
                int place = Array.IndexOf(chosen, block);
                if (place >= 0) Move(block + 1, places[place].Direction(gradients[block + 1]));
                else if (otherwise is not null) Move(block + 1, otherwise(gradients[block + 1]));
            }

            void Move(int i, Matrix64 direction) => weights[i] = ((1 - (rate * Decay)) * weights[i]) - (rate * direction);
        }

        Assert.True(trained.Count > count || count == blocks, "no other block was ever trained");
        for (int i = 0; i < weights.Length; i++) OptimizerTrial.AssertClose(weights[i].Elements, trial.Read(trial.Names[i]));
        for (int place = 0; place < count; place++)
        {
            OptimizerTrial.AssertClose(places[place].First.Elements, trial.Read($"active.{place}.up.first_moment"));
            OptimizerTrial.AssertClose(places[place].Second.Elements, trial.Read($"active.{place}.up.second_moment"));
        }

        return trial.StateBytes;
    }

    private static Adam64 Adam() => new(Rows, Columns, Beta1, Beta2, Epsilon);

    private static int[] Drawn(int turn, int blocks, int count) => [.. ByChance(turn, blocks).Take(count).Order()];

    private static int[] ByChance(int number, int blocks)
    {
        CounterRandom random = new(Seed, CounterRandom.StreamOf("blocks"));
        return [.. Enumerable.Range(0, blocks).OrderBy(i => random.Words((ulong)((number * blocks) + i)).A)];
    }
}
