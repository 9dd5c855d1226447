using Ration.Graphs.Elementwise;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Runs the arithmetic of a formula over a chunk: whole tiles with all steps together, functions of many machine instructions and what is less
/// than a tile with each step as a loop of its own.
/// </summary>
internal static unsafe class FormulaLoops
{
    /// <summary>Runs steps over a chunk.</summary>
    /// <param name="steps">The first step.</param>
    /// <param name="tiles">What is done in tiles, of all steps; operands are those of the chunk's first element.</param>
    /// <param name="length">How many steps.</param>
    /// <param name="start">The first element of the chunk.</param>
    /// <param name="count">Elements of the chunk.</param>
    public static void Run(FormulaStep* steps, TileStep* tiles, int length, nint start, nint count)
    {
        nint first = 0;
        if (FormulaTiles.Elements > 0 && steps->TileSteps > 0)
        {
            first = count - (count % FormulaTiles.Elements);
            FormulaTiles.Run(tiles + steps->FirstTileStep, steps->TileSteps, first);
        }

        if (first == count) return;
        for (FormulaStep* step = steps; step < steps + length; step++) Run(*step, start, first, count - first);
    }

    private static void Run(in FormulaStep step, nint start, nint first, nint count)
    {
        ElementwiseInstruction i = step.Instruction;
        float* a = step.A.At(start, first), b = step.B.At(start, first), target = step.Target.At(start, first);
        if (i.Action == ElementwiseAction.Unary) Unary(i.Unary, a, target, count);
        else if (i.AIsScalar) ScalarBinary(i.Binary, *a, b, target, count);
        else if (i.BIsScalar) BinaryScalar(i.Binary, a, *b, target, count);
        else Binary(i.Binary, a, b, target, count);
    }

    /// <summary>y = f(x).</summary>
    public static void Unary(UnaryFunction function, float* x, float* y, nint count)
    {
        switch (function)
        {
            case UnaryFunction.Negate: ElementwiseLoops.Unary<Negate>(x, y, count); break;
            case UnaryFunction.Absolute: ElementwiseLoops.Unary<Absolute>(x, y, count); break;
            case UnaryFunction.Sign: ElementwiseLoops.Unary<Sign>(x, y, count); break;
            case UnaryFunction.SquareRoot: ElementwiseLoops.Unary<SquareRoot>(x, y, count); break;
            case UnaryFunction.Reciprocal: ElementwiseLoops.Unary<Reciprocal>(x, y, count); break;
            case UnaryFunction.Exp: ElementwiseLoops.Unary<Exponential>(x, y, count); break;
            case UnaryFunction.Log: ElementwiseLoops.Unary<Logarithm>(x, y, count); break;
            case UnaryFunction.Sigmoid: ElementwiseLoops.Unary<Sigmoid>(x, y, count); break;
            case UnaryFunction.Tanh: ElementwiseLoops.Unary<HyperbolicTangent>(x, y, count); break;
            default: throw new NotSupportedException($"no elementwise {function}");
        }
    }

    /// <summary>y = f(a, b).</summary>
    public static void Binary(BinaryFunction function, float* a, float* b, float* y, nint count)
    {
        switch (function)
        {
            case BinaryFunction.Add: ElementwiseLoops.Binary<Add>(a, b, y, count); break;
            case BinaryFunction.Subtract: ElementwiseLoops.Binary<Subtract>(a, b, y, count); break;
            case BinaryFunction.Multiply: ElementwiseLoops.Binary<Multiply>(a, b, y, count); break;
            case BinaryFunction.Divide: ElementwiseLoops.Binary<Divide>(a, b, y, count); break;
            case BinaryFunction.Minimum: ElementwiseLoops.Binary<Minimum>(a, b, y, count); break;
            case BinaryFunction.Maximum: ElementwiseLoops.Binary<Maximum>(a, b, y, count); break;
            default: throw new NotSupportedException($"no elementwise {function}");
        }
    }

    private static void BinaryScalar(BinaryFunction function, float* a, float b, float* y, nint count)
    {
        switch (function)
        {
            case BinaryFunction.Add: ElementwiseLoops.BinaryScalar<Add>(a, b, y, count); break;
            case BinaryFunction.Subtract: ElementwiseLoops.BinaryScalar<Subtract>(a, b, y, count); break;
            case BinaryFunction.Multiply: ElementwiseLoops.BinaryScalar<Multiply>(a, b, y, count); break;
            case BinaryFunction.Divide: ElementwiseLoops.BinaryScalar<Divide>(a, b, y, count); break;
            case BinaryFunction.Minimum: ElementwiseLoops.BinaryScalar<Minimum>(a, b, y, count); break;
            case BinaryFunction.Maximum: ElementwiseLoops.BinaryScalar<Maximum>(a, b, y, count); break;
            default: throw new NotSupportedException($"no elementwise {function}");
        }
    }

    private static void ScalarBinary(BinaryFunction function, float a, float* b, float* y, nint count)
    {
        switch (function)
        {
            case BinaryFunction.Subtract: ElementwiseLoops.ScalarBinary<Subtract>(a, b, y, count); break;
            case BinaryFunction.Divide: ElementwiseLoops.ScalarBinary<Divide>(a, b, y, count); break;
            case BinaryFunction.Minimum: ElementwiseLoops.ScalarBinary<Minimum>(a, b, y, count); break;
            case BinaryFunction.Maximum: ElementwiseLoops.ScalarBinary<Maximum>(a, b, y, count); break;
            default: BinaryScalar(function, b, a, y, count); break;
        }
    }
}
