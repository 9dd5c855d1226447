using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds normalization.</summary>
internal static unsafe class NormBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<RmsNorm>(RunRmsNorm);
        table.Add<RmsNormGradient>(RunRmsNormGradient, static (node, _) => RmsNormKernel.GainPartialsBytes(Rows(node, 1), Columns(node, 1)));
        table.Add<LayerNorm>(RunLayerNorm);
        table.Add<LayerNormGradient>(RunLayerNormGradient, static (node, _) => LayerNormKernel.PartialsBytes(Rows(node, 1), Columns(node, 1)));
    }

    private static void RunRmsNorm(in KernelCall call) => RmsNormKernel.Forward(
        call.Pool, call.Floats(0), call.Floats(1), call.OutputFloats(0), call.OutputFloats(1), Rows(call.Node, 0), Columns(call.Node, 0),
        ((RmsNorm)call.Node.Op).Epsilon);

    private static void RunRmsNormGradient(in KernelCall call)
    {
        var op = (RmsNormGradient)call.Node.Op;
        if (op.Accumulate) call.BeginSum(0, 4);
        if (op.AccumulateGain) call.BeginSum(1, op.GainSumInput);
        RmsNormKernel.Backward(
            call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.Floats(3), call.OutputFloats(0), op.Accumulate,
            op.NeedsGain ? call.OutputFloats(1) : null, op.AccumulateGain, Rows(call.Node, 1), Columns(call.Node, 1), call.Workspace);
    }

    private static void RunLayerNorm(in KernelCall call) => LayerNormKernel.Forward(
        call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.OutputFloats(0), call.OutputFloats(1), call.OutputFloats(2),
        Rows(call.Node, 0), Columns(call.Node, 0), ((LayerNorm)call.Node.Op).Epsilon);

    private static void RunLayerNormGradient(in KernelCall call) => LayerNormKernel.Backward(
        call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.Floats(3), call.Floats(4), call.OutputFloats(0), false,
        call.OutputFloats(1), false, call.OutputFloats(2), false, Rows(call.Node, 1), Columns(call.Node, 1), call.Workspace);

    private static nint Rows(Node node, int input) => (nint)node.Inputs[input].Shape.Rows;

    private static nint Columns(Node node, int input) => (nint)node.Inputs[input].Shape[^1];
}
