using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds mixtures of experts.</summary>
internal static unsafe class RoutingBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<RouteTokens>(RunRoute, static (node, _) => RoutingKernel.WorkspaceBytes((nint)node.Inputs[0].Shape.Rows, ((RouteTokens)node.Op).ExpertsPerToken));
        table.Add<RouteTokensGradient>(RunRouteGradient);
        table.Add<CopyToExperts>(static (in KernelCall call) => ExpertRowsKernel.Copy(
            call.Pool, call.Floats(0), call.Integers(1), call.OutputFloats(0), (nint)call.Shape(0).Rows, (int)call.Shape(1)[^1], (nint)call.Shape(0)[^1]));
        table.Add<SumFromExperts>(static (in KernelCall call) => ExpertRowsKernel.Sum(
            call.Pool, call.Floats(0), call.Integers(1), call.OutputFloats(0), (nint)call.Shape(1).Rows, (int)call.Shape(1)[^1], (nint)call.Shape(0)[^1]));
        table.Add<ScaleRows>(static (in KernelCall call) => ScaleRowsKernel.Forward(
            call.Pool, call.Floats(0), call.Floats(1), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1]));
        table.Add<ScaleRowsGradient>(static (in KernelCall call) => ScaleRowsKernel.Backward(
            call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.OutputFloats(0), call.OutputFloats(1), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1]));
        table.Add<ExpertMatMul>(RunProduct, static (node, threads) => ExpertProduct.MultiplyBytes(
            (nint)node.Inputs[0].Shape[0], Stack(null, node.Inputs[1]), ((ExpertMatMul)node.Op).TransposeWeights, threads));
        table.Add<ExpertWeightGradient>(RunWeightGradient, static (node, threads) => ExpertProduct.WeightGradientBytes(
            (nint)node.Inputs[0].Shape[0], (nint)node.Output.Shape[1], (nint)node.Output.Shape[2], threads));
    }

    private static void RunRoute(in KernelCall call)
    {
        var op = (RouteTokens)call.Node.Op;
        RoutingKernel.Forward(
            call.Pool, call.Floats(0), call.OutputFloats(0), (int*)call.Output(1), (int*)call.Output(2), (int*)call.Output(3),
            (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1], op.ExpertsPerToken, op.Normalize, call.Workspace);
    }

    private static void RunRouteGradient(in KernelCall call)
    {
        RouteTokens op = ((RouteTokensGradient)call.Node.Op).Forward;
        RoutingKernel.Backward(
            call.Pool, call.Floats(0), call.Floats(1), call.Integers(2), call.Integers(3), call.OutputFloats(0),
            (nint)call.Shape(1).Rows, (nint)call.Shape(1)[^1], op.ExpertsPerToken, op.Normalize);
    }

    private static void RunProduct(in KernelCall call)
    {
        var op = (ExpertMatMul)call.Node.Op;
        if (op.Accumulate) call.BeginSum(0, 3);
        ExpertProduct.Multiply(call.Pool, call.Floats(0), Stack(call.Input(1), call.Node.Inputs[1]), call.Integers(2), call.OutputFloats(0), op.TransposeWeights, op.Accumulate, call.Workspace);
    }

    private static ExpertStack Stack(byte* data, Value value) => new(data, value.DType, value.Layout, value.Shape);

    private static void RunWeightGradient(in KernelCall call)
    {
        bool accumulate = ((ExpertWeightGradient)call.Node.Op).Accumulate;
        if (accumulate) call.BeginSum(0, 3);
        Shape stack = call.Node.Output.Shape;
        ExpertProduct.WeightGradient(
            call.Pool, call.Floats(0), call.Floats(1), call.Integers(2), call.OutputFloats(0), (nint)stack[0], (nint)stack[1], (nint)stack[2], accumulate, call.Workspace);
    }
}
