using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Matrix product of a [.., k] and b, all leading dimensions of an operand taken as rows: y = op(a)·op(b), where op transposes its
/// matrix when asked. With <paramref name="Accumulate"/> there is a third input of the output's shape, to which the product is added.
/// Operands may be stored in any type of real numbers, the right one also in tiles; the result is F32.
/// </summary>
/// <param name="TransposeA">a is stored [k, m].</param>
/// <param name="TransposeB">b is stored [n, k], as model files keep weights: [output, input].</param>
/// <param name="Accumulate">A third input is added.</param>
public sealed record MatMul(bool TransposeA, bool TransposeB, bool Accumulate = false) : Op
{
    /// <summary>Rows of the result, its columns, and the length of the sums.</summary>
    public (long M, long N, long K) Sizes(IReadOnlyList<Value> inputs)
    {
        Shape a = inputs[0].Shape, b = inputs[1].Shape;
        return (TransposeA ? a[^1] : a.Rows, TransposeB ? b.Rows : b[^1], TransposeA ? a.Rows : a[^1]);
    }

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, Accumulate ? 3 : 2, Accumulate ? 3 : 2);
        RequireRank(inputs, 0, 2);
        RequireRank(inputs, 1, 2);
        if (!inputs[0].DType.IsReal() || !inputs[1].DType.IsReal()) throw Refuse("takes matrices of real numbers", inputs);
        (long m, long n, long k) = Sizes(inputs);
        long otherK = TransposeB ? inputs[1].Shape[^1] : inputs[1].Shape.Rows;
        if (k != otherK) throw Refuse($"inner sizes differ, {k} and {otherK}", inputs);
        Shape shape = TransposeA ? new Shape(m, n) : inputs[0].Shape.WithInnermost(n);
        if (Accumulate) RequireFloats(inputs, 2, shape);
        return [new TensorType(shape, DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        Value dy = gradients.Of(node.Output)!;
        Value a = node.Inputs[0], b = node.Inputs[1];
        GraphBuilder builder = gradients.Builder;
        if (Accumulate) gradients.Add(node.Inputs[2], dy);
        gradients.Accumulate(a, sum => TransposeA
            ? builder.MatMul(b, dy, TransposeB, true, sum, "d." + a.Name, Gradients.KindFor(a))
            : builder.MatMul(dy, b, false, !TransposeB, sum, "d." + a.Name, Gradients.KindFor(a)));
        gradients.Accumulate(b, sum => TransposeB
            ? builder.MatMul(dy, gradients.InputFor(b, a), true, TransposeA, sum, "d." + b.Name, Gradients.KindFor(b))
            : builder.MatMul(a, dy, !TransposeA, false, sum, "d." + b.Name, Gradients.KindFor(b)));
    }

    /// <inheritdoc/>
    public override string CostClass => $"{Name} {(TransposeA ? 'T' : 'N')}{(TransposeB ? 'T' : 'N')}";

    /// <inheritdoc/>
    public override OpCost Cost(Node node)
    {
        (long m, long n, long k) = Sizes(node.Inputs);
        return base.Cost(node) with { Flops = 2.0 * m * n * k };
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => Accumulate ? [new SharedBuffer(0, 2)] : [];

    /// <inheritdoc/>
    public override bool AcceptsTiles(int input) => input == 1 && TransposeB;
}

/// <summary>Matrix products of a graph under construction.</summary>
public static class MatMulBuilding
{
    /// <summary>op(a)·op(b), plus <paramref name="sum"/> where given.</summary>
    public static Value MatMul(
        this GraphBuilder builder, Value a, Value b, bool transposeA, bool transposeB, Value? sum = null, string name = "product",
        MemoryKind kind = MemoryKind.Activations) =>
        builder.Emit(new MatMul(transposeA, transposeB, sum is not null), name, kind, sum is null ? [a, b] : [a, b, sum])[0];

    /// <summary>x·weightᵀ for a weight stored [output, input]; x is [.., input], the result [.., output].</summary>
    public static Value Linear(this GraphBuilder builder, Value x, Value weight, string name) => builder.MatMul(x, weight, false, true, name: name);
}
