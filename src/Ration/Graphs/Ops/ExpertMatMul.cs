using Ration.Memory;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Graphs.Ops;

/// <summary>
/// Products of arranged rows with the matrix of their expert, as <see cref="RouteTokens"/> arranges them: rows a [m, k], stacked matrices
/// w [experts, ..], the first row of each expert (I32 [experts + 1]) → [m, n]. With <paramref name="Accumulate"/> there is a fourth
/// input of the output's shape, to which the products are added. Matrices may be stored in any type of real numbers.
/// </summary>
/// <param name="TransposeWeights">A matrix is stored [n, k], as model files keep weights, else [k, n].</param>
/// <param name="Accumulate">A fourth input is added.</param>
public sealed record ExpertMatMul(bool TransposeWeights, bool Accumulate = false) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, Accumulate ? 4 : 3, Accumulate ? 4 : 3);
        Shape a = inputs[0].Shape, w = inputs[1].Shape;
        if (a.Rank != 2 || w.Rank != 3) throw Refuse("takes a matrix of rows and a stack of matrices", inputs);
        RequireType(inputs, 0, DType.F32);
        if (!inputs[1].DType.IsReal() || inputs[1].DType.IsPlanar()) throw Refuse("takes matrices of real numbers that can be told apart", inputs);
        if (inputs[1].Layout != StorageLayout.Rows && (!TransposeWeights || w[1] % TiledRows.Rows != 0))
            throw Refuse($"tiles can only be of transposed matrices of a multiple of {TiledRows.Rows} rows", inputs);
        if (a[1] != w[TransposeWeights ? 2 : 1]) throw Refuse($"inner sizes differ, {a[1]} and {w[TransposeWeights ? 2 : 1]}", inputs);
        RequireType(inputs, 2, DType.I32);
        RequireShape(inputs, 2, new Shape(w[0] + 1));
        Shape y = new(a[0], w[TransposeWeights ? 1 : 2]);
        if (Accumulate) RequireFloats(inputs, 3, y);
        return [new TensorType(y, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value dy = gradients.Of(node.Output)!, a = node.Inputs[0], w = node.Inputs[1], starts = node.Inputs[2];
        GraphBuilder builder = gradients.Builder;
        if (Accumulate) gradients.Add(node.Inputs[3], dy);
        gradients.Accumulate(a, sum => builder.Emit(
            new ExpertMatMul(!TransposeWeights, sum is not null), "d." + a.Name, Gradients.KindFor(a), sum is null ? [dy, w, starts] : [dy, w, starts, sum])[0]);
        (Value rows, Value columns) = TransposeWeights ? (dy, a) : (a, dy);
        gradients.Accumulate(w, sum => builder.Emit(
            new ExpertWeightGradient(sum is not null), "d." + w.Name, Gradients.KindFor(w), sum is null ? [rows, columns, starts] : [rows, columns, starts, sum])[0]);
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node)
    {
        Shape a = node.Inputs[0].Shape, w = node.Inputs[1].Shape;
        double asleep = Math.Max(0, 1 - ((double)a[0] / w[0])) * node.Inputs[1].Bytes;
        return new(2.0 * a[0] * w[1] * w[2], base.Cost(node).Bytes - asleep);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => Accumulate ? [new SharedBuffer(0, 3)] : [];

    /// <inheritdoc/>
    public override bool AcceptsTiles(int input) => input == 1 && TransposeWeights;
}

/// <summary>
/// Gradient of the stacked matrices of <see cref="ExpertMatMul"/>: Σ over an expert's rows of u ⊗ v, for u [m, p], v [m, q] and the first
/// row of each expert (I32 [experts + 1]) → [experts, p, q]; an optional fourth input is added.
/// </summary>
/// <param name="Accumulate">A fourth input is added.</param>
public sealed record ExpertWeightGradient(bool Accumulate) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, Accumulate ? 4 : 3, Accumulate ? 4 : 3);
        Shape u = inputs[0].Shape, v = inputs[1].Shape, starts = inputs[2].Shape;
        if (u.Rank != 2 || v.Rank != 2 || u[0] != v[0]) throw Refuse("takes two matrices of as many rows", inputs);
        RequireType(inputs, 0, DType.F32);
        RequireType(inputs, 1, DType.F32);
        RequireType(inputs, 2, DType.I32);
        if (starts.Rank != 1 || starts[0] < 2) throw Refuse("the first rows of experts are needed", inputs);
        Shape stack = new(starts[0] - 1, u[1], v[1]);
        if (Accumulate) RequireFloats(inputs, 3, stack);
        return [new TensorType(stack, DType.F32)];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => base.Cost(node) with { Flops = 2.0 * node.Inputs[0].Shape.Elements * node.Inputs[1].Shape[1] };

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => Accumulate ? [new SharedBuffer(0, 3)] : [];
}

/// <summary>Products with stacked matrices in a graph under construction.</summary>
public static class ExpertMatMulBuilding
{
    /// <summary>Arranged rows times the transposed matrix of their expert; weights are [experts, output, input].</summary>
    public static Value ExpertLinear(this GraphBuilder builder, Value rows, Value weights, Value starts, string name) =>
        builder.Emit(new ExpertMatMul(true), name, MemoryKind.Activations, rows, weights, starts)[0];
}
