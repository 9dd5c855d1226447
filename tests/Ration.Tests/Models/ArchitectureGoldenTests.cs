using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Models;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Tests.Models;

/// <summary>
/// A small model of every family against PyTorch in float64: logits, mean loss, and every gradient. Gradients that are almost nothing
/// beside the largest (of key biases without rotation: exactly nothing) are compared on the scale of a thousandth of it.
/// </summary>
[Trait("Category", "Kernel")]
public sealed class ArchitectureGoldenTests : IDisposable
{
    private const double LossTolerance = 1e-5, Tolerance = 1e-4;
    private readonly ArchitectureGolden _golden = new();

    public static TheoryData<string> Names => [.. Architectures.All.Keys];

    public void Dispose() => _golden.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_loss_and_every_gradient_agree(string name)
    {
        ModelConfiguration model = Architectures.All[name];
        GraphBuilder builder = new();
        TransformerModel transformer = new(builder, model, _golden.Sequence);
        Value targets = builder.Input("targets", new Shape(_golden.Rows, _golden.Sequence), DType.I32), scale = builder.Input("scale", Shape.Scalar);
        Value hidden = transformer.HiddenStates(TransformerModel.DeclareInputs(builder, _golden.Rows, _golden.Sequence));
        Value logits = transformer.Logits(hidden, "logits"), loss = transformer.Loss(hidden, targets, scale);
        IReadOnlyDictionary<Value, Value> gradients = Differentiation.Backward(builder, new Dictionary<Value, Value?> { [loss] = null });
        foreach (Value output in gradients.Values.Concat([logits, loss])) builder.Output(output);
        using CpuDevice device = new(2);
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        _golden.Run(device, program, model);

        Near(Array.ConvertAll(_golden.Logits(name), static v => (double)v), Read(logits), Tolerance, $"logits of {name}");
        Near([_golden.Loss(name)], Read(loss), LossTolerance, $"loss of {name}");
        IReadOnlyDictionary<string, (double Norm, double Projection)> expected = _golden.Gradients(name);
        double least = expected.Values.Max(static g => g.Norm) * 1e-3;
        Assert.Equal(expected.Keys.Order(), gradients.Keys.Select(static v => v.Name).Order());
        foreach ((Value weight, Value gradient) in gradients)
        {
            float[] elements = Read(gradient);
            double[] direction = ArchitectureGolden.Hashed("direction of " + weight.Name, elements.Length);
            (double norm, double projection) = expected[weight.Name];
            double actualNorm = Math.Sqrt(elements.Sum(static g => (double)g * g)), actual = elements.Zip(direction, static (g, d) => g * d).Sum();
            Assert.True(Math.Abs(actualNorm - norm) <= Tolerance * Math.Max(norm, least), $"the gradient of {weight.Name} in {name} has norm {actualNorm:R}, must have {norm:R}");
            Assert.True(Math.Abs(actual - projection) <= Tolerance * Math.Max(norm, least), $"the gradient of {weight.Name} in {name} projects to {actual:R}, must be {projection:R}");
        }

        float[] Read(Value value)
        {
            float[] elements = new float[value.Shape.Elements];
            device.Read(program.OffsetOf(value.Name), MemoryMarshal.AsBytes(elements.AsSpan()));
            return elements;
        }
    }

    private static void Near(double[] expected, float[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double greatest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * greatest, $"{what}: element {i} is {actual[i]:R}, must be {expected[i]:R}");
    }
}
