using System.Text;
using Ration.Graphs.Elementwise;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Elementwise formulas in one pass over memory. Inputs are the values that the program reads, tensors of one shape and scalars; each
/// formula is a new output or is assigned to a persistent input. Inputs may be stored in any type that can be read block by block.
/// </summary>
/// <param name="Program">The compiled formulas. Where an assignment is rounded by chance, the last input is the key (I64 [2]: seed and step).</param>
/// <param name="Site">Distinguishes what is rounded by chance in a step.</param>
public sealed record FusedElementwise(ElementwiseProgram Program, int Site = 0) : Op
{
    private bool HasKey => Program.StochasticDestination >= 0;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        int count = Program.Inputs.Count;
        RequireCount(inputs, HasKey ? count + 1 : count, HasKey ? count + 1 : count);
        if (HasKey) RequireKey(inputs);
        Shape shape = Common(inputs);
        for (int i = 0; i < count; i++)
        {
            if (!inputs[i].DType.IsReal() || inputs[i].DType.IsPlanar()) throw Refuse($"input {i} must hold real numbers that can be read in pieces", inputs);
            if (inputs[i].DType.IsQuantized() && Program.Spreads[i] != Spread.None) throw Refuse($"input {i} must be stored number by number to be spread", inputs);
            if (inputs[i].Shape.Rank != 0 && !Fits(inputs[i].Shape, Program.Spreads[i], shape))
                throw Refuse(
                    Program.Spreads[i] == Spread.None ? $"input {i} must be a scalar or {shape}"
                        : $"input {i} must have an element for each of the {Program.Spreads[i].ToString().ToLowerInvariant()} of {shape}",
                    inputs);
        }

        foreach (ElementwiseDestination destination in Program.Destinations)
        {
            if (destination.AssignedInput < 0) continue;
            Value assigned = inputs[destination.AssignedInput];
            if (assigned.Role != ValueRole.Persistent || assigned.Shape != shape) throw Refuse($"{assigned.Name} cannot be assigned", inputs);
            if (destination.IsStochastic && !StochasticRounding.Supports(assigned.DType)) throw Refuse($"{assigned.Name} cannot be rounded by chance to {assigned.DType}", inputs);
        }

        return [.. Program.Destinations.Where(static d => d.AssignedInput < 0).Select(_ => new TensorType(shape, DType.F32))];
    }

    /// <summary>The shape of the tensors among the inputs that are read element by element.</summary>
    public Shape Common(IReadOnlyList<Value> inputs)
    {
        for (int i = 0; i < Program.Inputs.Count; i++)
        {
            if (inputs[i].Shape.Rank != 0 && Program.Spreads[i] == Spread.None) return inputs[i].Shape;
        }

        return Shape.Scalar;
    }

    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder builder)
    {
        builder.Append("Program = ").Append(Program);
        // The site means something only where chance does.
        if (HasKey) builder.Append(", Site = ").Append(Site);
        return true;
    }

    private void RequireKey(IReadOnlyList<Value> inputs)
    {
        RequireType(inputs, inputs.Count - 1, DType.I64);
        RequireShape(inputs, inputs.Count - 1, new Shape(2));
        if (Site is < 0 or >= 1 << 21) throw Refuse($"the site {Site} is not from 0 to 2²¹ − 1", inputs);
    }

    private static bool Fits(Shape shape, Spread spread, Shape common) => spread switch
    {
        Spread.None => shape == common,
        _ when common.Rank == 0 => false,
        Spread.Rows => shape.Elements == common.Rows,
        _ => shape.Elements == common[^1],
    };

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        if (Program.Destinations.Any(static d => d.AssignedInput >= 0)) throw new GraphException("an update has no gradient");
        for (int input = 0; input < node.Inputs.Count; input++)
        {
            Value x = node.Inputs[input];
            if (!gradients.Needed(x)) continue;
            if (x.Shape != node.Outputs[0].Shape) throw new GraphException($"the scalar {x.Name} of a formula has no gradient");
            Expression? sum = null;
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                if (gradients.Of(node.Outputs[i]) is not { } dy || Derivative.Of(Program.Formulas[i], Program.Inputs[input]) is not { } slope) continue;
                Expression term = new Load(dy) * slope;
                sum = sum is null ? term : sum + term;
            }

            if (sum is not null) gradients.Add(x, gradients.Builder.Elementwise(sum, "d." + x.Name));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node)
    {
        List<SharedBuffer> pairs = [];
        for (int output = 0; output < node.Outputs.Count; output++)
        {
            for (int input = 0; input < node.Inputs.Count; input++)
            {
                if (node.Inputs[input].Role == ValueRole.Computed) pairs.Add(new SharedBuffer(output, input));
            }
        }

        return pairs;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<int> AssignedInputs(Node node) =>
        [.. Program.Destinations.Where(static d => d.AssignedInput >= 0).Select(static d => d.AssignedInput)];

    /// <inheritdoc/>
    public override string CostClass => $"{Name} {Program.Code.Length}/{Program.VectorRegisters}";

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, base.Cost(node).Bytes + AssignedInputs(node).Sum(i => (double)node.Inputs[i].Bytes));
}

/// <summary>Elementwise formulas in a graph under construction.</summary>
public static class ElementwiseBuilding
{
    /// <summary>A new tensor by a formula.</summary>
    public static Value Elementwise(this GraphBuilder builder, Expression formula, string name, MemoryKind kind = MemoryKind.Activations)
    {
        ElementwiseProgram program = ElementwiseProgram.Compile([(null, formula)]);
        return builder.Emit(new FusedElementwise(program), name, kind, program.Inputs)[0];
    }

    /// <summary>Assigns formulas to persistent values, all at once: every formula sees the old values.</summary>
    /// <param name="builder">The graph.</param>
    /// <param name="assignments">Values and what becomes of them.</param>
    /// <param name="rounding">Which of them is rounded by chance; null for none.</param>
    public static void Assign(this GraphBuilder builder, IReadOnlyList<(Value Target, Expression Formula)> assignments, StochasticRounding? rounding = null) =>
        builder.Emit("", [.. assignments.Select(static a => ((Value?)a.Target, a.Formula))], rounding);

    /// <summary>As <see cref="Assign"/>, and in the same pass over memory a new tensor by a formula that sees the old values too.</summary>
    /// <param name="builder">The graph.</param>
    /// <param name="formula">Elements of the tensor.</param>
    /// <param name="name">Its name, for people.</param>
    /// <param name="assignments">Values and what becomes of them.</param>
    /// <param name="rounding">Which of them is rounded by chance; null for none.</param>
    public static Value AssignWith(
        this GraphBuilder builder, Expression formula, string name, IReadOnlyList<(Value Target, Expression Formula)> assignments, StochasticRounding? rounding = null) =>
        builder.Emit(name, [(null, formula), .. assignments.Select(static a => ((Value?)a.Target, a.Formula))], rounding)[0];

    private static IReadOnlyList<Value> Emit(
        this GraphBuilder builder, string name, IReadOnlyList<(Value? Target, Expression Formula)> destinations, StochasticRounding? rounding)
    {
        ElementwiseProgram program = ElementwiseProgram.Compile(destinations, rounding?.Target);
        IReadOnlyList<Value> inputs = program.StochasticDestination < 0 ? program.Inputs : [.. program.Inputs, rounding!.Key];
        return builder.Emit(new FusedElementwise(program, rounding?.Site ?? 0), name, MemoryKind.Workspace, inputs);
    }
}
