using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds the nonlinearities of MLPs, and dropout.</summary>
internal static unsafe class ActivationBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<Activation>(RunActivation);
        table.Add<ActivationGradient>(RunActivationGradient);
        table.Add<GatedActivation>(RunGated);
        table.Add<GatedActivationGradient>(RunGatedGradient);
        table.Add<Dropout>(RunDropout);
    }

    private static void RunDropout(in KernelCall call)
    {
        var op = (Dropout)call.Node.Op;
        var key = (ulong*)call.Input(1);
        nint rows = (nint)Dropout.Rows(call.Shape(0)), elements = rows == 0 ? 0 : Elements(call) / rows;
        DropoutKernel.Apply(call.Pool, call.Floats(0), call.OutputFloats(0), rows, elements, op.Probability, key[0], key[1], op.Site);
    }

    private static void RunActivation(in KernelCall call)
    {
        switch (((Activation)call.Node.Op).Function)
        {
            case ActivationFunction.Silu: Forward<Silu>(call); break;
            case ActivationFunction.Gelu: Forward<Kernels.Gelu>(call); break;
            default: Forward<Kernels.GeluTanh>(call); break;
        }
    }

    private static void RunActivationGradient(in KernelCall call)
    {
        switch (((ActivationGradient)call.Node.Op).Function)
        {
            case ActivationFunction.Silu: Backward<Silu>(call); break;
            case ActivationFunction.Gelu: Backward<Kernels.Gelu>(call); break;
            default: Backward<Kernels.GeluTanh>(call); break;
        }
    }

    private static void RunGated(in KernelCall call)
    {
        switch (((GatedActivation)call.Node.Op).Function)
        {
            case ActivationFunction.Silu: GatedForward<Silu>(call); break;
            case ActivationFunction.Gelu: GatedForward<Kernels.Gelu>(call); break;
            default: GatedForward<Kernels.GeluTanh>(call); break;
        }
    }

    private static void RunGatedGradient(in KernelCall call)
    {
        switch (((GatedActivationGradient)call.Node.Op).Function)
        {
            case ActivationFunction.Silu: GatedBackward<Silu>(call); break;
            case ActivationFunction.Gelu: GatedBackward<Kernels.Gelu>(call); break;
            default: GatedBackward<Kernels.GeluTanh>(call); break;
        }
    }

    private static void Forward<T>(in KernelCall call)
        where T : struct, IActivation => ActivationKernel.Forward<T>(call.Pool, call.Floats(0), call.OutputFloats(0), Elements(call));

    private static void Backward<T>(in KernelCall call)
        where T : struct, IActivation => ActivationKernel.Backward<T>(call.Pool, call.Floats(0), call.Floats(1), call.OutputFloats(0), Elements(call));

    private static void GatedForward<T>(in KernelCall call)
        where T : struct, IActivation => GatedActivationKernel.Forward<T>(call.Pool, call.Floats(0), call.Floats(1), call.OutputFloats(0), Elements(call));

    private static void GatedBackward<T>(in KernelCall call)
        where T : struct, IActivation => GatedActivationKernel.Backward<T>(
            call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.OutputFloats(0), call.OutputFloats(1), Elements(call));

    private static nint Elements(in KernelCall call) => (nint)call.Shape(0).Elements;
}
