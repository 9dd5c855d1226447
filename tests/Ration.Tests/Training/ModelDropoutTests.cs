using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Where dropout stands in a model.</summary>
public sealed class ModelDropoutTests
{
    private static readonly TrainingStep s_step = new(TrainingSamples.Model, 2, 16, new Sgd(), ClipNorm: 0);

    [Fact]
    public void Embeddings_and_what_each_half_of_a_block_adds_go_through_one_of_their_own()
    {
        Graph graph = TrainingGraph.Trace(s_step with { Dropout = 0.25f }, 2).Graph;
        Node[] forward = [.. graph.Nodes.Where(static n => n is { Op: Dropout, Pass: Pass.Forward })], backward = [.. graph.Nodes.Where(static n => n is { Op: Dropout, Pass: Pass.Backward })];
        Assert.Equal([-1, 0, 0, 1, 1], forward.Select(static n => n.Block));
        Assert.Distinct(forward.Select(static n => ((Dropout)n.Op).Site));
        Assert.All(forward, static n => Assert.Equal(0.25f, ((Dropout)n.Op).Probability));

        // The gradient draws the same masks again.
        Assert.Equal(forward.Select(static n => n.Op).Reverse(), backward.Select(static n => n.Op));
        Assert.DoesNotContain(TrainingGraph.Trace(s_step, 2).Graph.Nodes, static n => n.Op is Dropout);
        Assert.DoesNotContain(TrainingGraph.BuildEvaluation(s_step with { Dropout = 0.25f }, 2).Nodes, static n => n.Op is Dropout);
    }

    [Fact]
    public void It_changes_the_loss_and_with_the_row_what_it_drops()
    {
        Batch batch = Batch.Random(2, 16, s_step.Model.Vocabulary, 5);
        using CpuDevice device = new(1), other = new(1);
        using StepRunner plain = new(s_step, new MemoryChoices(2, default, false), device), dropping = new(s_step with { Dropout = 0.25f }, new MemoryChoices(2, default, false), other);
        double whole = plain.Step(batch, 0), first = dropping.Step(batch, 0), second = dropping.Step(batch, 0);
        Assert.Equal(whole, plain.Step(batch, 0));
        Assert.NotEqual(whole, first, 1e-3);
        Assert.NotEqual(first, second, 1e-3);
    }
}
