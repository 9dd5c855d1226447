namespace Ration.Graphs;

/// <summary>When in a step a node runs. A step is Begin once, Repeat once for each micro-batch, Finish once.</summary>
public enum Phase
{
    /// <summary>Before the first micro-batch.</summary>
    Begin,

    /// <summary>For each micro-batch.</summary>
    Repeat,

    /// <summary>After the last micro-batch.</summary>
    Finish,
}

/// <summary>Which part of training a node belongs to.</summary>
public enum Pass
{
    /// <summary>Computes results.</summary>
    Forward,

    /// <summary>Computes gradients.</summary>
    Backward,

    /// <summary>Changes parameters and state.</summary>
    Update,
}

/// <summary>One operation on values.</summary>
/// <param name="Op">What is computed.</param>
/// <param name="Inputs">Values read.</param>
/// <param name="Outputs">Values defined here.</param>
/// <param name="Scope">Where in the model, for example <c>layers.3.mlp</c>.</param>
/// <param name="Block">Number of the repeated block of the model, or −1 outside of blocks.</param>
/// <param name="Pass">Forward, backward or update.</param>
/// <param name="Phase">When in the step it runs.</param>
public sealed record Node(Op Op, IReadOnlyList<Value> Inputs, IReadOnlyList<Value> Outputs, string Scope, int Block, Pass Pass, Phase Phase)
{
    /// <summary>When the node runs; null for in every step.</summary>
    public NodeCondition? Condition { get; init; }

    /// <summary>
    /// Which of several backward passes over the same results of the forward pass the node belongs to, from 0; its updates are those after it.
    /// </summary>
    public int Sweep { get; init; }

    /// <summary>The one output of a node that has one.</summary>
    public Value Output => Outputs[0];

    /// <summary>One line of a dump: outputs = op(inputs).</summary>
    public override string ToString()
    {
        string outputs = Outputs.Count == 0 ? "" : string.Join(", ", Outputs) + " = ";
        IReadOnlyList<int> assigned = Op.AssignedInputs(this);
        IEnumerable<string> inputs = Inputs.Select((v, i) => (assigned.Contains(i) ? "!" : "") + $"%{v.Id} {v.Name}");
        return $"{(Condition is { } when ? $"if {when}: " : "")}{outputs}{Op}({string.Join(", ", inputs)})";
    }
}
