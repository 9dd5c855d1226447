using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Tests.Planning.Passes;

public sealed class WeightLayoutTests
{
    private static readonly WeightLayout s_pass = new(static type => type.IsQuantized() ? StorageLayout.Tiles : StorageLayout.Rows);

    [Fact]
    public void Quantized_weights_of_products_and_embeddings_are_put_in_tiles()
    {
        GraphBuilder builder = new();
        Value table = builder.Parameter("table", new Shape(100, 64), DType.Q4_0, trainable: false), weight = builder.Parameter("weight", new Shape(48, 64), DType.Q8_0, trainable: false);
        Value plain = builder.Parameter("plain", new Shape(48, 64), trainable: false), across = builder.Parameter("across", new Shape(64, 32), DType.Q8_0, trainable: false);
        Value x = builder.Embedding(table, builder.Input("ids", new Shape(5), DType.I32));
        builder.Output(builder.Linear(x, weight, "y"));
        builder.Output(builder.Linear(x, plain, "z"));
        builder.Output(builder.MatMul(x, across, false, false, name: "w"));
        Graph before = builder.Build(), after = s_pass.Apply(before);
        GraphLaws.Check(after);
        Assert.Equal(["table", "weight"], after.Persistent.Where(static v => v.Layout == StorageLayout.Tiles).Select(static v => v.Name));
        Assert.Equal(before.Persistent.Sum(static v => v.Bytes), after.Persistent.Sum(static v => v.Bytes));
        Assert.All(after.Nodes.SelectMany(static n => n.Inputs).Where(static v => v.Kind == MemoryKind.Weights), v => Assert.Contains(v, after.Persistent));
    }

    [Fact]
    public void Stacked_matrices_are_put_in_tiles_where_each_has_whole_ones()
    {
        GraphBuilder builder = new();
        Value whole = builder.Parameter("whole", new Shape(3, 32, 64), DType.Q8_0, trainable: false), odd = builder.Parameter("odd", new Shape(3, 24, 64), DType.Q8_0, trainable: false);
        Value x = builder.Input("x", new Shape(5, 64)), starts = builder.Input("starts", new Shape(4), DType.I32);
        builder.Output(builder.ExpertLinear(x, whole, starts, "y"));
        builder.Output(builder.ExpertLinear(x, odd, starts, "z"));
        Graph after = s_pass.Apply(builder.Build());
        GraphLaws.Check(after);
        Assert.Equal(["whole"], after.Persistent.Where(static v => v.Layout == StorageLayout.Tiles).Select(static v => v.Name));
    }

    [Fact]
    public void One_reader_that_wants_rows_keeps_them_rows()
    {
        GraphBuilder builder = new();
        Value weight = builder.Parameter("weight", new Shape(64, 64), DType.Q8_0, trainable: false), x = builder.Input("x", new Shape(3, 64));
        builder.Output(builder.Linear(x, weight, "y"));
        builder.Output(builder.MatMul(x, weight, false, false, name: "z"));
        Assert.DoesNotContain(s_pass.Apply(builder.Build()).Persistent, static v => v.Layout == StorageLayout.Tiles);
    }
}
