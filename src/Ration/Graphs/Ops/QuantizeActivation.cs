using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Rounds activations to 8 bits, asymmetrically and group by group of neighbouring channels (Pan et al. 2021, "Mesa: A Memory-saving Training
/// Framework for Transformers"): of each group the least value and the range are running estimates, and between them lie 255
/// equal steps to which elements are rounded at random, so that the mean is kept. The paper clips what lies outside; here the range reaches as
/// far as the elements do, because activations of a new model grow faster than their estimates follow. Inputs x [.., width], the
/// running estimates (F32 [2, groups], persistent: least values, then ranges; both zero before the first use) and the random key of
/// <see cref="Dropout"/>. Outputs the codes (U8, shaped as x) and for each group its least value and step (F32 [2, groups]).
/// </summary>
/// <param name="Group">Channels of a group; divides the width.</param>
/// <param name="Decay">Share of the old estimate in the new one, in [0, 1).</param>
/// <param name="Site">Distinguishes the random numbers of a graph's nodes.</param>
public sealed record QuantizeActivation(int Group, float Decay, int Site) : Op
{
    /// <summary>Steps between the least and the greatest code.</summary>
    public const int Steps = 255;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        if (Group <= 0 || inputs[0].Shape[^1] % Group != 0) throw Refuse($"groups of {Group} channels do not divide the width", inputs);
        if (Decay is not (>= 0 and < 1)) throw Refuse($"the decay {Decay} is not in [0, 1)", inputs);
        Shape groups = new(2, inputs[0].Shape[^1] / Group);
        RequireFloats(inputs, 1, groups);
        RequireType(inputs, 2, DType.I64);
        RequireShape(inputs, 2, new Shape(2));
        return [new TensorType(inputs[0].Shape, DType.U8), new TensorType(groups, DType.F32)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<int> AssignedInputs(Node node) => [1];
}

/// <summary>Turns the codes of <see cref="QuantizeActivation"/> back into numbers: least value + code · step.</summary>
/// <param name="Group">Channels of a group.</param>
public sealed record DequantizeActivation(int Group) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.U8);
        RequireRank(inputs, 0, 1);
        if (Group <= 0 || inputs[0].Shape[^1] % Group != 0) throw Refuse($"groups of {Group} channels do not divide the width", inputs);
        RequireFloats(inputs, 1, new Shape(2, inputs[0].Shape[^1] / Group));
        return [new TensorType(inputs[0].Shape, DType.F32)];
    }
}
