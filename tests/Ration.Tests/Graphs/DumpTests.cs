using Ration.Graphs;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Graphs;

/// <summary>The text of a whole training step, committed: a change of the graph is seen by whoever reviews it.</summary>
public sealed class DumpTests
{
    [Fact]
    public void The_step_of_a_model_of_one_layer_reads_as_committed()
    {
        ModelConfiguration model = new() { Name = "one layer", Vocabulary = 11, Width = 4, HiddenWidth = 6, Layers = 1, Heads = 2, KvHeads = 1, HeadDimension = 2 };
        TrainingStep step = new(model, Rows: 2, Sequence: 3, new Sgd(0.9f), ClipNorm: 0);
        string actual = TrainingGraph.Build(step, new MemoryChoices(2, new RecomputeChoice(RecomputeMode.Blocks), Release: true)).Graph.Dump();
        string expected = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "one-layer.txt")).ReplaceLineEndings("\n");
        if (actual == expected) return;
        string copy = Path.Combine(AppContext.BaseDirectory, "one-layer.actual.txt");
        File.WriteAllText(copy, actual);
        string[] was = expected.Split('\n'), now = actual.Split('\n');
        int line = was.Zip(now).TakeWhile(static p => p.First == p.Second).Count();
        Assert.Fail($"line {line + 1} of Golden/one-layer.txt is '{was.ElementAtOrDefault(line)}', now '{now.ElementAtOrDefault(line)}'; the whole of it is in {copy}");
    }

    [Fact]
    public void A_dump_marks_what_is_assigned()
    {
        GraphBuilder builder = new();
        Value sum = builder.State("sum", new(3), Ration.Memory.MemoryKind.Gradients);
        builder.Emit(new Ration.Graphs.Ops.Fill(0.5f), "", Ration.Memory.MemoryKind.Gradients, sum);
        Assert.Equal("persistent %0 sum F32[3]\nRepeat/Forward :\n    Fill { Constant = 0.5 }(!%0 sum)\noutputs \n", builder.Build().Dump());
    }
}
