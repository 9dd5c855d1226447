using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Graphs;

/// <summary>Which backward nodes there are; whether they are right is shown by the cases of each op.</summary>
public sealed class DifferentiationTests
{
    private readonly GraphBuilder _builder = new();

    [Fact]
    public void What_only_frozen_weights_need_is_not_visited()
    {
        Value x = _builder.Input("x", new(2, 3));
        for (int i = 0; i < 4; i++)
        {
            _builder.Block = i;
            x = _builder.Activate(ActivationFunction.GeluTanh, _builder.Linear(x, _builder.Parameter($"w{i}", new(3, 3), trainable: i == 2), $"y{i}"));
        }

        _builder.Block = -1;
        IReadOnlyDictionary<Value, Value> gradients = Backward(x);
        Assert.Equal("w2", Assert.Single(gradients).Key.Name);
        Node[] backward = [.. _builder.Nodes.Where(static n => n.Pass == Pass.Backward)];
        Assert.Equal([3, 3, 2, 2], backward.Select(static n => n.Block));
        Assert.Equal(["ActivationGradient", "MatMul", "ActivationGradient", "MatMul"], backward.Select(static n => n.Op.Name));
    }

    [Fact]
    public void A_frozen_model_has_no_backward_pass()
    {
        ModelConfiguration configuration = new() { Name = "frozen", Vocabulary = 7, Width = 4, HiddenWidth = 6, Layers = 2, Heads = 1, KvHeads = 1, HeadDimension = 4 };
        TransformerModel model = new(_builder, configuration, 3, TrainedWeights.None);
        Value hidden = model.HiddenStates(TransformerModel.DeclareInputs(_builder, 1, 3));
        Value loss = _builder.LinearCrossEntropy(hidden, model.Head, _builder.Input("targets", new(1, 3), DType.I32), _builder.Input("scale", Shape.Scalar));
        Assert.Empty(Differentiation.Backward(_builder, new Dictionary<Value, Value?> { [loss] = null }));
        Assert.DoesNotContain(_builder.Nodes, static n => n.Pass == Pass.Backward);
    }

    [Fact]
    public void A_weight_that_the_loss_does_not_depend_on_has_no_gradient()
    {
        Value used = _builder.Parameter("used", new(2, 3)), unused = _builder.Parameter("unused", new(2, 3));
        _builder.Activate(ActivationFunction.GeluTanh, unused);
        Assert.Equal([used], Backward(_builder.Activate(ActivationFunction.GeluTanh, used)).Keys);
    }

    [Fact]
    public void A_seed_that_reaches_a_weight_unchanged_is_its_gradient()
    {
        Value w = _builder.Parameter("w", new(2, 3)), dy = _builder.Input("dy", new(2, 3));
        Value y = _builder.Add(w, _builder.Input("x", new(2, 3)));
        Assert.Equal(dy, Differentiation.Backward(_builder, new Dictionary<Value, Value?> { [y] = dy })[w]);
    }

    [Fact]
    public void Backward_nodes_belong_to_the_scope_and_block_of_their_origin()
    {
        Value w = _builder.Parameter("w", new(3, 3)), x = _builder.Input("x", new(2, 3));
        _builder.Block = 5;
        Value y;
        using (_builder.Scope("outer"))
        using (_builder.Scope("inner")) y = _builder.Linear(x, w, "y");
        _builder.Block = -1;
        Backward(y);
        Node node = _builder.Nodes[^1];
        Assert.Equal(("outer.inner", 5, Pass.Backward), (node.Scope, node.Block, node.Pass));
    }

    [Fact]
    public void What_has_no_gradient_says_so()
    {
        Value w = _builder.Parameter("w", new(2, 3)), scalar = _builder.Parameter("s", Shape.Scalar);
        Assert.Contains("SumOfSquares has no gradient", Refusal(_builder.SumOfSquares(w, "y")), StringComparison.Ordinal);
        Assert.Contains("Maximum has no derivative", Refusal(_builder.Elementwise(Expression.Maximum(new Load(w), 0f), "y")), StringComparison.Ordinal);
        Assert.Contains("the scalar s of a formula has no gradient", Refusal(_builder.Elementwise(new Load(w) * new Load(scalar), "y")), StringComparison.Ordinal);
    }

    private string Refusal(Value y) => Assert.Throws<GraphException>(() => Backward(y)).Message;

    private IReadOnlyDictionary<Value, Value> Backward(Value y)
    {
        Value dy = _builder.Input($"dy{_builder.Nodes.Count}", y.Shape);
        return Differentiation.Backward(_builder, new Dictionary<Value, Value?> { [y] = dy });
    }
}
