using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Models;
using Ration.Planning;

namespace Ration.Tests.Models;

/// <summary>Initial weights of every family.</summary>
public sealed class WeightInitializationTests
{
    public static TheoryData<string> Names => [.. Architectures.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Gains_make_one_biases_are_zero_and_matrices_are_random(string name)
    {
        ModelConfiguration model = Architectures.All[name];
        GraphBuilder builder = new();
        _ = new TransformerModel(builder, model, 8);
        using CpuDevice device = new(1);
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        using Executor executor = new(device, program);
        foreach (Value weight in program.Graph.Persistent)
        {
            WeightInitialization.Fill(executor, weight, model, seed: 1);
            float[] elements = new float[weight.Shape.Elements];
            executor.ReadPersistent(weight, 0, MemoryMarshal.AsBytes(elements.AsSpan()));
            if (weight.Name.EndsWith(".bias", StringComparison.Ordinal)) Assert.All(elements, static e => Assert.Equal(0, e));
            else if (weight.Shape.Rank == 1) Assert.All(elements, e => Assert.Equal(1, model.NormGainOffset + e));
            else Assert.InRange(Math.Sqrt(elements.Average(static e => (double)e * e)), 0.03, 0.25);
        }
    }
}
