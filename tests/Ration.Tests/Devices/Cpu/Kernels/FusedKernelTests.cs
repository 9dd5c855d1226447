using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>Formulas that run together and assign what others still read, bit for bit as each element by itself.</summary>
[Trait("Category", "Kernel")]
public class FusedKernelTests
{
    private const int Tensors = 4;

    [Fact]
    public void Formulas_assigned_together_see_the_values_before_and_round_each_operation()
    {
        Random random = new(11);
        int[] counts = [.. Check.Counts];
        for (int trial = 0; trial < 120; trial++)
        {
            GraphBuilder builder = new();
            int count = counts[trial % counts.Length] + (trial % 3 * 1500) + 1;
            Value[] values = [.. Enumerable.Range(0, Tensors).Select(i => builder.Parameter($"v{i}", new Shape(count)))];
            Value scalar = builder.Input("scalar", Shape.Scalar);
            int assigned = 1 + random.Next(Tensors);
            (Value, Expression)[] formulas = [.. values.Take(assigned).Select(v => (v, Formula(random, values, scalar, 5)))];
            builder.Assign(formulas);
            using Executor executor = Prepare(builder.Build(), values, trial, out float[][] before, out StepProgram program);
            executor.WriteScalar(program, "scalar", 0.7f);
            executor.Run(program, Phase.Repeat);
            for (int v = 0; v < Tensors; v++)
            {
                float[] after = new float[count];
                executor.ReadPersistent(values[v], 0, MemoryMarshal.AsBytes(after.AsSpan()));
                for (int i = 0; i < count; i++)
                {
                    float expected = v < assigned ? Evaluate(formulas[v].Item2, values, before, i) : before[v][i];
                    Assert.True(IsSame(after[i], expected), $"trial {trial}, tensor {v}, element {i} of {count}: {after[i]:R}, should be {expected:R} by {formulas[Math.Min(v, assigned - 1)].Item2}");
                }
            }
        }
    }

    [Fact]
    public unsafe void An_update_is_one_run_of_tiles_with_few_numbers_in_memory()
    {
        GraphBuilder builder = new();
        Value parameter = builder.Parameter("parameter", new Shape(64, 64)), gradient = builder.Input("gradient", new Shape(64, 64));
        builder.Pass = Pass.Update;
        UpdateBuilder update = new(builder, new HostScalars(builder), parameter, new Load(gradient));
        new AdamW().Update(update);
        update.Emit();
        ElementwiseProgram program = builder.Build().Nodes.Select(static n => n.Op).OfType<FusedElementwise>().Single().Program;
        ReadOnlySpan<ElementwiseInstruction> code = program.Code;
        int arithmetic = 0, first = -1, loads = 0, stores = 0;
        int[] direct = new int[code.Length];
        Array.Fill(direct, -1);
        FormulaStep[] steps = new FormulaStep[code.Length];
        for (int i = 0; i < code.Length; i++)
        {
            if (code[i].TargetIsScalar || code[i].Action is not (ElementwiseAction.Unary or ElementwiseAction.Binary)) continue;
            (arithmetic, first) = (arithmetic + 1, first < 0 ? i : first);
            steps[i].A = steps[i].B = steps[i].Target = new StepOperand(64, 1, 0);
        }

        TileStep[] tiles = new TileStep[code.Length];
        int count;
        fixed (FormulaStep* all = steps)
        fixed (TileStep* tile = tiles) count = TilePlan.FormTiles(code, direct, all, tile);
        foreach (TileStep step in tiles)
        {
            loads += (step.Loaded.Address != 0 ? 1 : 0) + (step.Other.Address != 0 ? 1 : 0);
            stores += step.Stored.Address != 0 ? 1 : 0;
        }

        Assert.Equal(14, arithmetic);
        Assert.Equal(arithmetic, steps[first].Together);
        Assert.Equal((0, count), (steps[first].FirstTileStep, steps[first].TileSteps));

        // Two for each mean, one for the divisor, one to divide, one to subtract: products with a scalar, the square and the root are parts of them.
        Assert.Equal(7, count);

        // The gradient twice, both moments, the addend of the divisor, the new mean and the parameter; the three results.
        Assert.Equal(7, loads);
        Assert.Equal(3, stores);
    }

    private static Executor Prepare(Graph graph, Value[] values, int seed, out float[][] contents, out StepProgram program)
    {
        CpuDevice device = new(2);
        program = StepProgram.Compile(graph, device);
        Executor executor = new(device, program);
        contents = new float[values.Length][];
        for (int v = 0; v < values.Length; v++)
        {
            contents[v] = Check.Random(values[v].Shape.Elements, (seed * Tensors) + v);
            executor.WritePersistent(values[v], 0, MemoryMarshal.AsBytes(contents[v].AsSpan()));
        }

        return executor;
    }

    private static Expression Formula(Random random, Value[] values, Value scalar, int depth)
    {
        if (depth == 0 || random.Next(5) == 0) return random.Next(4) switch { 0 => new Load(scalar), 1 => new Constant(1.25f), _ => new Load(values[random.Next(values.Length)]) };
        Expression a = Formula(random, values, scalar, depth - 1), b = random.Next(6) == 0 ? a : Formula(random, values, scalar, depth - 1);
        return random.Next(22) switch
        {
            0 or 1 or 2 => a + b,
            3 or 4 or 5 => a - b,
            6 or 7 or 8 => a * b,
            9 => a / b,
            10 => Expression.Minimum(a, b),
            11 => Expression.Maximum(a, b),
            12 => -a,
            13 => Expression.Sign(a),
            14 => Expression.SquareRoot(Expression.Absolute(a)),
            15 => new Unary(UnaryFunction.Reciprocal, a),
            16 or 17 => Expression.Lerp(a, b, new Load(scalar)),
            18 => (a * new Load(scalar)) - b,
            19 => (new Constant(0.37f) * a) / b,
            20 => a * a,
            _ => Expression.Absolute(a),
        };
    }

    // Which of many numbers that are none it is may depend on the order of factors.
    private static bool IsSame(float a, float b) => BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    private static float Evaluate(Expression formula, Value[] values, float[][] contents, int i) => formula switch
    {
        Constant c => c.Number,
        Load { IsScalar: true } => 0.7f,
        Load load => contents[Array.IndexOf(values, load.Value)][i],
        Unary u => Evaluate(u.Function, Evaluate(u.X, values, contents, i)),
        Binary b => Evaluate(b.Function, Evaluate(b.A, values, contents, i), Evaluate(b.B, values, contents, i)),
        _ => throw new InvalidOperationException(),
    };

    private static float Evaluate(UnaryFunction function, float x) => function switch
    {
        UnaryFunction.Negate => -x,
        UnaryFunction.Absolute => MathF.Abs(x),
        UnaryFunction.Sign => x > 0 ? 1 : x < 0 ? -1 : 0,
        UnaryFunction.SquareRoot => MathF.Sqrt(x),
        UnaryFunction.Reciprocal => 1 / x,
        _ => throw new InvalidOperationException(),
    };

    private static float Evaluate(BinaryFunction function, float a, float b) => function switch
    {
        BinaryFunction.Add => a + b,
        BinaryFunction.Subtract => a - b,
        BinaryFunction.Multiply => a * b,
        BinaryFunction.Divide => a / b,
        BinaryFunction.Minimum => a < b ? a : b,
        _ => a > b ? a : b,
    };
}
