using Ration.Devices.Cpu.Kernels;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds MLPs over tiles of rows.</summary>
internal static unsafe class MlpBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<TiledMlp>(RunForward, static (node, threads) => WorkspaceBytes(node, (TiledMlp)node.Op, 0, threads));
        table.Add<TiledMlpGradient>(RunBackward, static (node, threads) => WorkspaceBytes(node, ((TiledMlpGradient)node.Op).Forward, 1, threads));
    }

    private static void RunForward(in KernelCall call)
    {
        var op = (TiledMlp)call.Node.Op;
        TiledMlpArguments mlp = Arguments(call, op, 0);
        switch (op.Function)
        {
            case ActivationFunction.Silu: TiledMlpKernel.Forward<Silu>(call.Pool, mlp, call.OutputFloats(0), call.Workspace); break;
            case ActivationFunction.Gelu: TiledMlpKernel.Forward<Kernels.Gelu>(call.Pool, mlp, call.OutputFloats(0), call.Workspace); break;
            default: TiledMlpKernel.Forward<Kernels.GeluTanh>(call.Pool, mlp, call.OutputFloats(0), call.Workspace); break;
        }
    }

    private static void RunBackward(in KernelCall call)
    {
        var op = (TiledMlpGradient)call.Node.Op;
        TiledMlpArguments mlp = Arguments(call, op.Forward, 1);
        TiledMlpGradients to = Gradients(call, op);
        switch (op.Forward.Function)
        {
            case ActivationFunction.Silu: TiledMlpKernel.Backward<Silu>(call.Pool, mlp, to, call.Workspace); break;
            case ActivationFunction.Gelu: TiledMlpKernel.Backward<Kernels.Gelu>(call.Pool, mlp, to, call.Workspace); break;
            default: TiledMlpKernel.Backward<Kernels.GeluTanh>(call.Pool, mlp, to, call.Workspace); break;
        }
    }

    // Inputs of the MLP begin at number `first`.
    private static TiledMlpArguments Arguments(in KernelCall call, TiledMlp op, int first)
    {
        int up = first + op.Matrices - 1, down = first + op.Matrices;
        return new TiledMlpArguments
        {
            X = call.Floats(first),
            Gate = op.IsGated ? MatrixBindings.Operand(call, first + 1, transposed: false) : default,
            Up = MatrixBindings.Operand(call, up, transposed: false),
            Down = MatrixBindings.Operand(call, down, transposed: false),
            GateBias = op is { IsGated: true, HasBiases: true } ? call.Floats(first + 1 + op.Matrices) : null,
            UpBias = op.HasBiases ? call.Floats(up + op.Matrices) : null,
            DownBias = op.HasBiases ? call.Floats(down + op.Matrices) : null,
            Rows = (nint)call.Shape(first).Rows,
            Width = (nint)call.Shape(first)[^1],
            Hidden = (nint)call.Shape(up)[0],
            Output = (nint)call.Shape(down)[0],
            Tiles = op.Tiles,
            IsGated = op.IsGated,
        };
    }

    private static TiledMlpGradients Gradients(in KernelCall call, TiledMlpGradient op)
    {
        for (int p = 0; p < op.Forward.Parameters; p++)
        {
            if (op.SumOf(p) >= 0) call.BeginSum(op.OutputOf(p), op.SumOf(p));
        }

        int up = op.Forward.Matrices - 2, down = op.Forward.Matrices - 1, bias = op.Forward.HasBiases ? op.Forward.Matrices : -1;
        bool hasGate = op.Forward.IsGated, hasBias = bias > 0;
        return new TiledMlpGradients
        {
            Dy = call.Floats(0),
            Dx = op.NeedsInput ? call.OutputFloats(0) : null,
            Gate = hasGate ? Gradient(call, op, 0) : null,
            Up = Gradient(call, op, up),
            Down = Gradient(call, op, down),
            GateBias = hasGate && hasBias ? Gradient(call, op, bias) : null,
            UpBias = hasBias ? Gradient(call, op, bias + up) : null,
            DownBias = hasBias ? Gradient(call, op, bias + down) : null,
            AddsGate = hasGate && op.SumOf(0) >= 0,
            AddsUp = op.SumOf(up) >= 0,
            AddsDown = op.SumOf(down) >= 0,
            AddsGateBias = hasGate && hasBias && op.SumOf(bias) >= 0,
            AddsUpBias = hasBias && op.SumOf(bias + up) >= 0,
            AddsDownBias = hasBias && op.SumOf(bias + down) >= 0,
        };
    }

    private static float* Gradient(in KernelCall call, TiledMlpGradient op, int parameter) => op.OutputOf(parameter) is var output && output >= 0 ? call.OutputFloats(output) : null;

    private static long WorkspaceBytes(Node node, TiledMlp op, int first, int threads)
    {
        Shape x = node.Inputs[first].Shape, up = node.Inputs[first + op.Matrices - 1].Shape, down = node.Inputs[first + op.Matrices].Shape;
        int blocks = 1;
        for (int i = 1; i <= op.Matrices; i++) blocks = int.Max(blocks, Gemm.BlockElements(DType.F32, node.Inputs[first + i].DType));
        return TiledMlpKernel.WorkspaceBytes((nint)x.Rows, (nint)x[^1], (nint)up[0], (nint)down[0], op.Tiles, op.IsGated, first > 0, threads, blocks);
    }
}
