using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds what finds and makes bases of subspaces.</summary>
internal static unsafe class SubspaceBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<Orthonormalize>(
            static (in KernelCall call) => HouseholderKernel.Orthonormalize(
                call.Pool, call.Floats(0), call.OutputFloats(0), (nint)call.Shape(0)[0], (nint)call.Shape(0)[1], call.Workspace),
            static (node, threads) => HouseholderKernel.WorkspaceBytes((nint)node.Inputs[0].Shape[0], (nint)node.Inputs[0].Shape[1], threads));
        table.Add<CosineColumns>(RunCosineColumns, static (node, _) => CosineKernel.WorkspaceBytes((nint)((CosineColumns)node.Op).Size));
        table.Add<SelectLargest>(
            static (in KernelCall call) => SelectionKernel.Largest(
                call.Floats(0), (nint)call.Shape(0)[0], call.OutputFloats(0), (nint)((SelectLargest)call.Node.Op).Count, call.Workspace),
            static (node, _) => SelectionKernel.WorkspaceBytes((nint)node.Inputs[0].Shape[0]));
        table.Add<AssignRow>(static (in KernelCall call) => StorageKernel.Copy(
            call.Pool, call.Floats(1), call.Floats(0) + (Number(call, 2, call.Shape(0)[0]) * (nint)call.Shape(0)[1]), (nint)call.Shape(0)[1]));
        table.Add<Reshape>(static (in KernelCall call) => call.BeginSum(0, 0));
        table.Add<InverseColumn>(
            static (in KernelCall call) => CholeskyKernel.InverseColumn(
                call.Floats(0), call.OutputFloats(0), (nint)call.Shape(0)[0], ((InverseColumn)call.Node.Op).Regularization, Number(call, 1, call.Shape(0)[0]), call.Workspace),
            static (node, _) => CholeskyKernel.WorkspaceBytes((nint)node.Inputs[0].Shape[0]));
    }

    // A whole number that a scalar holds, within a ring.
    private static nint Number(in KernelCall call, int input, long size) => (nint)((((long)*call.Floats(input) % size) + size) % size);

    private static void RunCosineColumns(in KernelCall call)
    {
        Shape basis = call.Node.Output.Shape;
        float* numbers = call.Node.Inputs.Count == 0 ? null : call.Floats(0);
        CosineKernel.Columns(call.Pool, numbers, call.OutputFloats(0), (nint)basis[0], (nint)basis[1], call.Workspace);
    }
}
