using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Memory;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Training;

namespace Ration.Tests.Optimizers;

/// <summary>One parameter under an update rule, fed with gradients: for comparing a rule with its plain definition.</summary>
internal sealed class OptimizerTrial : IDisposable
{
    private readonly Executor _executor;
    private readonly StepProgram _program;
    private readonly HostScalars _scalars;
    private readonly Value _parameter;
    private long _steps;

    /// <summary>Compiles the update of a parameter.</summary>
    /// <param name="optimizer">The rule.</param>
    /// <param name="initial">The parameter before the first step, row-major.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="name">Its name; rules may treat embeddings and heads in their own way, and take compressed gradients of some layers.</param>
    /// <param name="threads">Threads of the device.</param>
    /// <param name="state">How state is stored.</param>
    /// <param name="weights">How the parameter is stored.</param>
    /// <param name="clip">What the gradient is multiplied by before the rule sees it.</param>
    public OptimizerTrial(
        IOptimizer optimizer, double[] initial, Shape shape, string name = "layers.0.mlp.up", int threads = 1, StateFormat state = StateFormat.F32,
        WeightFormat weights = WeightFormat.F32, float clip = 1)
    {
        GraphBuilder builder = new();
        _parameter = builder.Parameter(name, shape, block: name.StartsWith("layers.0.", StringComparison.Ordinal) ? new BlockPart(0, name["layers.0.".Length..]) : null);
        GradientCompression? compression = GradientCompression.Takes(_parameter) ? optimizer.Compression : null;
        Value gradient = builder.Input("gradient", compression?.ShapeOf(_parameter) ?? shape);
        GradientMoments? moments = optimizer.GradientParts > 0 ? new(optimizer.GradientParts, gradient, builder.Input("squares", shape)) : null;
        _scalars = new HostScalars(builder);
        GradientProjection? projection = compression?.ProjectionFor(_parameter, _scalars);
        builder.Pass = Pass.Update;
        using (builder.Scope("update." + name))
        {
            Value? key = weights.IsStochastic() ? builder.Input(TrainingGraph.UpdateKey, new Shape(2), DType.I64) : null;
            Expression clipped = clip == 1 ? new Load(gradient) : new Load(gradient) * clip;
            UpdateBuilder update = new(builder, _scalars, _parameter, clipped, new(key, 5, weights == WeightFormat.CompensatedBF16), moments, projection);
            optimizer.Update(update);
            update.Emit();
        }

        CpuDevice device = new(threads);
        Graph graph = new StateStorage(state).Apply(new WeightStorage((_, s) => weights.TypeOf(s)).Apply(builder.Build()));
        _parameter = graph.Persistent.First(v => v.Id == _parameter.Id);
        _program = StepProgram.Compile(graph, device);
        _executor = new Executor(device, _program);
        foreach (Value value in _program.Graph.Persistent) _executor.Clear(value);
        byte[] stored = new byte[_parameter.Bytes];
        TensorCodec.Encode(_parameter.DType, Floats(initial), stored);
        _executor.WritePersistent(_parameter, 0, stored);
    }

    /// <summary>Bytes of optimizer state that the plan counts.</summary>
    public long StateBytes => _program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState).Sum(static v => v.Bytes);

    /// <summary>The most scratch that the update takes at once, tensors on the way included.</summary>
    public long TransientBytes => _program.TransientBytes;

    /// <summary>Of these, the gradient and the scalars of the step.</summary>
    public long InputBytes => _program.Graph.Inputs.Sum(static v => ByteSize.AlignUp(v.Bytes, Placement.Alignment));

    /// <summary>The parameter now.</summary>
    public double[] Parameter => Read(_parameter);

    /// <summary>State by the name that the rule gave it.</summary>
    public double[] State(string name) => Read(_program.Graph.Persistent.Single(v => v.Name == $"{_parameter.Name}.{name}"));

    /// <summary>One update.</summary>
    public void Step(double[] gradient, double learningRate, double[]? squares = null)
    {
        if (squares is not null) _executor.Write<float>(_program, "squares", Floats(squares));
        StepState state = new(++_steps, learningRate) { Measured = Measure() };
        foreach (HostScalar scalar in _scalars.All) _executor.WriteScalar(_program, scalar.Name, (float)scalar.Compute(state));
        _executor.Write<float>(_program, "gradient", Floats(gradient));
        if (_program.Has(TrainingGraph.UpdateKey)) _executor.Write<long>(_program, TrainingGraph.UpdateKey, [11, _steps]);
        _executor.Run(_program, Phase.Repeat);
    }

    /// <summary>Normal numbers, the same for the same seed, rounded to F32.</summary>
    public static double[] Normal(int count, int seed, double scale = 1)
    {
        float[] values = new float[count];
        new CounterRandom((ulong)seed, 7).FillNormal(0, values, (float)scale);
        return [.. values.Select(static v => (double)v)];
    }

    /// <summary>Asserts that two tensors agree to a share of the greatest element.</summary>
    public static void AssertClose(double[] expected, double[] actual, double tolerance = 2e-6)
    {
        Assert.Equal(expected.Length, actual.Length);
        double greatest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * greatest, $"element {i}: {actual[i]:R}, should be {expected[i]:R} (greatest {greatest:R})");
    }

    /// <inheritdoc/>
    public void Dispose() => _executor.Dispose();

    private float[] Measure()
    {
        float[] measured = new float[_scalars.Measured.Count];
        _executor.ReadScalars(_scalars.Measured, measured);
        return measured;
    }

    private double[] Read(Value value)
    {
        byte[] stored = new byte[value.Bytes];
        _executor.ReadPersistent(value, 0, stored);
        float[] elements = new float[value.Shape.Elements];
        TensorCodec.Decode(value.DType, stored, elements);
        return [.. elements.Select(static v => (double)v)];
    }

    private static float[] Floats(double[] values) => [.. values.Select(static v => (float)v)];
}
