using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds what finds and makes bases of subspaces.</summary>
internal static unsafe class SubspaceBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table) => table.Add<Orthonormalize>(
        static (in KernelCall call) => HouseholderKernel.Orthonormalize(
            call.Pool, call.Floats(0), call.OutputFloats(0), (nint)call.Shape(0)[0], (nint)call.Shape(0)[1], call.Workspace),
        static (node, threads) => HouseholderKernel.WorkspaceBytes((nint)node.Inputs[0].Shape[0], (nint)node.Inputs[0].Shape[1], threads));
}
