using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Formulas read from their trees, not from the compiled code.</summary>
internal static class ElementwiseReference
{
    /// <summary>All formulas see the old values; then assigned inputs change, rounded to what they can hold.</summary>
    public static double[][] Run(ElementwiseProgram program, Node node, double[][] x)
    {
        long count = ((FusedElementwise)node.Op).Common(node.Inputs).Elements;
        Shape shape = ((FusedElementwise)node.Op).Common(node.Inputs);
        int width = shape.Rank == 0 ? 1 : (int)shape[^1];
        double[][] results = [.. program.Formulas.Select(formula => Evaluate(formula, program, x, count, width))];
        List<double[]> outputs = [];
        for (int i = 0; i < results.Length; i++)
        {
            int assigned = program.Destinations[i].AssignedInput;
            if (assigned < 0) outputs.Add(results[i]);
            else ReferenceOps.Map(results[i], v => node.Inputs[assigned].DType == DType.F32 ? v : Storage.Round(v, node.Inputs[assigned].DType)).CopyTo(x[assigned], 0);
        }

        return [.. outputs];
    }

    private static double[] Evaluate(Expression formula, ElementwiseProgram program, double[][] x, long count, int width)
    {
        double[] y = new double[count];
        for (int i = 0; i < count; i++) y[i] = At(formula, i);
        return y;

        double At(Expression e, int i) => e switch
        {
            Load load when x[InputNumber(program, load)] is var values => load.Spread switch
            {
                Spread.Rows => values[i / width],
                Spread.Columns => values[i % width],
                _ => values.Length == 1 ? values[0] : values[i],
            },
            Constant constant => constant.Number,
            Unary unary => Of(unary.Function, At(unary.X, i)),
            Binary binary => Of(binary.Function, At(binary.A, i), At(binary.B, i)),
            _ => throw new NotSupportedException(e.GetType().Name),
        };
    }

    private static int InputNumber(ElementwiseProgram program, Load load)
    {
        for (int i = 0; i < program.Inputs.Count; i++)
        {
            if (program.Inputs[i].Id == load.Value.Id) return i;
        }

        throw new InvalidOperationException($"the program does not read {load.Value}");
    }

    private static double Of(UnaryFunction function, double x) => function switch
    {
        UnaryFunction.Negate => -x,
        UnaryFunction.Absolute => Math.Abs(x),
        UnaryFunction.Sign => Math.Sign(x),
        UnaryFunction.SquareRoot => Math.Sqrt(x),
        UnaryFunction.Reciprocal => 1 / x,
        UnaryFunction.Exp => Math.Exp(x),
        UnaryFunction.Log => Math.Log(x),
        UnaryFunction.Sigmoid => ActivationReference.Sigmoid(x),
        UnaryFunction.Tanh => Math.Tanh(x),
        _ => throw new ArgumentOutOfRangeException(nameof(function)),
    };

    private static double Of(BinaryFunction function, double a, double b) => function switch
    {
        BinaryFunction.Add => a + b,
        BinaryFunction.Subtract => a - b,
        BinaryFunction.Multiply => a * b,
        BinaryFunction.Divide => a / b,
        BinaryFunction.Minimum => Math.Min(a, b),
        BinaryFunction.Maximum => Math.Max(a, b),
        _ => throw new ArgumentOutOfRangeException(nameof(function)),
    };
}
