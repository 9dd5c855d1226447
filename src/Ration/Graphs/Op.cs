using System.Text;
using Ration.Tensors;

namespace Ration.Graphs;

/// <summary>What a node must compute and move at the least.</summary>
/// <param name="Flops">Floating-point operations that belong to matrix products.</param>
/// <param name="Bytes">Bytes read and written once each.</param>
/// <param name="Parts">How many operations it is made of that start one after another.</param>
public readonly record struct OpCost(double Flops, double Bytes, double Parts = 1);

/// <summary>Output number <paramref name="Output"/> may be written over input number <paramref name="Input"/>.</summary>
public readonly record struct SharedBuffer(int Output, int Input);

/// <summary>The shape and type of a result, and in which order its rows lie.</summary>
public readonly record struct TensorType(Shape Shape, DType DType, StorageLayout Layout = StorageLayout.Rows);

/// <summary>
/// One operation, defined once and without a device: what it accepts, what it yields, its gradient and its cost.
/// Kernels are registered against the type of the op by each device. Ops are immutable; their properties are their attributes.
/// </summary>
public abstract record Op
{
    /// <summary>The name in dumps and messages.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>What nodes have in common that take time in proportion to their <see cref="Cost"/>.</summary>
    public virtual string CostClass => Name;

    /// <summary>
    /// Whether the result can be had again for about the price of reading its inputs (norms, activation functions), so that keeping
    /// it for the backward pass is a waste.
    /// </summary>
    public virtual bool IsCheap => false;

    /// <summary>Checks the inputs and gives the type of each output.</summary>
    /// <exception cref="GraphException">The inputs do not fit the op.</exception>
    public abstract TensorType[] InferOutputs(IReadOnlyList<Value> inputs);

    /// <summary>Emits the nodes that turn gradients of the node's outputs into gradients of its inputs.</summary>
    /// <exception cref="GraphException">The op has no gradient.</exception>
    public virtual void Differentiate(Node node, Gradients gradients) => throw new GraphException($"{Name} has no gradient");

    /// <summary>What the node must compute and move.</summary>
    public virtual OpCost Cost(Node node) => new(0, node.Inputs.Sum(static v => (double)v.Bytes) + node.Outputs.Sum(static v => (double)v.Bytes));

    /// <summary>Which outputs may reuse the bytes of which inputs, when nobody reads the input afterwards. The first fit is taken.</summary>
    public virtual IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [];

    /// <summary>Whether an input may lie in <see cref="StorageLayout.Tiles"/>.</summary>
    public virtual bool AcceptsTiles(int input) => false;

    /// <summary>Numbers of the inputs that this op assigns in place; they must be persistent.</summary>
    public virtual IReadOnlyList<int> AssignedInputs(Node node) => [];

    /// <summary>The name and the attributes, for example <c>RmsNorm { Epsilon = 1E-05 }</c>.</summary>
    public sealed override string ToString()
    {
        StringBuilder attributes = new();
        return PrintMembers(attributes) ? $"{Name} {{ {attributes} }}" : Name;
    }

    /// <summary>Writes the attributes of derived ops; what all ops have is no attribute.</summary>
    protected virtual bool PrintMembers(StringBuilder builder) => false;

    /// <summary>A complaint about these inputs, naming the op and all shapes.</summary>
    protected GraphException Refuse(string why, IReadOnlyList<Value> inputs) =>
        new($"{Name}: {why}; inputs: {string.Join(", ", inputs.Select(static v => $"{v.Name} {v.DType}{v.Shape}"))}");

    /// <summary>Requires between <paramref name="least"/> and <paramref name="most"/> inputs.</summary>
    protected void RequireCount(IReadOnlyList<Value> inputs, int least, int most)
    {
        if (inputs.Count < least || inputs.Count > most) throw Refuse($"takes {(least == most ? $"{least}" : $"{least} to {most}")} inputs, not {inputs.Count}", inputs);
    }

    /// <summary>Requires one input to have an element type.</summary>
    protected void RequireType(IReadOnlyList<Value> inputs, int index, DType type)
    {
        if (inputs[index].DType != type) throw Refuse($"input {index} must be {type}", inputs);
    }

    /// <summary>Requires one input to have rows: at least so many dimensions.</summary>
    protected void RequireRank(IReadOnlyList<Value> inputs, int index, int least)
    {
        if (inputs[index].Shape.Rank < least) throw Refuse($"input {index} must have at least {least} dimension{(least == 1 ? "" : "s")}", inputs);
    }

    /// <summary>Requires one input to have a shape.</summary>
    protected void RequireShape(IReadOnlyList<Value> inputs, int index, Shape shape)
    {
        if (inputs[index].Shape != shape) throw Refuse($"input {index} must have shape {shape}", inputs);
    }

    /// <summary>Requires the rows of one input to be whole rows of a width, side by side, and returns how many those are.</summary>
    protected long RequireRowsOf(IReadOnlyList<Value> inputs, int index, long width)
    {
        RequireRank(inputs, index, 1);
        if (width <= 0 || inputs[index].Shape[^1] % width != 0) throw Refuse($"rows of input {index} must be whole rows of {width} channels", inputs);
        return inputs[index].Shape.Elements / width;
    }

    /// <summary>Requires F32 and a shape, the usual demand on activations.</summary>
    protected void RequireFloats(IReadOnlyList<Value> inputs, int index, Shape shape)
    {
        RequireType(inputs, index, DType.F32);
        RequireShape(inputs, index, shape);
    }
}
