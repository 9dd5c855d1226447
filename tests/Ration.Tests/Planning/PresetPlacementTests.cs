using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Training;
using Buffer = Ration.Planning.Buffer;

namespace Ration.Tests.Planning;

public sealed class PresetPlacementTests
{
    private const double AllowedLoss = 0.02;

    public static TheoryData<string, int, int> PresetsByRows()
    {
        TheoryData<string, int, int> data = [];
        foreach (ModelConfiguration preset in Presets.All)
        {
            data.Add(preset.Name, 1, 1);
            data.Add(preset.Name, 16, 16);
            data.Add(preset.Name, 16, 4);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(PresetsByRows))]
    public void Every_arrangement_of_a_preset_is_placed_with_little_loss(string preset, int rows, int microBatch)
    {
        ModelConfiguration model = Presets.Get(preset);
        foreach (int sequence in new[] { 64, 2048 })
        {
            TrainingOptions options = new() { Model = model, BatchTokens = rows * sequence, Sequence = sequence };
            TrainingGraph traced = TrainingGraph.Trace(options.Step, microBatch);
            foreach (MemoryChoices choices in Choices(model.Layers, rows, microBatch))
            {
                Graph graph = TrainingGraph.Arrange(traced.Graph, options.Step, choices);
                Buffers buffers = Buffers.Assign(graph, Scratch);
                Placement placement = Placement.Of(buffers.Transient);
                Assert.True(placement.Fragmentation is >= 0 and <= AllowedLoss, $"{preset} {sequence} {choices}: {placement.Fragmentation:P2}");
                AssertSound(buffers.Transient, placement);
            }
        }
    }

    [Fact]
    public void The_bound_is_the_most_bytes_alive_and_what_fits_it_loses_nothing()
    {
        Buffer[] buffers = [new(64, 0, 1, MemoryKind.Activations), new(100, 1, 2, MemoryKind.Activations), new(64, 2, 3, MemoryKind.Workspace)];
        Placement placement = Placement.Of(buffers);
        Assert.Equal(192, placement.LowerBound);
        Assert.Equal(192, placement.Bytes);
        Assert.Equal(0, placement.Fragmentation);
    }

    private static IEnumerable<MemoryChoices> Choices(int layers, int rows, int microBatch)
    {
        RecomputeChoice[] recompute =
        [
            new(RecomputeMode.None), new(RecomputeMode.Blocks), new(RecomputeMode.Blocks, 1), new(RecomputeMode.Blocks, layers / 2),
            new(RecomputeMode.Blocks, layers), new(RecomputeMode.SquareRoot),
        ];
        foreach (RecomputeChoice choice in recompute)
        {
            yield return new MemoryChoices(microBatch, choice, false);
            if (microBatch == rows) yield return new MemoryChoices(microBatch, choice, true);
        }
    }

    // Odd sizes, as packed panels and tiles of logits have them.
    private static long Scratch(Node node) => node.Op switch
    {
        MatMul => 400_000 + (node.Output.Bytes / 7),
        Attention => 100_001,
        _ => 0,
    };

    // Replays the program: at every node, the buffers alive lie side by side, within the placement and aligned.
    private static void AssertSound(IReadOnlyList<Buffer> buffers, Placement placement)
    {
        int nodes = buffers.Count == 0 ? 0 : buffers.Max(static b => b.Last) + 1;
        List<int>[] starting = [.. Enumerable.Range(0, nodes).Select(static _ => new List<int>())];
        for (int i = 0; i < buffers.Count; i++)
        {
            Assert.True(placement.Offsets[i] >= 0 && placement.Offsets[i] % Placement.Alignment == 0 && placement.Offsets[i] + buffers[i].Bytes <= placement.Bytes, $"buffer {i}");
            starting[buffers[i].First].Add(i);
        }

        SortedList<long, int> alive = [];
        for (int node = 0; node < nodes; node++)
        {
            foreach (int i in alive.Values.Where(i => buffers[i].Last < node).ToArray()) alive.Remove(placement.Offsets[i]);
            if (starting[node].Count == 0) continue;
            foreach (int i in starting[node].Where(i => buffers[i].Bytes > 0)) alive.Add(placement.Offsets[i], i);
            for (int k = 1; k < alive.Count; k++)
                Assert.True(alive.Keys[k - 1] + buffers[alive.Values[k - 1]].Bytes <= alive.Keys[k], $"buffers {alive.Values[k - 1]} and {alive.Values[k]} overlap at node {node}");
        }
    }
}
