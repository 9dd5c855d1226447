using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Inference;
using Ration.Memory;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tests.Inference;

namespace Ration.Tests.Planning.Passes;

/// <summary>Matrices of blocks that are brought when they are needed: once each, just before, and free afterwards.</summary>
public sealed class StreamedWeightsTests
{
    private static readonly GenerationStep s_step = new(SmallModels.Model() with { Width = 256, HiddenWidth = 512 }, 1, 16, DType.F16, 1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Only_the_matrices_of_so_many_blocks_leave_memory(int blocks)
    {
        Graph whole = GenerationGraph.Build(s_step, 1), streamed = new StreamedWeights(blocks).Apply(whole);
        GraphLaws.Check(streamed);
        Value[] gone = [.. whole.Persistent.Where(v => v is { Kind: MemoryKind.Weights, Shape.Rank: 2, Block: { } part } && part.Number < blocks)];
        Assert.Equal(7 * blocks, gone.Length);
        Assert.Equal(gone.Select(static v => v.Name).Order(), whole.Persistent.Except(streamed.Persistent).Select(static v => v.Name).Order());
        Node[] reads = [.. streamed.Nodes.Where(static n => n.Op is ReadWeight)];
        Assert.Equal(gone.Select(static v => v.Name).Order(), reads.Select(static n => n.Output.Name).Order());
        for (int i = 0; i < streamed.Nodes.Count; i++)
        {
            if (streamed.Nodes[i].Op is ReadWeight) Assert.Contains(streamed.Nodes[i].Output, streamed.Nodes[i + 1].Inputs);
        }
    }

    [Fact]
    public void A_block_needs_memory_for_one_of_its_matrices()
    {
        using CpuDevice device = new(1);
        StepProgram whole = StepProgram.Compile(GenerationGraph.Build(s_step, 1), device), streamed = StepProgram.Compile(new StreamedWeights(3).Apply(whole.Graph), device);
        Value[] gone = [.. whole.Graph.Persistent.Except(streamed.Graph.Persistent)];
        long saved = whole.ArenaBytes - streamed.ArenaBytes, bytes = gone.Sum(static v => v.Bytes), largest = gone.Max(static v => v.Bytes);
        Assert.InRange(saved, bytes - largest, bytes - 1);
    }

    [Fact]
    public void None_leaves_a_graph_as_it_is()
    {
        Graph graph = GenerationGraph.Build(s_step, 1);
        Assert.Same(graph, new StreamedWeights(0).Apply(graph));
    }

    [Fact]
    public void A_program_that_nobody_brings_weights_says_so()
    {
        GenerationPlan plan = GenerationPlan.Create(SmallModels.Options(s_step.Model, 16), new CpuDevice(1));
        long smallest = Assert.Throws<MemoryBudgetException>(() => GenerationPlan.Create(plan.Options with { Memory = ByteSize.FromMebibytes(1) }, plan.Device)).Smallest.Bytes;
        using Generator generator = SmallModels.Open(plan.Options with { Memory = new ByteSize(smallest) }, 1);
        Assert.Equal(3, generator.Plan.Choices.StreamedBlocks);
        Assert.Contains("not kept in memory", Assert.Throws<InvalidOperationException>(() => { generator.Put([1]); }).Message, StringComparison.Ordinal);
    }
}
