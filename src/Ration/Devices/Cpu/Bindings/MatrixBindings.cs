using Ration.Devices.Cpu.MatrixProduct;
using Ration.Devices.Cpu.MatrixProduct.Tiles;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds matrix products to the packed kernel, and what rounds their factors.</summary>
internal static unsafe class MatrixBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<MatMul>(Run, WorkspaceBytes);
        table.Add<QuantizeMatrix>(RunQuantize);
    }

    private static void Run(in KernelCall call)
    {
        var op = (MatMul)call.Node.Op;
        (long m, long n, long k) = op.Sizes(call.Node.Inputs);
        if (op.Accumulate) call.BeginSum(0, 2);
        MatrixOperand a = Operand(call, 0, op.TransposeA), b = Operand(call, 1, op.TransposeB);
        Gemm.Multiply(call.Pool, a, b, call.OutputFloats(0), (nint)n, (nint)m, (nint)n, (nint)k, op.Accumulate, call.Workspace);
    }

    private static void RunQuantize(in KernelCall call)
    {
        TileQuantization work = new()
        {
            Source = call.Input(0),
            Type = call.Type(0),
            Target = call.Output(0),
            Rows = (nint)call.Shape(0)[0],
            Columns = (nint)call.Shape(0)[1],
            Transpose = ((QuantizeMatrix)call.Node.Op).Transpose,
        };
        call.Pool.Run(ref work, work.Items);
    }

    /// <summary>A stored matrix among the inputs.</summary>
    public static MatrixOperand Operand(in KernelCall call, int input, bool transposed)
    {
        Shape shape = call.Shape(input);
        return new MatrixOperand(call.Input(input), call.Type(input), (nint)shape[^1], transposed, call.Node.Inputs[input].Layout, (nint)shape.Rows);
    }

    // A factor before it has memory.
    private static MatrixOperand Operand(Value value, bool transposed) =>
        new(null, value.DType, (nint)value.Shape[^1], transposed, value.Layout, (nint)value.Shape.Rows);

    private static long WorkspaceBytes(Node node, int threads)
    {
        var op = (MatMul)node.Op;
        (long m, long n, long k) = op.Sizes(node.Inputs);
        return Gemm.WorkspaceBytes(Operand(node.Inputs[0], op.TransposeA), Operand(node.Inputs[1], op.TransposeB), (nint)m, (nint)n, (nint)k, threads);
    }
}
