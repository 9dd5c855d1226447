using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>The nonlinearity of an MLP.</summary>
public enum ActivationFunction
{
    /// <summary>x · sigmoid(x).</summary>
    Silu,

    /// <summary>x · Φ(x) by the error function (Hendrycks and Gimpel 2016).</summary>
    Gelu,

    /// <summary>The tanh approximation of GELU, as in GPT-2 and Gemma.</summary>
    GeluTanh,
}

/// <summary>f(gate) · up, elementwise (Shazeer 2020, "GLU variants"): SwiGLU with SiLU.</summary>
/// <param name="Function">f.</param>
public sealed record GatedActivation(ActivationFunction Function) : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireFloats(inputs, 1, inputs[0].Shape);
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value gate = node.Inputs[0], up = node.Inputs[1];
        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(
            new GatedActivationGradient(Function), [gradients.Of(node.Output)!, gate, up],
            ("d." + gate.Name, MemoryKind.Activations), ("d." + up.Name, MemoryKind.Activations));
        gradients.Add(gate, outputs[0]);
        gradients.Add(up, outputs[1]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0), new SharedBuffer(0, 1)];
}

/// <summary>Gradient of <see cref="GatedActivation"/>: dy, gate, up → dgate, dup.</summary>
/// <param name="Function">The nonlinearity.</param>
public sealed record GatedActivationGradient(ActivationFunction Function) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        for (int i = 0; i < 3; i++) RequireFloats(inputs, i, inputs[0].Shape);
        TensorType type = new(inputs[0].Shape, DType.F32);
        return [type, type];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) =>
        [new SharedBuffer(0, 1), new SharedBuffer(1, 2), new SharedBuffer(0, 0), new SharedBuffer(1, 0)];
}

/// <summary>A nonlinearity on its own, elementwise.</summary>
/// <param name="Function">Which.</param>
public sealed record Activation(ActivationFunction Function) : Op
{
    /// <inheritdoc/>
    public override bool IsCheap => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0];
        gradients.Add(x, gradients.Builder.Emit(
            new ActivationGradient(Function), "d." + x.Name, MemoryKind.Activations, gradients.Of(node.Output)!, x)[0]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Gradient of <see cref="Activation"/>: dy, x → dx.</summary>
/// <param name="Function">Which.</param>
public sealed record ActivationGradient(ActivationFunction Function) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireFloats(inputs, 0, inputs[1].Shape);
        return [new TensorType(inputs[1].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0), new SharedBuffer(0, 1)];
}

/// <summary>MLP nonlinearities in a graph under construction.</summary>
public static class ActivationBuilding
{
    /// <summary>f(gate) · up.</summary>
    public static Value GatedActivate(this GraphBuilder builder, ActivationFunction function, Value gate, Value up, string name = "activated") =>
        builder.Emit(new GatedActivation(function), name, MemoryKind.Activations, gate, up)[0];

    /// <summary>f(x).</summary>
    public static Value Activate(this GraphBuilder builder, ActivationFunction function, Value x, string name = "activated") =>
        builder.Emit(new Activation(function), name, MemoryKind.Activations, x)[0];
}
