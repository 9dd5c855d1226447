using System.Runtime.InteropServices;
using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds what lets activations wait for the backward pass in few bits.</summary>
internal static unsafe class SavedActivationBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<TwoBitActivation>(RunTwoBit);
        table.Add<TwoBitActivationGradient>(static (in KernelCall call) => TwoBitActivationKernel.Backward(
            call.Pool, call.Floats(0), call.Input(1), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1],
            TwoBitSlopes.Of(((TwoBitActivationGradient)call.Node.Op).Function)));
        table.Add<QuantizeActivation>(RunQuantize, static (node, _) => QuantizeWorkspace(node));
        table.Add<DequantizeActivation>(static (in KernelCall call) => ActivationQuantization.Dequantize(
            call.Pool, call.Input(0), call.Floats(1), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)call.Shape(1)[^1], ((DequantizeActivation)call.Node.Op).Group));
        table.Add<ToFixedPoint>(RunToFixedPoint);
        table.Add<FromFixedPoint>(RunFromFixedPoint);
        table.Add<EmptySlots>(RunEmpty);
        table.Add<StoreInSlot>(RunStore);
        table.Add<LoadFromSlot>(RunLoad);
    }

    private static void RunToFixedPoint(in KernelCall call)
    {
        var op = (ToFixedPoint)call.Node.Op;
        FixedPointKernel.Encode(call.Pool, call.Floats(0), call.Output(0), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1], op.Bits, op.Fraction);
    }

    private static void RunFromFixedPoint(in KernelCall call)
    {
        var op = (FromFixedPoint)call.Node.Op;
        FixedPointKernel.Decode(call.Pool, call.Input(0), call.OutputFloats(0), (nint)call.Shape(0).Rows, (nint)op.Width, op.Bits, op.Fraction);
    }

    private static void RunEmpty(in KernelCall call)
    {
        NativeMemory.Clear(call.Output(0), (nuint)((EmptySlots)call.Node.Op).Bytes);
        *(long*)call.Output(1) = 0;
    }

    private static void RunStore(in KernelCall call)
    {
        call.BeginSum(0, 0);
        long start = *(long*)call.Input(1), bytes = call.Node.Inputs[2].Bytes, room = call.Node.Inputs[0].Bytes - start;
        bool stores = false;
        for (int i = 3; i < call.Node.Inputs.Count; i++) stores |= *call.Floats(i) != 0;
        if (stores && bytes > room) throw new InvalidOperationException($"there is no slot left for {call.Node.Inputs[2]}: more layers are trained at once than the step was made for");
        *(long*)call.Output(1) = stores ? start + bytes : start;
        if (stores) NativeMemory.Copy(call.Input(2), call.Output(0) + start, (nuint)bytes);
    }

    private static void RunLoad(in KernelCall call)
    {
        long start = *(long*)call.Input(1), end = *(long*)call.Input(2);
        nuint bytes = (nuint)call.Node.Output.Bytes;
        if (start != end) NativeMemory.Copy(call.Input(0) + start, call.Output(0), bytes);
        else if (call.Node.Inputs.Count > 3) call.BeginSum(0, 3);
        else NativeMemory.Clear(call.Output(0), bytes);
    }

    private static void RunTwoBit(in KernelCall call)
    {
        switch (((TwoBitActivation)call.Node.Op).Function)
        {
            case ActivationFunction.Silu: Forward<Silu>(call); break;
            case ActivationFunction.Gelu: Forward<Kernels.Gelu>(call); break;
            default: Forward<Kernels.GeluTanh>(call); break;
        }
    }

    private static void Forward<T>(in KernelCall call)
        where T : struct, IActivation => TwoBitActivationKernel.Forward<T>(
            call.Pool, call.Floats(0), call.OutputFloats(0), call.Output(1), (nint)call.Shape(0).Rows, (nint)call.Shape(0)[^1],
            TwoBitSlopes.Of(((TwoBitActivation)call.Node.Op).Function));

    private static void RunQuantize(in KernelCall call)
    {
        var op = (QuantizeActivation)call.Node.Op;
        var key = (ulong*)call.Input(2);
        Shape shape = call.Shape(0);
        if (shape.Elements == 0) return;
        nint groups = (nint)call.Shape(1)[^1], draws = (nint)Dropout.Rows(shape);
        float* seen = (float*)call.Workspace;
        ActivationRanges.Find(call.Pool, call.Floats(0), (nint)shape.Rows, groups, op.Group, seen, call.Workspace + SeenBytes(groups));
        ActivationQuantization.Renew(seen, call.Floats(1), call.OutputFloats(1), groups, op.Decay);
        ActivationQuantization.Quantize(
            call.Pool, call.Floats(0), call.Output(0), call.OutputFloats(1), draws, (nint)shape.Elements / draws, groups, op.Group, key[0], key[1], op.Site);
    }

    private static long QuantizeWorkspace(Node node)
    {
        nint groups = (nint)node.Inputs[1].Shape[^1];
        return SeenBytes(groups) + ActivationRanges.WorkspaceBytes((nint)node.Inputs[0].Shape.Rows, groups);
    }

    private static long SeenBytes(nint groups) => 2L * groups * sizeof(float);
}
