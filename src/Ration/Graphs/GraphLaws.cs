using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs;

/// <summary>What is true of every lawful graph. Passes are checked against these in tests, and the planner checks what it compiles.</summary>
public static class GraphLaws
{
    /// <summary>Throws at the first broken law.</summary>
    /// <exception cref="GraphException">The message names the node and the law.</exception>
    public static void Check(Graph graph)
    {
        CheckNumbers(graph);
        CheckConditions(graph);
        Phase?[] defined = new Phase?[graph.NextValueId];
        foreach (Value value in graph.Persistent.Concat(graph.Inputs))
        {
            if (defined[value.Id] is not null) throw new GraphException($"{value} is declared twice");
            defined[value.Id] = Phase.Begin;
        }

        var assigned = new List<Node>?[graph.NextValueId];
        Phase phase = Phase.Begin;
        foreach (Node node in graph.Nodes)
        {
            if (node.Phase < phase) throw new GraphException($"{node} runs in {node.Phase}, after nodes of {phase}");
            if (node.Phase > phase) Array.Clear(assigned);
            phase = node.Phase;
            CheckInputs(node, defined, assigned);
            CheckOutputs(node, defined);
        }

        CheckNames(graph);
        foreach (Value output in graph.Outputs)
        {
            if (defined[output.Id] is null) throw new GraphException($"output {output} is never defined");
        }
    }

    private static void CheckNumbers(Graph graph)
    {
        IEnumerable<Value> all = graph.Persistent.Concat(graph.Inputs).Concat(graph.Outputs).Concat(graph.Nodes.SelectMany(static n => n.Inputs.Concat(n.Outputs)));
        foreach (Value value in all)
        {
            if (value.Id < 0 || value.Id >= graph.NextValueId) throw new GraphException($"{value} has a number beyond the {graph.NextValueId} of the graph");
        }
    }

    // Hosts find inputs and outputs by name.
    private static void CheckNames(Graph graph)
    {
        Dictionary<string, int> names = [];
        foreach (Value value in graph.Inputs.Concat(graph.Outputs))
        {
            if (!names.TryAdd(value.Name, value.Id) && names[value.Name] != value.Id) throw new GraphException($"two inputs or outputs are named {value.Name}");
        }
    }

    // What a node left out would have computed may be read only by nodes that are left out with it.
    private static void CheckConditions(Graph graph)
    {
        Node?[] definitions = graph.Definitions();
        foreach (Node node in graph.Nodes)
        {
            if (node.Condition?.All.FirstOrDefault(static c => c is not { Scalar: { Shape.Rank: 0, DType: DType.F32, Role: not ValueRole.Computed }, Share: > 0 and <= 1 }) is { } condition)
                throw new GraphException(
                    $"{node} depends on {condition.Scalar} in a share of {condition.Share}: a condition is an F32 scalar that is written by the host or kept, and its share above 0 and at most 1");
            foreach (Value input in node.Inputs)
            {
                if (definitions[input.Id]?.Condition is { } other && node.Condition?.Implies(other) != true)
                    throw new GraphException($"{node} reads {input}, which is not computed in every step");
            }
        }

        foreach (Value output in graph.Outputs)
        {
            if (definitions[output.Id]?.Condition is not null) throw new GraphException($"output {output} is not computed in every step");
        }
    }

    private static void CheckInputs(Node node, Phase?[] defined, List<Node>?[] assigned)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i].Layout != StorageLayout.Rows && !node.Op.AcceptsTiles(i)) throw new GraphException($"{node} reads {node.Inputs[i]}, which lies in tiles");
        }

        foreach (Value input in node.Inputs)
        {
            if (defined[input.Id] is not { } since) throw new GraphException($"{node} reads {input} before it is defined");
            if (input.Role == ValueRole.Computed && since != node.Phase)
                throw new GraphException($"{node} in {node.Phase} reads {input} of {since}: only persistent values cross phases");
            if (assigned[input.Id]?.Exists(writer => !IsOwnState(input, writer, node) && !NeverRunTogether(writer, node)) == true)
                throw new GraphException($"{node} reads {input} after it was assigned in this phase");
        }

        // A sum into persistent memory, and a row added to a cache, are in place: the old contents are gone.
        foreach (SharedBuffer pair in node.Op.ShareableBuffers(node))
        {
            Value shared = node.Inputs[pair.Input];
            if (shared is { Role: ValueRole.Persistent, Kind: MemoryKind.Gradients or MemoryKind.KvCache }) (assigned[shared.Id] ??= []).Add(node);
        }

        foreach (int index in node.Op.AssignedInputs(node))
        {
            Value target = node.Inputs[index];
            if (target.Role != ValueRole.Persistent) throw new GraphException($"{node} assigns {target}, which is not persistent");
            (assigned[target.Id] ??= []).Add(node);
        }
    }

    private static bool NeverRunTogether(Node a, Node b) => a.Condition is { } condition && b.Condition is { } other && condition.Excludes(other);

    // An update may renew its state and go on with it: passes move an update as a whole, so that the order of its nodes stays.
    private static bool IsOwnState(Value value, Node writer, Node reader) =>
        value.Kind == MemoryKind.OptimizerState && writer.Pass == Pass.Update && reader.Pass == Pass.Update && writer.Scope == reader.Scope;

    private static void CheckOutputs(Node node, Phase?[] defined)
    {
        TensorType[] types = node.Op.InferOutputs(node.Inputs);
        if (types.Length != node.Outputs.Count) throw new GraphException($"{node} has {node.Outputs.Count} outputs, not {types.Length}");
        for (int i = 0; i < types.Length; i++)
        {
            Value output = node.Outputs[i];
            if (output.Role != ValueRole.Computed) throw new GraphException($"{node} defines {output}, which is {output.Role}");
            if (defined[output.Id] is not null) throw new GraphException($"{node} defines {output} again");
            if (types[i] != new TensorType(output.Shape, output.DType, output.Layout)) throw new GraphException($"{node} yields {types[i]}, not {output}");
            if (node.Pass != Pass.Backward && output.Kind == MemoryKind.Gradients) throw new GraphException($"{node} yields a gradient outside of the backward pass");
            defined[output.Id] = node.Phase;
        }
    }
}
