using Ration.Devices;
using Ration.Graphs;
using Ration.Memory;
using Ration.Planning;
using Ration.Tests.Graphs.Reference;

namespace Ration.Tests.Graphs.Ops;

/// <summary>A case with its backward pass, to be run by definition, by a device and by central differences.</summary>
internal sealed class OpTrial
{
    private const double Shift = 1e-4;
    private readonly Dictionary<Value, double[]> _data;
    private readonly IReadOnlyDictionary<Value, Value?> _seeds;
    private readonly int _forwardNodes;

    private OpTrial(OpCaseBuilder builder, Dictionary<Value, Value> sums, IReadOnlyDictionary<Value, Value> gradients, int forwardNodes)
    {
        (_data, _seeds, Results, Gradients, Sums, _forwardNodes) = (builder.Data, builder.Seeds, builder.Results, gradients, sums, forwardNodes);
        foreach (Value value in Results.Concat(gradients.Values).Distinct()) builder.Graph.Output(value);
        Graph = builder.Graph.Build();
    }

    /// <summary>Forward and backward.</summary>
    public Graph Graph { get; }

    /// <summary>Results of the forward pass.</summary>
    public IReadOnlyList<Value> Results { get; }

    /// <summary>The gradient of each trainable parameter.</summary>
    public IReadOnlyDictionary<Value, Value> Gradients { get; }

    /// <summary>The persistent sum of each gradient, where asked for.</summary>
    public IReadOnlyDictionary<Value, Value> Sums { get; }

    /// <summary>Nodes of the backward pass.</summary>
    public IEnumerable<Node> BackwardNodes => Graph.Nodes.Skip(_forwardNodes);

    /// <summary>Builds a case, and its backward pass if it has one.</summary>
    public static OpTrial Of(OpCase @case, OpCaseOptions? options = null)
    {
        options ??= new OpCaseOptions();
        OpCaseBuilder builder = new(options, @case.Name.Aggregate(17, static (hash, c) => unchecked((hash * 31) + c)));
        @case.Build(builder);
        if (options.Twice) @case.Build(builder);
        Dictionary<Value, Value> sums = [];
        if (options.Accumulate)
        {
            foreach (Value p in builder.Graph.Persistent.Where(static v => v.Trainable).ToArray())
                sums[p] = builder.State(p.Name + ".sum", p.Shape, MemoryKind.Gradients);
        }

        int forwardNodes = builder.Graph.Nodes.Count;
        return new OpTrial(builder, sums, @case.HasGradient ? Differentiation.Backward(builder.Graph, builder.Seeds, sums) : new Dictionary<Value, Value>(), forwardNodes);
    }

    /// <summary>What a parameter's gradient is added to.</summary>
    public double SumBefore(Value parameter, int index) => Sums.TryGetValue(parameter, out Value? sum) ? _data[sum][index] : 0;

    /// <summary>Elements by definition.</summary>
    public Func<Value, double[]> ByDefinition()
    {
        ReferenceInterpreter reference = Prepared();
        reference.Run(Graph.Nodes);
        return v => reference[v];
    }

    /// <summary>Elements as a device computes them.</summary>
    public Func<Value, double[]> On(IDevice device)
    {
        StepProgram program = StepProgram.Compile(Graph, device);
        device.Reserve(program.ArenaBytes);
        foreach ((Value value, double[] elements) in _data) device.Write(Offset(program, value), Storage.Encode(elements, value.DType));
        foreach (Instruction instruction in program.Instructions) device.Run(instruction);
        device.Wait();
        return value =>
        {
            byte[] bytes = new byte[value.Bytes];
            device.Read(Offset(program, value), bytes);
            return Storage.Decode(bytes, value);
        };
    }

    /// <summary>∂(Σ dy·f)/∂x of one element, by central differences of the definition.</summary>
    public double Difference(Value parameter, int index)
    {
        double x = _data[parameter][index], step = Shift * Math.Max(1, Math.Abs(x));
        return (Objective(parameter, index, x + step) - Objective(parameter, index, x - step)) / (2 * step);
    }

    private double Objective(Value parameter, int index, double x)
    {
        ReferenceInterpreter reference = Prepared();
        double[] moved = [.. _data[parameter]];
        moved[index] = x;
        reference.Set(parameter, moved);
        reference.Run(Graph.Nodes.Take(_forwardNodes));
        return _seeds.Sum(s => s.Value is null ? reference[s.Key][0] : reference[s.Key].Zip(reference[s.Value], static (y, dy) => y * dy).Sum());
    }

    private ReferenceInterpreter Prepared()
    {
        ReferenceInterpreter reference = new();
        foreach ((Value value, double[] elements) in _data) reference.Set(value, elements);
        return reference;
    }

    private static long Offset(StepProgram program, Value value)
    {
        if (value.Role == ValueRole.Persistent) return program.Layout.OffsetOf(value);
        if (value.Role == ValueRole.Input) return program.OffsetOf(value.Name);
        Instruction definition = program.Instructions.Single(i => i.Node.Outputs.Contains(value));
        return definition.Outputs[definition.Node.Outputs.ToList().IndexOf(value)];
    }
}
