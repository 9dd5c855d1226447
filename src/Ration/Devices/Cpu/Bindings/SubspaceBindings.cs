using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
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
    }

    private static void RunCosineColumns(in KernelCall call)
    {
        Shape basis = call.Node.Output.Shape;
        float* numbers = call.Node.Inputs.Count == 0 ? null : call.Floats(0);
        CosineKernel.Columns(call.Pool, numbers, call.OutputFloats(0), (nint)basis[0], (nint)basis[1], call.Workspace);
    }
}
