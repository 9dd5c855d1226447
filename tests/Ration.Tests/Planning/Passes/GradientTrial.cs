using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Planning.Passes;

/// <summary>Gradients of a small model under any choices: a step of plain descent at rate one takes each from its weight.</summary>
internal static class GradientTrial
{
    public const int Rows = 4, Sequence = 24;

    /// <summary>A gated model with grouped heads.</summary>
    public static readonly ModelConfiguration Gated = new()
    {
        Name = "gated",
        Vocabulary = 67,
        Width = 48,
        HiddenWidth = 80,
        Layers = 3,
        Heads = 4,
        KvHeads = 2,
        HeadDimension = 12,
    };

    /// <summary>A model with biases, layer norms and an MLP without a gate.</summary>
    public static readonly ModelConfiguration Plain = Gated with { Name = "plain", Norm = NormKind.Layer, GatedMlp = false, Activation = MlpActivation.Gelu, MlpBiases = true };

    /// <summary>Plain descent, nothing clipped.</summary>
    public static TrainingStep Step(ModelConfiguration model) => new(model, Rows, Sequence, new Sgd(0), ClipNorm: 0);

    /// <summary>The loss and each weight's gradient.</summary>
    /// <param name="step">What is computed.</param>
    /// <param name="choices">How.</param>
    /// <param name="steps">How many steps are taken at rate zero before, for what needs to settle.</param>
    /// <param name="device">Where, disposed in the end; null for the processor.</param>
    public static (double Loss, IDictionary<string, double[]> Gradients) Run(TrainingStep step, MemoryChoices choices, int steps = 0, IDevice? device = null)
    {
        using IDevice runs = device ?? new CpuDevice(2);
        using StepRunner runner = new(step, choices, runs);
        Batch batch = Batch.Random(Rows, Sequence, step.Model.Vocabulary, 5);
        for (int i = 0; i < steps; i++) _ = runner.Step(batch, 0);
        SortedDictionary<string, float[]> before = runner.State();
        double loss = runner.Step(batch, 1);
        SortedDictionary<string, double[]> gradients = new(StringComparer.Ordinal);
        foreach (Value weight in runner.Program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights))
            gradients[weight.Name] = [.. before[weight.Name].Zip(runner.Read(weight), static (a, b) => (double)a - b)];
        return (loss, gradients);
    }

    /// <summary>The distance of two gradients in parts of the first one's length.</summary>
    public static double Error(double[] expected, double[] actual) =>
        Math.Sqrt(expected.Zip(actual, static (a, b) => (a - b) * (a - b)).Sum() / Math.Max(1e-30, expected.Sum(static a => a * a)));
}
