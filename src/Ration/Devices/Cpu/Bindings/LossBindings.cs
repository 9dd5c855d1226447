using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds the linear cross-entropy.</summary>
internal static unsafe class LossBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<LinearCrossEntropy>(RunForward, WorkspaceBytes);
        table.Add<LinearCrossEntropyGradient>(RunBackward, WorkspaceBytes);
    }

    private static void RunForward(in KernelCall call)
    {
        LinearCrossEntropyArguments arguments = Arguments(call, (LinearCrossEntropy)call.Node.Op);
        LinearCrossEntropyKernel.Forward(call.Pool, arguments, call.OutputFloats(0), call.OutputFloats(1), call.Workspace);
    }

    private static void RunBackward(in KernelCall call)
    {
        var op = (LinearCrossEntropyGradient)call.Node.Op;
        int weightOutput = op.NeedsHidden ? 1 : 0;
        if (op.AccumulateWeight) call.BeginSum(weightOutput, 5);
        LinearCrossEntropyKernel.Backward(
            call.Pool, Arguments(call, op.Forward), call.Floats(4), op.NeedsHidden ? call.OutputFloats(0) : null,
            op.NeedsWeight ? call.OutputFloats(weightOutput) : null, op.AccumulateWeight, call.Workspace);
    }

    private static LinearCrossEntropyArguments Arguments(in KernelCall call, LinearCrossEntropy op) => new()
    {
        Hidden = call.Floats(0),
        Weight = call.Input(1),
        WeightType = call.Type(1),
        Targets = call.Integers(2),
        Tokens = (nint)call.Shape(0).Rows,
        Vocabulary = (nint)call.Shape(1)[0],
        Width = (nint)call.Shape(1)[1],
        Scale = *call.Floats(3),
        LabelSmoothing = op.LabelSmoothing,
        ZLoss = op.ZLoss,
        FilterThreshold = op.FilterThreshold,
        SoftCap = op.SoftCap,
    };

    private static long WorkspaceBytes(Node node, int threads) => LinearCrossEntropyKernel.WorkspaceBytes(
        (nint)node.Inputs[0].Shape.Rows, (nint)node.Inputs[1].Shape[0], (nint)node.Inputs[1].Shape[1], threads, node.Inputs[1].DType);
}
