using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Bindings;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Ops;

/// <summary>
/// Every op on every case: the device against the definition, the gradient against central differences of the definition. Differences
/// are relative to the greatest element of the tensor.
/// </summary>
public sealed class OpTests
{
    private const double DifferenceTolerance = 1e-6;
    private const int MostDifferences = 40;

    private static readonly OpCaseOptions[] s_forwardModes = [new(), new(Copied: true)];

    private static readonly OpCaseOptions[] s_gradientModes =
        [new(), new(Copied: true), new(Twice: true), new(Twice: true, Copied: true), new(Accumulate: true), new(Twice: true, Accumulate: true)];

    public static TheoryData<string> Names => [.. OpCases.All.Keys];

    public static TheoryData<string> Differentiable => [.. OpCases.All.Values.Where(static c => c.HasGradient).Select(static c => c.Name)];

    [Theory]
    [Trait("Category", "Kernel")]
    [MemberData(nameof(Names))]
    public void The_processor_computes_what_the_op_means(string name)
    {
        OpCase @case = OpCases.All[name];
        foreach (OpCaseOptions mode in s_forwardModes)
        {
            OpTrial trial = OpTrial.Of(@case with { HasGradient = false }, mode);
            Func<Value, double[]> expected = trial.ByDefinition();
            foreach (int threads in (int[])[1, 3])
            {
                using CpuDevice device = new(threads);
                Func<Value, double[]> actual = trial.On(device);
                foreach (Value result in trial.Results) Near(expected(result), actual(result), Tolerance(@case, result), $"{name}, {mode}, {threads} threads: {result}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Differentiable))]
    public void The_gradient_agrees_with_central_differences(string name)
    {
        OpCase @case = OpCases.All[name];
        foreach (OpCaseOptions mode in s_gradientModes.Where(m => !m.Copied && (!m.Twice || !@case.Once)))
        {
            OpTrial trial = OpTrial.Of(@case, mode);
            GraphLaws.Check(trial.Graph);
            Assert.Equal(trial.Graph.Persistent.Count(static v => v.Trainable), trial.Gradients.Count);
            if (!@case.IsSmooth) continue;
            Func<Value, double[]> expected = trial.ByDefinition();
            foreach ((Value parameter, Value gradient) in trial.Gradients)
                AgreesWithDifferences(trial, parameter, expected(gradient), $"{name}, {mode}: gradient of {parameter}");
        }
    }

    [Theory]
    [Trait("Category", "Kernel")]
    [MemberData(nameof(Differentiable))]
    public void The_processor_computes_what_the_gradient_means(string name)
    {
        OpCase @case = OpCases.All[name];
        foreach (OpCaseOptions mode in s_gradientModes.Where(m => !m.Twice || !@case.Once))
        {
            OpTrial trial = OpTrial.Of(@case, mode);
            Func<Value, double[]> expected = trial.ByDefinition();
            using CpuDevice device = new(2);
            Func<Value, double[]> actual = trial.On(device);
            foreach ((Value parameter, Value gradient) in trial.Gradients)
            {
                Near(expected(gradient), actual(gradient), Tolerance(@case, gradient), $"{name}, {mode}: gradient of {parameter}");
                if (trial.Sums.TryGetValue(parameter, out Value? sum)) Assert.Equal(actual(gradient), actual(sum));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Differentiable))]
    public void Nothing_is_computed_for_what_is_frozen(string name)
    {
        OpCase @case = OpCases.All[name];
        string[] parameters = [.. OpTrial.Of(@case).Gradients.Keys.Select(static p => p.Name)];
        Assert.NotEmpty(parameters);
        foreach (string parameter in parameters)
        {
            OpTrial trial = OpTrial.Of(@case, new(OnlyTrainable: parameter));
            Value gradient = Assert.Single(trial.Gradients).Value;
            HashSet<int> used = [gradient.Id];
            foreach (Node node in trial.BackwardNodes.Reverse())
            {
                Assert.True(node.Outputs.Any(v => used.Contains(v.Id)), $"{name}, only {parameter} trainable: {node} is for nothing");
                used.UnionWith(node.Inputs.Select(static v => v.Id));
            }

            using CpuDevice device = new(1);
            Near(trial.ByDefinition()(gradient), trial.On(device)(gradient), Tolerance(@case, gradient), $"{name}, only {parameter} trainable");
            if (@case.IsSmooth) AgreesWithDifferences(trial, trial.Gradients.Keys.Single(), trial.ByDefinition()(gradient), name);
        }

        OpTrial frozen = OpTrial.Of(@case, new(OnlyTrainable: "nothing"));
        Assert.Empty(frozen.Gradients);
        Assert.Empty(frozen.BackwardNodes);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Costs_count_what_must_move_and_be_multiplied(string name)
    {
        foreach (Node node in OpTrial.Of(OpCases.All[name]).Graph.Nodes)
        {
            OpCost cost = node.Op.Cost(node);
            bool multiplies = node.Op is MatMul or Attention or AttentionGradient or LinearCrossEntropy or LinearCrossEntropyGradient
                or ExpertMatMul or ExpertWeightGradient or TiledMlp or TiledMlpGradient or Orthonormalize;
            Assert.True(double.IsFinite(cost.Bytes) && cost.Bytes > 0, $"{node} moves {cost.Bytes} bytes");
            Assert.True(multiplies ? cost.Flops > 0 && double.IsFinite(cost.Flops) : cost.Flops == 0, $"{node} costs {cost.Flops} operations");
        }
    }

    [Fact]
    public void Every_op_has_a_case()
    {
        HashSet<Type> covered = [.. OpCases.All.Values.SelectMany(static c => Modes(c).SelectMany(m => OpTrial.Of(c, m).Graph.Nodes)).Select(static n => n.Op.GetType())];
        Assert.Equal([], AllOps().Except(covered).Select(static t => t.Name));

        static IEnumerable<OpCaseOptions> Modes(OpCase @case) => @case.Once ? [new()] : [new(), new(Twice: true)];
    }

    [Fact]
    public void The_processor_has_a_kernel_for_every_op_of_a_device() =>
        Assert.Equal([], AllOps().Except(CpuKernels.Table().Ops).Select(static t => t.Name));

    // What the host does, the executor's own tests try.
    private static Type[] AllOps() => [.. typeof(Op).Assembly.GetTypes().Where(static t => t.IsSubclassOf(typeof(Op)) && !t.IsAbstract && t != typeof(ReadWeight))];

    private static void AgreesWithDifferences(OpTrial trial, Value parameter, double[] gradient, string what)
    {
        double scale = gradient.Max(Math.Abs);
        int stride = Math.Max(1, gradient.Length / MostDifferences);
        for (int i = 0; i < gradient.Length; i += stride)
        {
            double difference = trial.Difference(parameter, i) + trial.SumBefore(parameter, i);
            Assert.True(Math.Abs(difference - gradient[i]) <= DifferenceTolerance * Math.Max(scale, 1e-3), $"{what}[{i}] is {gradient[i]}, by differences {difference}");
        }
    }

    // Results in a coarse type may round the other way where the definition lies between two numbers.
    private static double Tolerance(OpCase @case, Value value) => value.DType switch
    {
        DType.BF16 => 1.0 / 128,
        DType.F16 => 1.0 / 1024,
        _ => @case.Tolerance,
    };

    private static void Near(double[] expected, double[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(expected.Max(Math.Abs), 1e-30);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale, $"{what}[{i}] is {actual[i]:R}, must be {expected[i]:R}");
    }
}
