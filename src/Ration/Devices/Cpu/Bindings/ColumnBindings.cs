using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds choices of columns.</summary>
internal static unsafe class ColumnBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<SelectColumns>(static (in KernelCall call) => ColumnKernel.Select(
            call.Pool, call.Floats(0), call.Floats(1), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1], (nint)call.Shape(1)[0]));
        table.Add<ReplaceColumns>(RunReplace);
    }

    private static void RunReplace(in KernelCall call)
    {
        call.BeginSum(0, 0);
        ColumnKernel.Replace(
            call.Pool, call.Floats(1), call.Floats(2), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1], (nint)call.Shape(2)[0]);
    }
}
