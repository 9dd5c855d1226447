using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Chooses some rows of x, such that xᵀ·dy can be estimated from them and the same rows of dy without bias (Liu et al. 2023, "Winner-Take-All
/// Column Row Sampling for Memory Efficient Adaptation of Language Model", equation 6 and theorem 2). A row's probability is its length in parts
/// of all. The most probable rows are taken for certain, as many as make the variance least, and the others are drawn with replacement and
/// weighted by the inverse of their probability. Inputs x [.., width] and the random key of <see cref="Dropout"/>. Outputs the rows [chosen, width],
/// their numbers (I32 [chosen]) and weights [chosen].
/// </summary>
/// <param name="Chosen">How many rows are chosen; at least 1, at most all.</param>
/// <param name="Site">Distinguishes the random numbers of a graph's nodes.</param>
public sealed record WinnerTakeAllRows(int Chosen, int Site) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 2, 2);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 2);
        RequireType(inputs, 1, DType.I64);
        RequireShape(inputs, 1, new Shape(2));
        if (Chosen < 1 || Chosen > inputs[0].Shape.Rows) throw Refuse($"{Chosen} rows cannot be chosen", inputs);
        return [new TensorType(new Shape(Chosen, inputs[0].Shape[^1]), DType.F32), new TensorType(new Shape(Chosen), DType.I32), new TensorType(new Shape(Chosen), DType.F32)];
    }
}

/// <summary>Rows of x [.., width] by their numbers (I32 [chosen]), each times its weight [chosen]: [chosen, width]. Numbers must be those of rows.</summary>
public sealed record GatherRows : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 3);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 2);
        RequireType(inputs, 1, DType.I32);
        RequireRank(inputs, 1, 1);
        RequireFloats(inputs, 2, inputs[1].Shape);
        return [new TensorType(new Shape(inputs[1].Shape.Elements, inputs[0].Shape[^1]), DType.F32)];
    }
}
