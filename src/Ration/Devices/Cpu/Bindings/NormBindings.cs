using Ration.Devices.Cpu.Kernels;
using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds normalization.</summary>
internal static unsafe class NormBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<RmsNorm>(RunRmsNorm, static (node, _) => ((RmsNorm)node.Op).GainOffset == 0 ? 0 : node.Inputs[1].Bytes);
        table.Add<RmsNormGradient>(RunRmsNormGradient, static (node, _) =>
            RmsNormKernel.GainPartialsBytes(GainRows(node, 1, 2), Columns(node, 2)) + (((RmsNormGradient)node.Op).GainOffset == 0 ? 0 : node.Inputs[2].Bytes));
        table.Add<LayerNorm>(RunLayerNorm);
        table.Add<NormalizeRows>(RunNormalize);
        table.Add<ScaleColumns>(RunScale, static (node, _) => ((ScaleColumns)node.Op).GainOffset == 0 ? 0 : node.Inputs[1].Bytes);
        table.Add<LayerNormGradient>(RunLayerNormGradient, static (node, _) => LayerNormKernel.PartialsBytes(Rows(node, 1), Columns(node, 1)));
    }

    private static void RunRmsNorm(in KernelCall call)
    {
        var op = (RmsNorm)call.Node.Op;
        nint columns = Columns(call.Node, 1);
        float* gain = Gain(call.Floats(1), op.GainOffset, columns, (float*)call.Workspace);
        RmsNormKernel.Forward(
            call.Pool, call.Floats(0), gain, call.OutputFloats(0), call.OutputFloats(1), GainRows(call.Node, 0, 1), columns, op.Epsilon);
    }

    private static void RunRmsNormGradient(in KernelCall call)
    {
        var op = (RmsNormGradient)call.Node.Op;
        if (op.Accumulate) call.BeginSum(0, 4);
        if (op.AccumulateGain) call.BeginSum(1, op.GainSumInput);
        nint rows = GainRows(call.Node, 1, 2), columns = Columns(call.Node, 2);
        byte* partials = call.Workspace + (op.GainOffset == 0 ? 0 : call.Node.Inputs[2].Bytes);
        float* gain = Gain(call.Floats(2), op.GainOffset, columns, (float*)call.Workspace);
        if (op.FromOutput) Backward<UncentredOutput>(call);
        else Backward<Uncentred>(call);

        void Backward<TCentring>(in KernelCall call)
            where TCentring : struct, ICentring => RmsNormKernel.Backward<TCentring>(
                call.Pool, call.Floats(0), call.Floats(1), gain, call.Floats(3), call.OutputFloats(0), op.Accumulate,
                op.NeedsGain ? call.OutputFloats(1) : null, op.AccumulateGain, rows, columns, partials);
    }

    private static void RunNormalize(in KernelCall call)
    {
        var op = (NormalizeRows)call.Node.Op;
        nint columns = (nint)op.Width, rows = (nint)(call.Shape(0).Elements / op.Width);
        if (op.IsCentred) LayerNormKernel.Forward(call.Pool, call.Floats(0), null, null, call.OutputFloats(0), null, call.OutputFloats(1), rows, columns, op.Epsilon);
        else RmsNormKernel.Forward(call.Pool, call.Floats(0), null, call.OutputFloats(0), call.OutputFloats(1), rows, columns, op.Epsilon);
    }

    private static void RunScale(in KernelCall call)
    {
        nint columns = Columns(call.Node, 1);
        float* gain = Gain(call.Floats(1), ((ScaleColumns)call.Node.Op).GainOffset, columns, (float*)call.Workspace);
        ColumnScaleKernel.Run(
            call.Pool, call.Floats(0), gain, call.Node.Inputs.Count > 2 ? call.Floats(2) : null, call.OutputFloats(0), GainRows(call.Node, 0, 1), columns);
    }

    // The gain itself where nothing is to be added to it.
    private static float* Gain(float* gain, float offset, nint columns, float* shifted)
    {
        if (offset == 0) return gain;
        ElementwiseLoops.BinaryScalar<Kernels.Add>(gain, offset, shifted, columns);
        return shifted;
    }

    private static void RunLayerNorm(in KernelCall call) => LayerNormKernel.Forward(
        call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.OutputFloats(0), call.OutputFloats(1), call.OutputFloats(2),
        Rows(call.Node, 0), Columns(call.Node, 0), ((LayerNorm)call.Node.Op).Epsilon);

    private static void RunLayerNormGradient(in KernelCall call)
    {
        if (((LayerNormGradient)call.Node.Op).FromOutput)
            LayerNormKernel.Backward<CentredOutput>(
                call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), null, call.Floats(3), call.OutputFloats(0), false,
                call.OutputFloats(1), false, call.OutputFloats(2), false, Rows(call.Node, 1), Columns(call.Node, 1), call.Workspace);
        else
            LayerNormKernel.Backward<Centred>(
                call.Pool, call.Floats(0), call.Floats(1), call.Floats(2), call.Floats(3), call.Floats(4), call.OutputFloats(0), false,
                call.OutputFloats(1), false, call.OutputFloats(2), false, Rows(call.Node, 1), Columns(call.Node, 1), call.Workspace);
    }

    private static nint Rows(Node node, int input) => (nint)node.Inputs[input].Shape.Rows;

    // Rows as wide as a gain.
    private static nint GainRows(Node node, int input, int gain) => (nint)(node.Inputs[input].Shape.Elements / node.Inputs[gain].Shape[^1]);

    private static nint Columns(Node node, int input) => (nint)node.Inputs[input].Shape[^1];
}
