using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
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
                    Assert.True(after[i].Equals(expected), $"trial {trial}, tensor {v}, element {i} of {count}: {after[i]:R}, should be {expected:R} by {formulas[Math.Min(v, assigned - 1)].Item2}");
                }
            }
        }
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
        return random.Next(7) switch { 0 or 1 => a + b, 2 or 3 => a - b, 4 or 5 => a * b, _ => Expression.Absolute(a) };
    }

    private static float Evaluate(Expression formula, Value[] values, float[][] contents, int i) => formula switch
    {
        Constant c => c.Number,
        Load { IsScalar: true } => 0.7f,
        Load load => contents[Array.IndexOf(values, load.Value)][i],
        Unary u => MathF.Abs(Evaluate(u.X, values, contents, i)),
        Binary { Function: BinaryFunction.Add } b => Evaluate(b.A, values, contents, i) + Evaluate(b.B, values, contents, i),
        Binary { Function: BinaryFunction.Subtract } b => Evaluate(b.A, values, contents, i) - Evaluate(b.B, values, contents, i),
        Binary b => Evaluate(b.A, values, contents, i) * Evaluate(b.B, values, contents, i),
        _ => throw new InvalidOperationException(),
    };
}
