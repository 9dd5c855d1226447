using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>
/// Every op by its plain definition in double precision: one small method each, no tiles, no tricks. A tensor is its elements in
/// row-major order. Assigned inputs are changed in place; outputs are new.
/// </summary>
internal static class ReferenceOps
{
    /// <summary>Computes the outputs of a node from its inputs.</summary>
    public static double[][] Evaluate(Node node, double[][] x) => node.Op switch
    {
        MatMul op when node.Inputs[1].Layout == StorageLayout.Tiles => [MatrixReference.Product(node, op, [QuantizationReference.RoundRows(x[0]), .. x.Skip(1)])],
        MatMul op => [MatrixReference.Product(node, op, x)],
        Add => [Zip(x[0], x[1], static (a, b) => a + b)],
        AddBias => [MatrixReference.AddBias(x[0], x[1])],
        ColumnSum { Squares: true } => [MatrixReference.ColumnSum([Map(x[0], static v => v * v), .. x.Skip(1)], node.Output.Shape[0])],
        ColumnSum => [MatrixReference.ColumnSum(x, node.Output.Shape[0])],
        RowSum op => [[.. x[0].Chunk((int)node.Inputs[0].Shape[^1]).Select(row => row.Sum(v => op.Squares ? v * v : v))]],
        SumOfSquares => [[x[0].Sum(static v => v * v)]],
        Sum => [[x[0].Sum()]],
        Cast op => [op.Type == DType.F32 ? [.. x[0]] : Map(x[0], v => Storage.Round(v, op.Type))],
        RandomMatrix op => [TokenReference.RandomMatrix(op, (ulong)x[0][0])],
        Fill op => Assign(x[0], op.Constant),
        Activation op => [Map(x[0], v => ActivationReference.Of(op.Function, v))],
        ActivationGradient op => [Zip(x[0], x[1], (dy, v) => dy * ActivationReference.Slope(op.Function, v))],
        GatedActivation op => [Zip(x[0], x[1], (gate, up) => ActivationReference.Of(op.Function, gate) * up)],
        GatedActivationGradient op => ActivationReference.Gated(op.Function, x[0], x[1], x[2]),
        TwoBitActivation op => QuantizationReference.TwoBit(op, x[0], (int)node.Inputs[0].Shape[^1]),
        TwoBitActivationGradient op => [QuantizationReference.TwoBitGradient(op, x[0], x[1], (int)node.Inputs[0].Shape[^1])],
        QuantizeMatrix op => [QuantizationReference.RoundMatrix(op.Transpose ? MatrixReference.Transpose(x[0], (int)node.Inputs[0].Shape[1]) : x[0])],
        QuantizeActivation op => QuantizationReference.Quantize(op, node, x),
        DequantizeActivation op => [QuantizationReference.Dequantize(op, x[0], x[1])],
        ToFixedPoint or FromFixedPoint => [QuantizationReference.FixedPoint(node, x[0])],
        EmptySlots or StoreInSlot or LoadFromSlot or KeepLargest or PlaceLargest => SlotReference.Evaluate(node, x),
        WinnerTakeAllRows op => SamplingReference.Choose(op, x[0], x[1], (int)node.Inputs[0].Shape[^1]),
        GatherRows => [SamplingReference.Gather(x[0], x[1], x[2], (int)node.Inputs[0].Shape[^1])],
        GaussianProjection op => [SamplingReference.Projection(op, x[0])],
        TiledMlp op => [MlpReference.Forward(op, x, (int)node.Inputs[0].Shape[^1])],
        TiledMlpGradient op => MlpReference.Backward(op, x, (int)node.Inputs[1].Shape[^1]),
        RmsNorm or RmsNormGradient or LayerNorm or LayerNormGradient or NormalizeRows or ScaleColumns => NormReference.Evaluate(node.Op, x),
        Embedding => [TokenReference.Embedding(x[0], x[1], node.Output.Shape[^1])],
        EmbeddingGradient op => [TokenReference.EmbeddingGradient(op, x)],
        RotaryEmbedding op => [TokenReference.Rotate(op, x[0], x[1])],
        Dropout op => [TokenReference.Dropout(op, node.Inputs[0].Shape, x[0], x[1])],
        AppendToCache => [TokenReference.AppendToCache(node, x)],
        SelectToken => [TokenReference.SelectToken(node.Inputs[0].Shape, x[0], x[1])],
        Attention op => AttentionReference.Forward(op, node.Inputs, x[0], x[1], x[2], x[3]),
        AttentionGradient op => AttentionReference.Backward(op.Forward, node.Inputs, x),
        LinearCrossEntropy op => LossReference.Forward(op, x, node.Inputs[1].Shape),
        LinearCrossEntropyGradient op => LossReference.Backward(op, x, node.Inputs[1].Shape),
        RouteTokens op => RoutingReference.Route(op, x[0], (int)node.Inputs[0].Shape[^1]),
        RouteTokensGradient op => [RoutingReference.RouteGradient(op, x, (int)node.Inputs[1].Shape[^1])],
        CopyToExperts => [RoutingReference.Copy(x[0], x[1], (int)node.Inputs[1].Shape[^1], (int)node.Output.Shape[^1])],
        SumFromExperts => [RoutingReference.Sum(x[0], x[1], (int)node.Inputs[1].Shape[^1], (int)node.Output.Shape[^1])],
        ExpertMatMul op => [RoutingReference.Product(op, node, x)],
        ExpertWeightGradient op => [RoutingReference.WeightGradient(op, node, x)],
        ScaleRows => [RoutingReference.Scale(x[0], x[1])],
        ScaleRowsGradient => RoutingReference.ScaleGradient(x[0], x[1], x[2]),
        SelectColumns => [[.. x[0].Chunk((int)node.Inputs[0].Shape[^1]).SelectMany(row => x[1].Select(column => row[(int)column]))]],
        ReplaceColumns => [SubspaceReference.ReplaceColumns(x[0], x[1], x[2], (int)node.Inputs[0].Shape[^1])],
        Orthonormalize => [SubspaceReference.Orthonormalize(x[0], (int)node.Output.Shape[^1])],
        CosineColumns op => [SubspaceReference.CosineColumns((int)op.Size, x.Length == 0 ? null : x[0])],
        SelectLargest op => [SubspaceReference.SelectLargest(x[0], (int)op.Count)],
        AssignRow => SubspaceReference.AssignRow(x[0], x[1], (int)x[2][0]),
        Reshape => [[.. x[0]]],
        InverseColumn op => [SubspaceReference.InverseColumn(x[0], op.Regularization, (int)x[1][0])],
        FusedElementwise op => ElementwiseReference.Run(op.Program, node, x),
        _ => throw new NotSupportedException($"{node.Op.Name} has no definition in {nameof(ReferenceOps)}"),
    };

    /// <summary>f of each element.</summary>
    public static double[] Map(double[] x, Func<double, double> f) => [.. x.Select(f)];

    /// <summary>f of each pair of elements.</summary>
    public static double[] Zip(double[] a, double[] b, Func<double, double, double> f)
    {
        if (a.Length != b.Length) throw new ArgumentException($"lengths differ: {a.Length} and {b.Length}");
        return [.. a.Zip(b, f)];
    }

    private static double[][] Assign(double[] target, double constant)
    {
        Array.Fill(target, constant);
        return [];
    }
}
