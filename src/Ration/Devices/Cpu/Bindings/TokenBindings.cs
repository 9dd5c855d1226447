using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds what works token by token: embedding and rotary embedding.</summary>
internal static unsafe class TokenBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<Embedding>(RunEmbedding);
        table.Add<EmbeddingGradient>(RunEmbeddingGradient);
        table.Add<RotaryEmbedding>(RunRotary, static (node, _) => ((RotaryEmbedding)node.Op).Frequencies.Count * sizeof(float));
    }

    private static void RunEmbedding(in KernelCall call) => EmbeddingKernel.Gather(
        call.Pool, MatrixBindings.Operand(call, 0, transposed: false), call.Integers(1), call.OutputFloats(0), (nint)call.Shape(1).Elements, (nint)call.Shape(0)[0]);

    private static void RunEmbeddingGradient(in KernelCall call)
    {
        var op = (EmbeddingGradient)call.Node.Op;
        if (op.Accumulate) call.BeginSum(0, 2);
        EmbeddingKernel.ScatterAdd(
            call.Pool, call.Floats(0), call.Integers(1), call.OutputFloats(0), (nint)call.Shape(1).Elements, (nint)call.Shape(0)[^1], (nint)op.Vocabulary, op.Accumulate);
    }

    private static void RunRotary(in KernelCall call)
    {
        var op = (RotaryEmbedding)call.Node.Op;
        var frequencies = (float*)call.Workspace;
        nint head = op.HeadDimension, tokens = (nint)call.Shape(0).Rows;
        op.Frequencies.Radians.CopyTo(new Span<float>(frequencies, op.Frequencies.Count));
        RotaryEmbeddingKernel.Apply(
            call.Pool, call.Floats(0), call.OutputFloats(0), call.Integers(1), tokens, (nint)call.Shape(0)[^1] / head, head, 2 * op.Frequencies.Count,
            frequencies, op.Frequencies.Factor, op.Pairing, op.Inverse);
    }
}
