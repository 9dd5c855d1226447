using Ration.Graphs;
using Ration.Memory;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

public class StateStorageTests
{
    // A second state that a product reads: only its copy is used by formulas.
    private sealed record Projecting : IOptimizer
    {
        public string Name => "projecting";

        public void Update(UpdateBuilder u)
        {
            Ration.Graphs.Elementwise.Load velocity = u.State("velocity"), projection = u.State("projection");
            if (u.IsMatrix)
                u.Assign(projection, new Ration.Graphs.Elementwise.Load(u.Tensor("copy",
                u.Gradient)) + new Ration.Graphs.Elementwise.Load(u.MatMul(u.MatMul(u.GradientTensor, projection.Value, transposeB: true), projection.Value)));
            u.Assign(velocity, velocity + u.Gradient);
        }
    }

    [Fact]
    public void Tables_keep_f32_beside_8_bits_and_matrices_do_not()
    {
        Dictionary<string, DType> types = Types(TrainingSamples.InBlocks(StateFormat.EightBit));
        Assert.Equal(DType.F32, types["model.embed_tokens.weight.first_moment"]);
        Assert.Equal(DType.F32, types["model.norm.weight.first_moment"]);
        Assert.Equal(DType.Dynamic8, types["model.layers.0.mlp.up_proj.weight.first_moment"]);
        Assert.Equal(DType.DynamicUnsigned8, types["model.layers.0.mlp.up_proj.weight.second_moment"]);
        types = Types(TrainingSamples.InBlocks(StateFormat.FourBit));
        Assert.Equal(DType.Dynamic4, types["model.embed_tokens.weight.first_moment"]);
        Assert.Equal(DType.LinearUnsigned4, types["model.embed_tokens.weight.second_moment"]);
        Assert.Equal(DType.F32, types["model.norm.weight.first_moment"]);
        types = Types(TrainingSamples.InBlocks(StateFormat.BF16));
        Assert.Equal(DType.BF16, types["model.embed_tokens.weight.first_moment"]);
        Assert.Equal(DType.F32, types["model.norm.weight.first_moment"]);
    }

    [Fact]
    public void What_products_read_is_held_in_BF16()
    {
        Dictionary<string, DType> types = Types(TrainingSamples.InBlocks(StateFormat.EightBit) with { Optimizer = new Projecting() });
        Assert.Equal(DType.Dynamic8, types["model.layers.0.mlp.up_proj.weight.velocity"]);
        Assert.Equal(DType.BF16, types["model.layers.0.mlp.up_proj.weight.projection"]);
        Assert.Equal(DType.F32, Types(TrainingSamples.InBlocks(StateFormat.F32) with { Optimizer = new Projecting() })["model.layers.0.mlp.up_proj.weight.projection"]);
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.Optimizers), MemberType = typeof(TrainingSamples))]
    public void Every_optimizer_has_a_lawful_step_with_every_storage(string optimizer)
    {
        foreach (StateFormat format in Enum.GetValues<StateFormat>())
        {
            TrainingOptions options = TrainingSamples.InBlocks(format) with { Optimizer = TrainingSamples.Options(optimizer).Optimizer };
            int parts = Math.Max(1, options.Optimizer.GradientParts);
            GraphLaws.Check(TrainingGraph.Build(options.Step, new MemoryChoices(options.Rows / parts, default, parts == 1)).Graph);
        }
    }

    private static Dictionary<string, DType> Types(TrainingOptions options) =>
        TrainingGraph.Build(options.Step,
            new MemoryChoices(options.Rows, default, true)).Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState).ToDictionary(static v => v.Name, static v => v.DType);
}
