using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds what estimates products from some rows or from a random projection.</summary>
internal static unsafe class SamplingBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<WinnerTakeAllRows>(RunChoose, static (node, _) => WinnerTakeAllKernel.WorkspaceBytes((nint)node.Inputs[0].Shape.Rows));
        table.Add<GatherRows>(static (in KernelCall call) => WinnerTakeAllKernel.Gather(
            call.Pool, call.Floats(0), (nint)call.Shape(0)[^1], call.Integers(1), call.Floats(2), call.OutputFloats(0), (nint)call.Shape(1).Elements));
        table.Add<GaussianProjection>(RunProjection);
        table.Add<KeepLargest>(RunKeepLargest, static (node, threads) => LargestOfRowsKernel.WorkspaceBytes((nint)node.Inputs[0].Shape[^1], threads));
        table.Add<PlaceLargest>(RunPlaceLargest);
    }

    private static void RunChoose(in KernelCall call)
    {
        var op = (WinnerTakeAllRows)call.Node.Op;
        var key = (ulong*)call.Input(1);
        nint rows = (nint)call.Shape(0).Rows, width = (nint)call.Shape(0)[^1];
        CounterRandom random = new(key[0], SamplingStream(op.Site, key[1]));
        int* numbers = (int*)call.Output(1);
        WinnerTakeAllKernel.Choose(call.Pool, call.Floats(0), rows, width, numbers, call.OutputFloats(2), op.Chosen, random, call.Workspace);
        WinnerTakeAllKernel.Gather(call.Pool, call.Floats(0), width, numbers, null, call.OutputFloats(0), op.Chosen);
    }

    private static void RunKeepLargest(in KernelCall call) => LargestOfRowsKernel.Keep(
        call.Pool, call.Floats(0), call.Node.Inputs.Count > 1 ? call.Floats(1) : null, call.OutputFloats(0), (int*)call.Output(1),
        (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1], ((KeepLargest)call.Node.Op).Count, call.Workspace);

    private static void RunPlaceLargest(in KernelCall call) => LargestOfRowsKernel.Place(
        call.Pool, call.Floats(0), call.Integers(1), call.Node.Inputs.Count > 2 ? call.Floats(2) : null, call.OutputFloats(0),
        (nint)call.Node.Output.Shape.Rows, (nint)call.Node.Output.Shape[^1], (nint)call.Shape(0)[1]);

    private static void RunProjection(in KernelCall call)
    {
        var op = (GaussianProjection)call.Node.Op;
        var key = (ulong*)call.Input(0);
        float deviation = (float)Math.Sqrt(1.0 / op.Rank);
        RandomMatrixKernel.Fill(call.Pool, call.OutputFloats(0), (nint)(op.Width * op.Rank), deviation, key[0], SamplingStream(op.Site, key[1]));
    }

    // Clear of the streams of dropout and of rounding, which set the highest bit.
    private static ulong SamplingStream(int site, ulong firstRow) => (1UL << 62) | (((ulong)(uint)site << 38) ^ firstRow);
}
