using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// The sum of three ReLUs whose slopes stand in for those of an activation function: Σ aᵢ · max(x − cᵢ, 0) with Σ aᵢ = 1 and Σ aᵢ·cᵢ = 0, fitted
/// to it in the mean square over all numbers (Yang et al. 2024, "Reducing Fine-Tuning Memory Overhead by Approximate and Memory-Sharing
/// Backpropagation", ReGELU2 and ReSiLU2).
/// </summary>
/// <param name="FirstThreshold">c₁.</param>
/// <param name="SecondThreshold">c₂.</param>
/// <param name="ThirdThreshold">c₃.</param>
/// <param name="FirstSlope">a₁, the slope between c₁ and c₂.</param>
/// <param name="SecondSlope">a₁ + a₂, the slope between c₂ and c₃; beyond, it is 1.</param>
public readonly record struct TwoBitSlopes(float FirstThreshold, float SecondThreshold, float ThirdThreshold, float FirstSlope, float SecondSlope)
{
    /// <summary>The constants of a function; the tanh form of GELU is so near to GELU that it shares them.</summary>
    public static TwoBitSlopes Of(ActivationFunction function) => function == ActivationFunction.Silu
        ? new(-6.3050461001646445f, -0.0008684942046214787f, 6.325815242089708f, -0.04060357190528599f, 1.040321856624382146f)
        : new(-3.1858810036855245f, -0.001178821281161997f, 3.190832613414926f, -0.04922261145617846f, 1.048740595085551286f);

    /// <summary>Bytes that hold the codes of a row.</summary>
    public static long CodeBytes(long columns) => (columns + 3) / 4;
}

/// <summary>
/// A nonlinearity, exact, that leaves two bits an element for the backward pass: in which of four intervals the element lies. Outputs y and
/// the codes, U8 [.., ⌈width / 4⌉]: element i of a row is bits 2·(i mod 4) of byte i / 4.
/// </summary>
/// <param name="Function">Which.</param>
public sealed record TwoBitActivation(ActivationFunction Function) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        Shape shape = inputs[0].Shape;
        return [new TensorType(shape, DType.F32), new TensorType(shape.WithInnermost(TwoBitSlopes.CodeBytes(shape[^1])), DType.U8)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value x = node.Inputs[0];
        if (!gradients.Needed(x)) return;
        gradients.Add(x, gradients.Builder.Emit(
            new TwoBitActivationGradient(Function), "d." + x.Name, MemoryKind.Activations, gradients.Of(node.Outputs[0])!, node.Outputs[1])[0]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>Gradient of <see cref="TwoBitActivation"/> with the slopes of <see cref="TwoBitSlopes"/>: dy, codes → dx.</summary>
/// <param name="Function">Which.</param>
public sealed record TwoBitActivationGradient(ActivationFunction Function) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        RequireType(inputs, 1, DType.U8);
        RequireShape(inputs, 1, inputs[0].Shape.WithInnermost(TwoBitSlopes.CodeBytes(inputs[0].Shape[^1])));
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}
