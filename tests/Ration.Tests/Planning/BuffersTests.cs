using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Tests.Planning;

/// <summary>Which values share bytes.</summary>
public sealed class BuffersTests
{
    private static readonly Shape s_shape = new(3, 4);
    private readonly GraphBuilder _builder = new();

    [Fact]
    public void A_result_overwrites_an_input_that_nobody_reads_again()
    {
        Value x = _builder.Activate(ActivationFunction.GeluTanh, _builder.Input("x", s_shape)), y = _builder.Activate(ActivationFunction.GeluTanh, x),
            z = _builder.Activate(ActivationFunction.GeluTanh, y);
        _builder.Output(z);
        Buffers shared = Assign(), apart = Assign(reuse: false);
        Assert.True(shared[x] == shared[y] && shared[y] == shared[z]);
        Assert.Equal(3, new HashSet<int> { apart[x], apart[y], apart[z] }.Count);
    }

    [Fact]
    public void A_value_that_is_read_again_is_not_overwritten()
    {
        Value x = _builder.Activate(ActivationFunction.GeluTanh, _builder.Input("x", s_shape)), y = _builder.Activate(ActivationFunction.GeluTanh, x), z = _builder.Add(y, x);
        _builder.Output(z);
        Buffers buffers = Assign();
        Assert.NotEqual(buffers[x], buffers[y]);
        Assert.Equal(buffers[y], buffers[z]);
    }

    [Fact]
    public void An_output_is_not_overwritten_by_the_last_node_of_its_phase()
    {
        Value x = _builder.Activate(ActivationFunction.GeluTanh, _builder.Input("x", s_shape), name: "kept");
        _builder.Output(x);
        Value y = _builder.Activate(ActivationFunction.GeluTanh, x);
        Assert.NotEqual(Assign()[x], Assign()[y]);
    }

    [Fact]
    public void Inputs_and_weights_are_not_overwritten()
    {
        Value x = _builder.Input("x", s_shape), w = _builder.Parameter("w", s_shape);
        Value y = _builder.Add(x, w);
        Buffers buffers = Assign();
        Assert.NotEqual(buffers[x], buffers[y]);
        Assert.True(buffers[y] >= 0 && buffers[w] == -1);
    }

    [Fact]
    public void Both_results_of_a_node_get_bytes_of_their_own()
    {
        Value dy = _builder.Activate(ActivationFunction.GeluTanh, _builder.Input("dy", s_shape)), x = _builder.Input("x", s_shape);
        IReadOnlyList<Value> outputs = _builder.Emit(new GatedActivationGradient(ActivationFunction.Silu), "d", MemoryKind.Activations, dy, x, x);
        Assert.NotEqual(Assign()[outputs[0]], Assign()[outputs[1]]);
    }

    [Fact]
    public void A_tensor_added_to_itself_is_not_overwritten_while_it_is_read()
    {
        Value x = _builder.Activate(ActivationFunction.GeluTanh, _builder.Input("x", s_shape)), y = _builder.Add(x, x);
        Assert.NotEqual(Assign()[x], Assign()[y]);
    }

    [Fact]
    public void Persistent_sums_and_caches_are_added_to_in_place()
    {
        _builder.Pass = Pass.Backward;
        Value sum = _builder.State("sum", new(3, 3), MemoryKind.Gradients), a = _builder.Input("a", s_shape), b = _builder.Input("b", s_shape);
        Value first = _builder.MatMul(a, b, false, true, sum, "d", MemoryKind.Gradients), second = _builder.MatMul(a, b, false, true, first, "d", MemoryKind.Gradients);
        Value cache = _builder.State("cache", new(1, 5, 2), MemoryKind.KvCache);
        Value grown = _builder.AppendToCache(cache, _builder.Input("rows", new(1, 1, 2)), _builder.Input("at", new(1, 1), DType.I32));
        foreach (bool reuse in (bool[])[true, false])
        {
            Buffers buffers = Assign(reuse);
            Assert.Equal((-1, -1, -1), (buffers[sum], buffers[first], buffers[second]));
            Assert.Equal((-2, -2), (buffers[cache], buffers[grown]));
        }
    }

    private Buffers Assign(bool reuse = true) => Buffers.Assign(_builder.Build(), static _ => 0, reuse);
}
