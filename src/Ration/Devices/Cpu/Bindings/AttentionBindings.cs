using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds attention.</summary>
internal static unsafe class AttentionBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<Attention>(RunForward, static (node, threads) => AttentionKernel.ForwardWorkspaceBytes(ShapeOf((Attention)node.Op, node.Inputs[0], node.Inputs[1]), threads));
        table.Add<AttentionGradient>(RunBackward, static (node, threads) =>
            AttentionKernel.BackwardWorkspaceBytes(ShapeOf(((AttentionGradient)node.Op).Forward, node.Inputs[1], node.Inputs[2]), threads));
    }

    private static void RunForward(in KernelCall call) => AttentionKernel.Forward(
        call.Pool, call.Floats(0), call.Input(1), call.Input(2), call.Integers(3), call.OutputFloats(0), call.OutputFloats(1),
        ShapeOf((Attention)call.Node.Op, call.Node.Inputs[0], call.Node.Inputs[1]), call.Workspace);

    private static void RunBackward(in KernelCall call) => AttentionKernel.Backward(
        call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.Floats(3), call.Floats(5), call.Floats(6), call.Integers(4),
        call.OutputFloats(0), call.OutputFloats(1), call.OutputFloats(2),
        ShapeOf(((AttentionGradient)call.Node.Op).Forward, call.Node.Inputs[1], call.Node.Inputs[2]), call.Workspace);

    private static AttentionShape ShapeOf(Attention op, Value q, Value k)
    {
        Shape queries = q.Shape;
        return new AttentionShape
        {
            Rows = (nint)queries[0],
            Queries = (nint)queries[1],
            Keys = (nint)k.Shape[1],
            Heads = op.Heads,
            KvHeads = op.KvHeads,
            HeadDimension = (nint)queries[2] / op.Heads,
            KeyType = k.DType,
            Ring = op.Ring,
            Scale = op.Scale,
            Window = op.Window,
            SoftCap = op.SoftCap,
        };
    }
}
