using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tensors;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Optimizers;

/// <summary>Training the layers that moved most, against its definition in double precision.</summary>
public sealed class SlimFitTests
{
    private const int Rows = 7, Columns = 13, Steps = 40;
    private const ulong Seed = 5;
    private const double Beta1 = 0.9f, Beta2 = 0.999f, Epsilon = 1e-8, Decay = 0.01f;

    [Theory]
    [InlineData(4, 0.5)]
    [InlineData(9, 0.8)]
    [InlineData(3, 0)]
    public void Each_step_trains_the_layers_that_moved_most(int blocks, double frozen)
    {
        using BlockTrial trial = new(new SlimFit(frozen, Seed: Seed), blocks, Rows, Columns);
        int layers = trial.Names.Length, still = (int)Math.Floor(frozen * layers);
        Matrix64[] weights = [.. trial.Names.Select(static (_, i) => BlockTrial.Initial(i, Rows, Columns).Map(static x => (float)x))];
        Adam64[] adam = [.. weights.Select(static _ => new Adam64(Rows, Columns, Beta1, Beta2, Epsilon))];

        // Updates are built from the last parameter to the first, which is also the order in which layers are numbered.
        CounterRandom random = new(Seed, CounterRandom.StreamOf("layers"));
        double[] distances = [.. Enumerable.Range(0, layers).Select(i => 1e10 * (1 + random.Uniform((ulong)(layers - 1 - i))))];
        int[] times = new int[layers];
        for (int step = 1; step <= Steps; step++)
        {
            double rate = 0.01 / step;
            Matrix64[] gradients = [.. trial.Names.Select((_, i) => Matrix64.Normal(Rows, Columns, (100 * step) + i, 0.1))];
            double[][] before = [.. trial.Names.Select(trial.Read)];
            trial.Step(gradients, rate);
            int[] trained = [.. Enumerable.Range(0, layers).OrderBy(i => distances[i]).Skip(still)];
            for (int i = 0; i < layers; i++)
            {
                if (!trained.Contains(i))
                {
                    Assert.Equal(before[i], trial.Read(trial.Names[i]));
                    continue;
                }

                Matrix64 old = weights[i];
                weights[i] = ((1 - (rate * Decay)) * old) - (rate * adam[i].Direction(gradients[i]));
                distances[i] = weights[i].Zip(old, static (now, then) => Math.Abs((now - then) / then)).Elements.Average();
                times[i]++;
            }

            for (int i = 0; i < layers; i++)
            {
                OptimizerTrial.AssertClose(weights[i].Elements, trial.Read(trial.Names[i]));
                if (times[i] > 0) OptimizerTrial.AssertClose([distances[i]], trial.Read(trial.Names[i] + ".distance"), 1e-4);
                else Assert.Equal([0.0], trial.Read(trial.Names[i] + ".distance"));
            }

            // Each is tried before any is trained again.
            if (step * (layers - still) <= layers) Assert.Equal(step * (layers - still), times.Count(static t => t > 0));
        }

        Assert.All(times, static t => Assert.True(t > 0));
        if (still > 0) Assert.True(times.Distinct().Count() > 1, "layers took turns, whatever they moved by");
        for (int i = 0; i < layers; i++)
        {
            OptimizerTrial.AssertClose(adam[i].First.Elements, trial.Read(trial.Names[i] + ".first_moment"));
            OptimizerTrial.AssertClose(adam[i].Second.Elements, trial.Read(trial.Names[i] + ".second_moment"));
        }

        Assert.Equal(4L * layers * ((2 * Rows * Columns) + 3), trial.StateBytes);
    }

    [Fact]
    public void A_weight_of_zero_counts_nothing_in_the_distance()
    {
        double[] weights = [0.5, 0, -0.25, 0, 1e-3];
        using OptimizerTrial trial = new(new SlimFit(WeightDecay: 0), weights, new(1, 5));
        trial.Step([0.1, -0.1, 0.2, 0.3, -0.4], 1e-4);
        OptimizerTrial.AssertClose([((1e-4 / 0.5) + (1e-4 / 0.25) + (1e-4 / 1e-3)) / 5], trial.State("distance"), 1e-5);
        trial.Step([0, 0, 0, 0, 0], 0);
        Assert.Equal([(double)1e-30f], trial.State("distance"));
    }

    [Theory]
    [InlineData("layers.0.self_attn.q_proj.bias", false)]
    [InlineData("layers.0.input_layernorm.weight", true)]
    public void Gains_are_layers_and_biases_are_always_trained(string name, bool isLayer)
    {
        double[] weights = OptimizerTrial.Normal(33, 1), same = [.. weights];
        using OptimizerTrial layer = new(new SlimFit(Frozen: 0, Seed: Seed), weights, new(33), name), adam = new(new AdamW(Beta2: 0.999f), same, new(33), name);
        for (int step = 1; step <= 5; step++)
        {
            double[] gradient = OptimizerTrial.Normal(33, 10 + step);
            layer.Step(gradient, 0.01);
            adam.Step(gradient, 0.01);
        }

        OptimizerTrial.AssertClose(adam.Parameter, layer.Parameter);
        Assert.Equal(4L * ((2 * 33) + (isLayer ? 3 : 0)), layer.StateBytes);
    }

    [Fact]
    public void As_many_are_trained_whatever_the_distances()
    {
        LayerFreezing freezing = new(0.7, Seed);
        float[][] all =
        [
            new float[10], [.. Enumerable.Repeat(1f, 10)], [0, 1, 0, 2, float.PositiveInfinity, float.PositiveInfinity, 3, float.PositiveInfinity, float.PositiveInfinity, 1e20f],
            [.. Enumerable.Range(1, 10).Select(static i => 1f / i)],
        ];
        Assert.All(all, distances => Assert.Equal(3, Enumerable.Range(0, 10).Count(i => freezing.IsTrained(i, distances))));
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 10).Where(i => freezing.IsTrained(i, all[3])));
        Assert.InRange(Enumerable.Range(0, 10).Count(i => freezing.IsTrained(i, [1, float.NaN, 2, 3, 4, float.NaN, 5, 6, 7, 8])), 1, 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool any = false;
        for (int i = 0; i < 10; i++) any |= freezing.IsTrained(i, all[0]);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(any);
        Assert.Equal(15, new LayerFreezing(0.95, 1).Trained(291));
        Assert.Equal(1, new LayerFreezing(0.999, 1).Trained(9));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(2)]
    public void Products_for_layers_that_stand_still_are_left_out(int rows)
    {
        TrainingStep step = new(TrainingSamples.Model with { Layers = 3 }, 4, 11, new SlimFit(0.8, Seed: Seed));
        List<Node> ran = [];
        using TimedDevice device = new(new CpuDevice(2)) { Observer = (node, _) => ran.Add(node) };
        using StepRunner runner = new(step, new MemoryChoices(rows, RecomputeChoice.Parse("none"), false), device);
        Value[] layers = [.. runner.Program.Graph.Persistent.Where(LayerFreezing.Takes)], hidden = [.. layers.Where(static v => v is { Block: not null, Shape.Rank: 2 })];
        Assert.Equal((3 * 9) + 3, layers.Length);
        HashSet<string> ever = [];
        for (int i = 0; i < 12; i++)
        {
            ran.Clear();
            float[][] before = [.. layers.Select(runner.Read)];
            _ = runner.Step(Batch.Random(4, 11, step.Model.Vocabulary, i), 0.01);
            string[] moved = [.. layers.Where((l, j) => !before[j].SequenceEqual(runner.Read(l))).Select(static l => l.Name)];
            Assert.Equal(6, moved.Length);
            foreach (Value layer in hidden)
            {
                int products = ran.Count(n => n is { Pass: Pass.Backward, Op: MatMul, Output.Kind: MemoryKind.Gradients } && n.Output.Name == "d." + layer.Name);
                Assert.Equal(moved.Contains(layer.Name) ? 4 / rows : 0, products);
            }

            ever.UnionWith(moved);
        }

        Assert.Equal(layers.Length, ever.Count);
    }

    [Fact]
    public void A_model_learns_with_most_of_it_standing_still()
    {
        TrainingStep step = new(TrainingSamples.Model, 4, 20, new SlimFit());
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, new MemoryChoices(4, default, true), device);
        double[] losses = [.. Enumerable.Range(0, 80).Select(i => runner.Step(Batch.Random(4, 20, step.Model.Vocabulary, i % 2), 0.01))];
        Assert.InRange(losses[0], 5, 6.5);
        Assert.True(losses[^1] < 0.5 * losses[0], $"from {losses[0]} only to {losses[^1]}");
    }
}
