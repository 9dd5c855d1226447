using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds fused formulas, sums, fills and random numbers.</summary>
internal static unsafe class ElementwiseBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<FusedElementwise>(RunFused, static (node, threads) => FusedKernel.WorkspaceBytes(((FusedElementwise)node.Op).Program, threads));
        table.Add<Graphs.Ops.Add>(static (in KernelCall call) =>
            ElementwiseKernel.Binary<Kernels.Add>(call.Pool, call.Floats(0), call.Floats(1), call.OutputFloats(0), (nint)call.Shape(0).Elements));
        table.Add<AddBias>(static (in KernelCall call) => ReductionKernel.AddBias(
            call.Pool, call.Floats(0), call.Floats(1), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1]));
        table.Add<ColumnSum>(RunColumnSum, static (node, _) => ReductionKernel.ColumnSumBytes((nint)node.Inputs[0].Shape.Rows, (nint)node.Inputs[0].Shape[^1]));
        table.Add<RowSum>(static (in KernelCall call) => ReductionKernel.RowSum(
            call.Pool, call.Floats(0), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1], ((RowSum)call.Node.Op).Squares));
        table.Add<SumOfSquares>(
            static (in KernelCall call) => ReductionKernel.SumOfSquares(call.Pool, call.Input(0), call.Type(0), (nint)call.Shape(0).Elements, call.OutputFloats(0), call.Workspace),
            static (node, _) => ReductionKernel.WorkspaceBytes((nint)node.Inputs[0].Shape.Elements));
        table.Add<Sum>(
            static (in KernelCall call) => ReductionKernel.Sum(call.Pool, call.Floats(0), (nint)call.Shape(0).Elements, call.OutputFloats(0), call.Workspace),
            static (node, _) => ReductionKernel.WorkspaceBytes((nint)node.Inputs[0].Shape.Elements));
        table.Add<Cast>(static (in KernelCall call) => StorageKernel.Cast(
            call.Pool, call.Input(0), call.Type(0), call.Output(0), call.Node.Output.DType, (nint)call.Shape(0).Elements));
        table.Add<Fill>(static (in KernelCall call) => StorageKernel.Fill(
            call.Pool, call.Floats(0), ((Fill)call.Node.Op).Constant, (nint)call.Shape(0).Elements));
        table.Add<RandomMatrix>(RunRandomMatrix);
    }

    private static void RunRandomMatrix(in KernelCall call)
    {
        var op = (RandomMatrix)call.Node.Op;
        ulong epoch = (ulong)*call.Floats(0);
        RandomMatrixKernel.Fill(call.Pool, call.OutputFloats(0), (nint)(op.Rows * op.Columns), op.Deviation, op.Seed, op.Stream ^ epoch);
    }

    private static void RunFused(in KernelCall call)
    {
        ElementwiseProgram program = ((FusedElementwise)call.Node.Op).Program;
        IReadOnlyList<Value> values = call.Node.Inputs;
        int read = program.Inputs.Count;
        Span<nint> inputs = stackalloc nint[read];
        Span<DType> types = stackalloc DType[read];
        for (int i = 0; i < read; i++) (inputs[i], types[i]) = ((nint)call.Input(i), values[i].DType);
        int count = program.Destinations.Count, output = 0;
        Span<nint> destinations = stackalloc nint[count];
        Span<DType> destinationTypes = stackalloc DType[count];
        for (int i = 0; i < count; i++)
        {
            int assigned = program.Destinations[i].AssignedInput;
            (destinations[i], destinationTypes[i]) = assigned >= 0 ? (inputs[assigned], types[assigned]) : ((nint)call.Output(output++), DType.F32);
        }

        Shape shape = ((FusedElementwise)call.Node.Op).Common(values);
        RandomPlace random = default;
        if (program.StochasticDestination >= 0)
        {
            long* key = (long*)call.Input(read);
            random = RandomPlace.OfUpdate((ulong)key[0], (ulong)key[1], ((FusedElementwise)call.Node.Op).Site);
        }

        FusedKernel.Run(
            call.Pool, program, inputs, types, destinations, destinationTypes, (nint)shape.Elements, shape.Rank == 0 ? 1 : (nint)shape[^1], random, call.Workspace);
    }

    private static void RunColumnSum(in KernelCall call)
    {
        (bool accumulate, bool squares) = (ColumnSum)call.Node.Op;
        if (accumulate) call.BeginSum(0, 1);
        ReductionKernel.ColumnSum(
            call.Pool, call.Floats(0), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1], accumulate, squares, call.Workspace);
    }
}
