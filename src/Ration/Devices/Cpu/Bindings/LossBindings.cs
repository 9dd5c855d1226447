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
        table.Add<LinearCrossEntropy>(RunForward, static (node, threads) => WorkspaceBytes(node, threads, (LinearCrossEntropy)node.Op, false, SampleInput(node)));
        table.Add<LinearCrossEntropyGradient>(
            RunBackward, static (node, threads) => WorkspaceBytes(node, threads, ((LinearCrossEntropyGradient)node.Op).Forward, true, SampleInput(node)));
    }

    private static void RunForward(in KernelCall call)
    {
        var op = (LinearCrossEntropy)call.Node.Op;
        LinearCrossEntropyArguments arguments = Arguments(call, op);
        if (op.OrderVocabulary) arguments.AverageLogits = call.OutputFloats(2);
        if (op.KeepLogits) arguments.KeptLogits = call.OutputFloats(2);
        LinearCrossEntropyKernel.Forward(call.Pool, arguments, call.OutputFloats(0), call.OutputFloats(1), call.Workspace);
    }

    private static void RunBackward(in KernelCall call)
    {
        var op = (LinearCrossEntropyGradient)call.Node.Op;
        int weightOutput = op.NeedsHidden ? 1 : 0;
        if (op.AccumulateWeight) call.BeginSum(weightOutput, op.SumInput);
        LinearCrossEntropyArguments arguments = Arguments(call, op.Forward);
        if (op.Forward.OrderVocabulary) arguments.AverageLogits = call.Floats(op.ExtraInput);
        if (op.Forward.KeepLogits) arguments.KeptLogits = call.Floats(op.ExtraInput);
        LinearCrossEntropyKernel.Backward(
            call.Pool, arguments, call.Floats(4), op.NeedsHidden ? call.OutputFloats(0) : null,
            op.NeedsWeight ? call.OutputFloats(weightOutput) : null, op.AccumulateWeight, call.Workspace);
    }

    private static LinearCrossEntropyArguments Arguments(in KernelCall call, LinearCrossEntropy op)
    {
        int sample = SampleInput(call.Node);
        return new LinearCrossEntropyArguments
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
            ChunkTokens = op.ChunkTokens,
            Sample = sample < 0 ? null : call.Integers(sample),
            SampleRoom = sample < 0 ? 0 : (nint)call.Shape(sample)[0],
        };
    }

    private static long WorkspaceBytes(Node node, int threads, LinearCrossEntropy op, bool backward, int sample)
    {
        bool sorts = backward && op.OrderVocabulary;
        nint classes = (nint)node.Inputs[sample < 0 ? 1 : sample].Shape[0];
        LossBlocks blocks = new(
            (nint)node.Inputs[0].Shape.Rows, classes, (nint)node.Inputs[1].Shape[1], node.Inputs[1].DType, op.ChunkTokens, sample >= 0 || sorts, sorts);
        return blocks.Bytes(threads);
    }

    private static int SampleInput(Node node) => node.Op switch
    {
        LinearCrossEntropyGradient { Sampled: true } op => op.ExtraInput,
        LinearCrossEntropy when node.Inputs.Count == 5 => 4,
        _ => -1,
    };
}
