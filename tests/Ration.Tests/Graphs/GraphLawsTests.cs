using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Tests.Graphs;

/// <summary>Each law, broken on purpose in a graph that is lawful otherwise.</summary>
public sealed class GraphLawsTests
{
    private readonly GraphBuilder _builder = new();
    private readonly Value _weight;
    private readonly Value _input;

    public GraphLawsTests() => (_weight, _input) = (_builder.Parameter("weight", new(3, 4)), _builder.Input("x", new(3, 4)));

    [Fact]
    public void A_graph_as_it_is_built_is_lawful()
    {
        _builder.Output(_builder.Add(_builder.Add(_input, _weight), _weight));
        GraphLaws.Check(_builder.Build());
    }

    [Fact]
    public void A_value_is_declared_once() => Breaks(Valid() with { Inputs = [_input, _input] }, "x F32[3, 4] is declared twice");

    [Fact]
    public void A_value_has_a_number_of_the_graph()
    {
        Graph graph = Valid();
        Breaks(graph with { NextValueId = 2 }, "has a number beyond the 2");
        Breaks(graph with { Inputs = [_input with { Id = -1 }] }, "has a number beyond");
    }

    [Fact]
    public void A_value_is_defined_before_it_is_read()
    {
        Graph graph = Valid();
        Breaks(graph with { Nodes = [.. graph.Nodes.Reverse()] }, "before it is defined");
        Breaks(graph with { Inputs = [] }, "before it is defined");
    }

    [Fact]
    public void Tiles_are_read_only_by_what_accepts_them()
    {
        Graph graph = Valid();
        Value tiled = _weight with { Layout = StorageLayout.Tiles };
        Breaks(graph with { Nodes = [.. graph.Nodes.Select(n => n with { Inputs = [.. n.Inputs.Select(v => v.Id == tiled.Id ? tiled : v)] })] }, "which lies in tiles");
    }

    [Fact]
    public void A_value_is_defined_once()
    {
        Graph graph = Valid();
        Breaks(graph with { Nodes = [.. graph.Nodes, graph.Nodes[0]] }, "again");
    }

    [Fact]
    public void What_is_not_computed_in_every_step_is_read_only_with_it()
    {
        Value when = _builder.Input("when", Shape.Scalar), other = _builder.Input("other", Shape.Scalar);
        Value sometimes;
        using (_builder.When(when, 0.5)) sometimes = _builder.Add(_builder.Add(_input, _weight), _weight);
        Graph lawful = _builder.Build();
        GraphLaws.Check(lawful);
        Breaks(lawful with { Outputs = [sometimes] }, "is not computed in every step");
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Condition = null }] }, "which is not computed in every step");
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Condition = new NodeCondition(other, 0.5) }] }, "which is not computed in every step");
        Breaks(lawful with { Nodes = [.. lawful.Nodes.Select(static n => n with { Condition = n.Condition! with { Share = 0 } })] }, "a condition is an F32 scalar");
        Breaks(lawful with { Nodes = [.. lawful.Nodes.Select(n => n with { Condition = new NodeCondition(_input, 1) })] }, "a condition is an F32 scalar");
    }

    [Fact]
    public void State_is_read_after_it_was_assigned_by_its_own_update_only()
    {
        Value state = _builder.State("state", new(3, 4), MemoryKind.OptimizerState);
        _builder.Pass = Pass.Update;
        using (_builder.Scope("update.weight"))
        {
            _builder.Assign([(state, new Load(_input))]);
            _builder.Assign([(_weight, new Load(state))]);
        }

        Graph lawful = _builder.Build();
        GraphLaws.Check(lawful);
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Scope = "update.other" }] }, "after it was assigned");
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Pass = Pass.Backward }] }, "after it was assigned");
    }

    [Fact]
    public void Conditions_nest_and_hold_wherever_narrower_ones_do()
    {
        Value turn = _builder.Input("turn", Shape.Scalar), when = _builder.Input("when", Shape.Scalar);
        Value sometimes;
        using (_builder.When(turn, 0.5, new NumberRange(0, 1))) sometimes = _builder.Add(_input, _weight);
        using (_builder.When(when, 0.5))
        using (_builder.When(turn, 0.25, new NumberRange(1, 1))) _builder.Add(sometimes, _weight);
        Graph lawful = _builder.Build();
        GraphLaws.Check(lawful);
        NodeCondition inner = lawful.Nodes[1].Condition!;
        Assert.Equal(0.125, inner.Share);
        Assert.Null(_builder.Build().Nodes[0].Condition!.Outer);
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Condition = inner.Outer }] }, "which is not computed in every step");
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Condition = inner with { Range = new(1, 2) } }] }, "which is not computed in every step");
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Condition = inner with { Outer = inner.Outer! with { Share = 2 } } }] }, "a condition is an F32 scalar");
    }

    [Fact]
    public void Updates_that_never_run_in_the_same_step_may_share_state()
    {
        Value turn = _builder.Input("turn", Shape.Scalar), first = _builder.SharedState("state", new(3, 4), MemoryKind.OptimizerState);
        Assert.Same(first, _builder.SharedState("state", new(3, 4), MemoryKind.OptimizerState));
        _ = Assert.Throws<GraphException>(() => _builder.SharedState("state", new(4, 3), MemoryKind.OptimizerState));
        _builder.Pass = Pass.Update;
        for (int i = 0; i < 3; i++)
        {
            using IDisposable scope = _builder.Scope($"update.{i}"), when = _builder.When(turn, 0.3, new NumberRange(i, i));
            _builder.Assign([(first, new Load(first) + 1f)]);
        }

        Graph lawful = _builder.Build();
        GraphLaws.Check(lawful);
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1], lawful.Nodes[2] with { Condition = lawful.Nodes[0].Condition }] }, "after it was assigned");
        Breaks(lawful with { Nodes = [lawful.Nodes[0], lawful.Nodes[1] with { Condition = null }] }, "after it was assigned");
    }

    [Fact]
    public void Phases_follow_each_other()
    {
        Graph graph = Valid();
        Breaks(graph with { Nodes = [graph.Nodes[0] with { Phase = Phase.Finish }, graph.Nodes[1]] }, "runs in Repeat, after nodes of Finish");
    }

    [Fact]
    public void Computed_values_do_not_cross_phases()
    {
        Graph graph = Valid();
        Breaks(graph with { Nodes = [graph.Nodes[0], graph.Nodes[1] with { Phase = Phase.Finish }] }, "only persistent values cross phases");
    }

    [Fact]
    public void What_was_assigned_is_not_read_again_in_its_phase()
    {
        Value sum = _builder.State("sum", new(3, 4), MemoryKind.Gradients);
        _builder.Emit(new Fill(0), "", MemoryKind.Workspace, sum);
        _builder.Add(_input, sum);
        Graph graph = _builder.Build();
        Breaks(graph, "reads %2 sum F32[3, 4] after it was assigned in this phase");
        GraphLaws.Check(graph with { Nodes = [graph.Nodes[0] with { Phase = Phase.Begin }, graph.Nodes[1]] });
    }

    [Fact]
    public void Only_persistent_values_are_assigned()
    {
        _builder.Emit(new Fill(0), "", MemoryKind.Workspace, _input);
        Breaks(_builder.Build(), "assigns %1 x F32[3, 4], which is not persistent");
    }

    [Fact]
    public void A_node_has_the_outputs_that_its_op_yields()
    {
        Graph graph = Valid();
        Node first = graph.Nodes[0];
        Breaks(With(first with { Outputs = [] }), "has 0 outputs, not 1");
        Breaks(With(first with { Outputs = [first.Output with { Shape = new Shape(4, 3) }] }), "yields TensorType");
        Breaks(With(first with { Outputs = [first.Output with { DType = DType.BF16 }] }), "yields TensorType");
        Breaks(With(first with { Outputs = [first.Output with { Role = ValueRole.Input }] }), "which is Input");

        Graph With(Node node) => graph with { Nodes = [node, graph.Nodes[1]] };
    }

    [Fact]
    public void The_inputs_of_a_node_fit_its_op()
    {
        Graph graph = Valid();
        Value other = _builder.Input("other", new(4, 3));
        Breaks(graph with { Nodes = [graph.Nodes[0] with { Inputs = [other, _weight] }], Inputs = [_input, other], NextValueId = graph.NextValueId + 1 }, "Add: ");
    }

    [Fact]
    public void Gradients_belong_to_the_backward_pass()
    {
        Value y = _builder.Add(_input, _weight, "d.weight", MemoryKind.Gradients);
        Breaks(_builder.Build(), "yields a gradient outside of the backward pass");
        Graph graph = _builder.Build();
        GraphLaws.Check(graph with { Nodes = [graph.Nodes[0] with { Pass = Pass.Backward }] });
        Assert.Equal(MemoryKind.Gradients, y.Kind);
    }

    [Fact]
    public void Outputs_are_defined()
    {
        Graph graph = Valid();
        Breaks(graph with { Nodes = [graph.Nodes[0]] }, "is never defined");
    }

    [Fact]
    public void A_host_finds_inputs_and_outputs_by_name()
    {
        _builder.Output(_builder.Add(_input, _weight, "y"));
        _builder.Output(_builder.Add(_weight, _input, "y"));
        Breaks(_builder.Build(), "two inputs or outputs are named y");
    }

    private Graph Valid()
    {
        Value y = _builder.Add(_input, _weight, "y");
        _builder.Output(_builder.Add(y, y, "z"));
        Graph graph = _builder.Build();
        GraphLaws.Check(graph);
        return graph;
    }

    private static void Breaks(Graph graph, string law) =>
        Assert.Contains(law, Assert.Throws<GraphException>(() => GraphLaws.Check(graph)).Message, StringComparison.Ordinal);
}
