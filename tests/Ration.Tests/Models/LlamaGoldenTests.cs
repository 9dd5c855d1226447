using System.Runtime.InteropServices;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;
using Ration.Tests.Training;
using Ration.Training;

namespace Ration.Tests.Models;

/// <summary>A small Llama against PyTorch in float64: losses, every gradient by name, every weight after ten steps.</summary>
[Trait("Category", "Kernel")]
public sealed class LlamaGoldenTests : IDisposable
{
    private const double Tolerance = 1e-5;
    private readonly LlamaGolden _golden = new();

    public static TheoryData<int, string, bool> Arrangements => new()
    {
        { 3, "none", false }, { 3, "cheap", false }, { 3, "cheap+1-blocks", true }, { 3, "sqrt", true }, { 1, "none", false }, { 1, "cheap+2-blocks", false },
    };

    public void Dispose() => _golden.Dispose();

    [Fact]
    public void The_definitions_of_the_ops_make_this_model()
    {
        Gradients(new ReferenceDevice(), _golden.Model, new LinearCrossEntropy(), "gradient.", _golden.Losses[0]);
        TiedGradients(new ReferenceDevice());
    }

    [Fact]
    public void The_loss_and_every_gradient_of_the_first_step_agree() =>
        Gradients(new CpuDevice(2), _golden.Model, new LinearCrossEntropy(), "gradient.", _golden.Losses[0]);

    [Fact]
    public void Tied_embeddings_a_sliding_window_smoothing_and_z_loss_agree() => TiedGradients(new CpuDevice(2));

    [Theory]
    [MemberData(nameof(Arrangements))]
    public void Ten_losses_and_the_final_weights_agree(int microBatchRows, string recompute, bool release)
    {
        AdamW optimizer = new(
            (float)_golden.Number("training", "beta1"), (float)_golden.Number("training", "beta2"), (float)_golden.Number("training", "epsilon"),
            (float)_golden.Number("training", "weightDecay"));
        TrainingStep step = new(_golden.Model, _golden.Integer("training", "rows"), _golden.Integer("training", "sequence"), optimizer, ClipNorm: 0);
        using CpuDevice device = new(2);
        using StepRunner runner = new(step, new MemoryChoices(microBatchRows, RecomputeChoice.Parse(recompute), release), device);
        Value[] weights = [.. runner.Program.Graph.Persistent.Where(static v => v.Trainable)];
        foreach (Value weight in weights) runner.SetWeight(weight, _golden.Floats(weight.Name));
        for (int i = 0; i < _golden.Losses.Length; i++)
        {
            double loss = runner.Step(_golden.Batch(i + 1), _golden.Number("training", "learningRate"));
            Assert.True(Math.Abs(loss - _golden.Losses[i]) <= Tolerance * _golden.Losses[i], $"loss of step {i + 1} is {loss:R}, must be {_golden.Losses[i]:R}");
        }

        foreach (Value weight in weights) Near(_golden.Floats("final." + weight.Name), runner.Read(weight), "final " + weight.Name, 10 * Tolerance);
    }

    private void TiedGradients(IDevice device) => Gradients(
        device, _golden.Model with { TiedEmbeddings = true, SlidingWindow = _golden.Integer("tied", "slidingWindow") },
        new LinearCrossEntropy((float)_golden.Number("tied", "labelSmoothing"), (float)_golden.Number("tied", "zLoss")), "tied.gradient.", _golden.Number("tied", "loss"));

    private void Gradients(IDevice device, ModelConfiguration model, LinearCrossEntropy lossOp, string prefix, double expectedLoss)
    {
        using IDevice owned = device;
        Batch batch = _golden.Batch(1);
        GraphBuilder builder = new();
        TransformerModel llama = new(builder, model, batch.Sequence);
        Value targets = builder.Input("targets", new Shape(batch.Rows, batch.Sequence), DType.I32), scale = builder.Input("scale", Shape.Scalar);
        Value hidden = llama.HiddenStates(TransformerModel.DeclareInputs(builder, batch.Rows, batch.Sequence));
        Value loss = builder.LinearCrossEntropy(hidden, llama.Head, targets, scale, lossOp);
        IReadOnlyDictionary<Value, Value> gradients = Differentiation.Backward(builder, new Dictionary<Value, Value?> { [loss] = null });
        foreach (Value output in gradients.Values.Prepend(loss)) builder.Output(output);
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        device.Reserve(program.ArenaBytes);
        foreach (Value weight in program.Graph.Persistent) Write<float>(program.Layout.OffsetOf(weight), _golden.Floats(weight.Name));
        Write(program.OffsetOf("tokens"), batch.Tokens);
        Write(program.OffsetOf("targets"), batch.Targets);
        Write(program.OffsetOf("positions"), batch.Positions);
        Write(program.OffsetOf("keyRanges"), batch.KeyRanges);
        Write(program.OffsetOf("scale"), (float[])[1f / batch.Valid]);
        foreach (Instruction instruction in program.Instructions) device.Run(instruction);
        double actualLoss = Read(loss)[0];
        Assert.True(Math.Abs(actualLoss - expectedLoss) <= Tolerance * expectedLoss, $"the loss is {actualLoss:R}, must be {expectedLoss:R}");
        Assert.Equal(program.Graph.Persistent.Count, gradients.Count);
        foreach ((Value weight, Value gradient) in gradients) Near(_golden.Floats(prefix + weight.Name), Read(gradient), "gradient of " + weight.Name);

        void Write<T>(long offset, T[] values)
            where T : unmanaged => device.Write(offset, MemoryMarshal.AsBytes(values.AsSpan()));

        float[] Read(Value value)
        {
            float[] elements = new float[value.Shape.Elements];
            device.Read(program.OffsetOf(value.Name), MemoryMarshal.AsBytes(elements.AsSpan()));
            return elements;
        }
    }

    // Both the whole tensor and its worst element; NaN fails. Adam moves an element whose gradients almost cancel by their sign, so that
    // single elements of trained weights are less certain.
    private static void Near(float[] expected, float[] actual, string what, double elementTolerance = Tolerance)
    {
        double square = 0, error = 0, greatest = 0, worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs((double)expected[i] - actual[i]);
            (square, error) = (square + ((double)expected[i] * expected[i]), error + (difference * difference));
            (greatest, worst) = (Math.Max(greatest, Math.Abs(expected[i])), double.IsNaN(difference) ? double.NaN : Math.Max(worst, difference));
        }

        Assert.True(Math.Sqrt(error) <= Tolerance * Math.Sqrt(square), $"{what} is off by {Math.Sqrt(error / square):E2} of its norm");
        Assert.True(worst <= elementTolerance * greatest, $"an element of {what} is off by {worst / greatest:E2} of the greatest");
    }
}
