using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Memory;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

/// <summary>A matrix in each of some blocks and one outside of them under an update rule, fed with gradients.</summary>
internal sealed class BlockTrial : IDisposable
{
    public const string Outside = "embedding";

    private readonly Executor _executor;
    private readonly StepProgram _program;
    private readonly HostScalars _scalars;
    private long _steps;

    /// <summary>Compiles the updates of all parameters, which start as normal numbers.</summary>
    /// <param name="optimizer">The rule.</param>
    /// <param name="blocks">How many blocks.</param>
    /// <param name="rows">Rows of every matrix.</param>
    /// <param name="columns">Columns of every matrix.</param>
    /// <param name="stacked">Into how many matrices, one on the other, the rows are divided.</param>
    public BlockTrial(IOptimizer optimizer, int blocks, int rows, int columns, int stacked = 1)
    {
        Shape shape = stacked == 1 ? new(rows, columns) : new(stacked, rows / stacked, columns);
        GraphBuilder builder = new();
        Value[] parameters = [builder.Parameter(Outside, shape), .. Enumerable.Range(0, blocks).Select(i => builder.Parameter(NameOf(i), shape, block: new BlockPart(i, "up")))];
        Value[] gradients = [.. parameters.Select(p => builder.Input("gradient." + p.Name, shape))];
        _scalars = new HostScalars(builder);
        builder.Pass = Pass.Update;
        for (int i = parameters.Length - 1; i >= 0; i--)
        {
            if (optimizer.TrainsOnlyBlocks && parameters[i].Block is null) continue;
            using IDisposable scope = builder.Scope("update." + parameters[i].Name);
            UpdateBuilder update = new(builder, _scalars, parameters[i], new Load(gradients[i]));
            optimizer.Update(update);
            update.Emit();
        }

        CpuDevice device = new(2);
        _program = StepProgram.Compile(builder.Build(), device);
        _executor = new Executor(device, _program);
        foreach (Value value in _program.Graph.Persistent) _executor.Clear(value);
        Names = [.. parameters.Select(static p => p.Name)];
        for (int i = 0; i < parameters.Length; i++) _executor.WritePersistent(parameters[i], 0, MemoryMarshal.AsBytes<float>(Floats(Initial(i, rows, columns))));
    }

    /// <summary>All parameters, the one outside of blocks first.</summary>
    public string[] Names { get; }

    /// <summary>Bytes of optimizer state that the plan counts.</summary>
    public long StateBytes => _program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState).Sum(static v => v.Bytes);

    /// <summary>The name of a block's matrix.</summary>
    public static string NameOf(int block) => $"layers.{block}.up";

    /// <summary>Parameter number i before the first step.</summary>
    public static Matrix64 Initial(int number, int rows, int columns) => Matrix64.Normal(rows, columns, 1000 + number);

    /// <summary>One update.</summary>
    public void Step(IReadOnlyList<Matrix64> gradients, double learningRate)
    {
        StepState state = new(++_steps, learningRate) { Measured = Measure() };
        foreach (HostScalar scalar in _scalars.All) _executor.WriteScalar(_program, scalar.Name, (float)scalar.Compute(state));
        for (int i = 0; i < Names.Length; i++) _executor.Write<float>(_program, "gradient." + Names[i], Floats(gradients[i]));
        _executor.Run(_program, Phase.Repeat);
    }

    /// <summary>A parameter or state now.</summary>
    public double[] Read(string name)
    {
        Value value = _program.Graph.Persistent.Single(v => v.Name == name);
        float[] elements = new float[value.Shape.Elements];
        _executor.ReadPersistent(value, 0, MemoryMarshal.AsBytes(elements.AsSpan()));
        return [.. elements.Select(static v => (double)v)];
    }

    public void Dispose() => _executor.Dispose();

    private float[] Measure()
    {
        float[] measured = new float[_scalars.Measured.Count];
        _executor.ReadScalars(_scalars.Measured, measured);
        return measured;
    }

    private static float[] Floats(Matrix64 values) => [.. values.Elements.Select(static v => (float)v)];
}
