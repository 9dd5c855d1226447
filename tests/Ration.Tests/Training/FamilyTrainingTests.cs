using Ration.Devices.Cpu;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tests.Models;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Every family trains, and no arrangement of memory changes its numbers.</summary>
public sealed class FamilyTrainingTests
{
    private const int Rows = 4, Sequence = 11;

    public static TheoryData<string> Names => [.. Architectures.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Recompute_and_release_give_the_same_bits(string name)
    {
        (double[] losses, IDictionary<string, float[]> state) = Train(name, Choices("none", release: false), steps: 2);
        foreach (string recompute in (string[])["cheap", "cheap+2-blocks", "sqrt"])
        {
            (double[] otherLosses, IDictionary<string, float[]> other) = Train(name, Choices(recompute, release: true), steps: 2);
            Assert.Equal(losses, otherLosses);
            Assert.Equal(state.Keys, other.Keys);
            foreach ((string weight, float[] elements) in state) Assert.True(elements.SequenceEqual(other[weight]), $"{weight} of {name} differs with {recompute}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Micro_batches_add_up_and_the_loss_falls(string name)
    {
        (double[] whole, _) = Train(name, Choices("none", release: false), steps: 12);
        (double[] parts, IDictionary<string, float[]> state) = Train(name, Choices("sqrt", release: false, rows: 1), steps: 12);
        Assert.Equal(whole[0], parts[0], 1e-5 * whole[0]);
        Assert.Equal(whole[1], parts[1], 1e-4 * whole[1]);
        Assert.True(whole[^1] < whole[0] - 0.3, $"the loss of {name} went from {whole[0]} to {whole[^1]}");
        Assert.All(state.Values, static elements => Assert.All(elements, static e => Assert.True(float.IsFinite(e))));
    }

    private static MemoryChoices Choices(string recompute, bool release, int rows = Rows) => new(rows, RecomputeChoice.Parse(recompute), release);

    // The same batch in every step, so that there is something to learn.
    private static (double[] Losses, IDictionary<string, float[]> State) Train(string name, MemoryChoices choices, int steps)
    {
        ModelConfiguration model = Architectures.All[name];
        TrainingStep step = new(model, Rows, Sequence, new AdamW());
        using StepRunner runner = new(step, choices, new CpuDevice(1));
        Batch batch = Batch.Random(Rows, Sequence, model.Vocabulary, seed: 5);
        double[] losses = [.. Enumerable.Range(0, steps).Select(_ => runner.Step(batch, learningRate: 0.02))];
        return (losses, runner.State());
    }
}
