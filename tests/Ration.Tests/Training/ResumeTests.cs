using System.Globalization;
using System.Text;
using Ration.Devices.Cpu;
using Ration.Files.Safetensors;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tests.Files;
using Ration.Tests.Models;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Going on from a checkpoint is never having stopped.</summary>
public sealed class ResumeTests
{
    [Theory]
    [InlineData("adamw", 0f, 8)]
    [InlineData("adamw", 0.15f, 2)]
    [InlineData("sgd", 0.15f, 8)]
    [InlineData("sgd", 0f, 4)]
    public void A_resumed_run_ends_with_the_same_bytes(string optimizer, float dropout, int microBatchRows) =>
        AssertResumes(TrainingSamples.Options(optimizer, dropout) with { MicroBatchRows = microBatchRows });

    [Theory]
    [MemberData(nameof(TrainingSamples.Optimizers), MemberType = typeof(TrainingSamples))]
    public void So_it_does_with_every_optimizer(string optimizer) =>
        AssertResumes(TrainingSamples.Options(optimizer) with { MicroBatchRows = TrainingSamples.LargestMicroBatch(optimizer) });

    [Theory]
    [MemberData(nameof(TrainingSamples.States), MemberType = typeof(TrainingSamples))]
    public void And_with_every_storage_of_state(StateFormat state) => AssertResumes(TrainingSamples.InBlocks(state));

    [Theory]
    [MemberData(nameof(TrainingSamples.WeightFormats), MemberType = typeof(TrainingSamples))]
    public void And_with_every_way_of_holding_weights(WeightFormat weights) => AssertResumes(TrainingSamples.InBlocks(StateFormat.F32, weights));

    [Theory]
    [MemberData(nameof(TrainingSamples.WeightFormats), MemberType = typeof(TrainingSamples))]
    public void And_with_products_of_bytes(WeightFormat weights) => AssertResumes(TrainingSamples.InBlocks(StateFormat.F32, weights) with { Products = ProductFormat.Int8 });

    [Theory]
    [MemberData(nameof(TrainingSamples.RenewingNames), MemberType = typeof(TrainingSamples))]
    public void And_while_subspaces_are_renewed(string optimizer) => AssertResumes(TrainingSamples.Options() with { Optimizer = TrainingSamples.Renewing[optimizer] });

    [Fact]
    public void Numbers_are_written_the_same_under_every_culture()
    {
        TrainingOptions options = TrainingSamples.Options(dropout: 0.15f);
        string plain = TrainingCheckpoint.Fingerprint(options);
        CultureInfo before = CultureInfo.CurrentCulture, comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        comma.NumberFormat.NegativeSign = "−";
        CultureInfo.CurrentCulture = comma;
        try
        {
            Assert.Equal(plain, TrainingCheckpoint.Fingerprint(options));
            Assert.Contains("--dropout 1.5", Assert.Throws<InvalidInputException>(() => (options with { Dropout = 1.5f }).Validate()).Message, StringComparison.Ordinal);
            Assert.Same(comma, CultureInfo.CurrentCulture);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void The_run_of_another_version_is_known_but_not_gone_on_with()
    {
        using TemporaryFolder folder = new();
        TrainingOptions options = TrainingSamples.Options();
        Run(options, folder.Path, stopAfter: 2);
        Dictionary<string, string> metadata;
        using (SafetensorsReader reader = SafetensorsReader.Open(folder[TrainingCheckpoint.FileName])) metadata = new(reader.Metadata);
        (string format, string checksum) = (metadata["format"], metadata["checksum"]);
        metadata["format"] = $"{format[..^1]}1";
        Replace(folder[TrainingCheckpoint.FileName], (format, metadata["format"]), (checksum, TrainingCheckpoint.ChecksumOf(metadata.GetValueOrDefault)));
        CheckpointHeader header = TrainingCheckpoint.ReadHeader(folder.Path);
        Assert.Equal((2, false, false), (header.StepsDone, header.IsDone, header.IsCurrent));
        Assert.Contains("another version of Ration", Assert.Throws<InvalidInputException>(() => TrainingCheckpoint.ReadHeader(folder.Path, options)).Message, StringComparison.Ordinal);
    }

    // Of the same length each.
    private static void Replace(string path, params ReadOnlySpan<(string Old, string New)> texts)
    {
        byte[] bytes = File.ReadAllBytes(path);
        foreach ((string old, string text) in texts) Encoding.ASCII.GetBytes(text).CopyTo(bytes, bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(old)));
        File.WriteAllBytes(path, bytes);
    }

    private static void AssertResumes(TrainingOptions options)
    {
        using TemporaryFolder whole = new(), parts = new();
        List<float> losses = Run(options, whole.Path), resumed = Run(options, parts.Path, stopAfter: 2);
        Assert.Equal(2, TrainingCheckpoint.ReadHeader(parts.Path).StepsDone);
        resumed.AddRange(Run(options, parts.Path, stopAfter: 2, resume: true));
        Assert.Equal(4, TrainingCheckpoint.ReadHeader(parts.Path).StepsDone);
        resumed.AddRange(Run(options, parts.Path, resume: true));
        Assert.Equal(6, losses.Count);
        Assert.Equal(losses, resumed);
        foreach (string file in (string[])[TrainingCheckpoint.FileName, "model.safetensors"])
            Assert.True(File.ReadAllBytes(whole[file]).AsSpan().SequenceEqual(File.ReadAllBytes(parts[file])), $"{file} differs");
    }

    [Theory]
    [MemberData(nameof(TrainingSamples.ActivationMethods), MemberType = typeof(TrainingSamples))]
    public void So_it_does_however_activations_are_kept(string method) =>
        AssertResumes(TrainingSamples.Options() with
        {
            Model = Architectures.All[method == "approx-bp" ? "gpt2" : "llama"] with { Context = 64 },
            Activations = ActivationMethods.Parse(method),
            MicroBatchRows = 4
        });

    [Fact]
    public void A_finished_run_resumes_to_the_same_end()
    {
        TrainingOptions options = TrainingSamples.Options();
        using TemporaryFolder folder = new();
        Run(options, folder.Path);
        byte[] before = File.ReadAllBytes(folder[TrainingCheckpoint.FileName]);
        Assert.Empty(Run(options, folder.Path, resume: true));
        Assert.Equal(before, File.ReadAllBytes(folder[TrainingCheckpoint.FileName]));
    }

    [Fact]
    public void Checkpoints_are_written_as_often_as_asked()
    {
        TrainingOptions options = TrainingSamples.Options();
        using TemporaryFolder folder = new();
        List<long> seen = [];
        Run(options, folder.Path, checkpointEvery: 2, onStep: _ => seen.Add(File.Exists(folder[TrainingCheckpoint.FileName]) ? TrainingCheckpoint.ReadHeader(folder.Path).StepsDone : 0));
        Assert.Equal([0L, 0, 2, 2, 4, 4], seen);
    }

    [Fact]
    public void Another_run_s_checkpoint_is_refused_with_what_differs()
    {
        TrainingOptions options = TrainingSamples.Options();
        using TemporaryFolder folder = new();
        Assert.Contains("no checkpoint", Refusal(options), StringComparison.Ordinal);
        Run(options, folder.Path);
        Assert.Contains("it has --seed 3 where this run has --seed 4", Refusal(options with { Seed = 4 }), StringComparison.Ordinal);
        Assert.Contains("it has --optimizer adamw where this run has --optimizer sgd", Refusal(options with { Optimizer = new Ration.Optimizers.Sgd() }), StringComparison.Ordinal);
        Assert.Contains("its --set, --rank or --seed of the update rule is another", Refusal(options with { Optimizer = new Ration.Optimizers.AdamW(Beta1: 0.8f) }), StringComparison.Ordinal);
        Assert.Contains("--state", Refusal(options with { State = StateFormat.BF16 }), StringComparison.Ordinal);
        Assert.Contains("--products", Refusal(options with { Products = ProductFormat.Int8 }), StringComparison.Ordinal);
        Assert.Contains("--weights", Refusal(options with { Weights = WeightFormat.BF16 }), StringComparison.Ordinal);
        Assert.Contains("other data", Refusal(options, data: "another text"), StringComparison.Ordinal);
        byte[] bytes = File.ReadAllBytes(folder[TrainingCheckpoint.FileName]);
        bytes[^100] ^= 1;
        File.WriteAllBytes(folder[TrainingCheckpoint.FileName], bytes);
        Assert.Contains(TrainingCheckpoint.FileName, Refusal(options), StringComparison.Ordinal);

        string Refusal(TrainingOptions other, string data = "data") =>
            Assert.ThrowsAny<InvalidInputException>(() => Run(other, folder.Path, resume: true, data: data)).Message;
    }

    private static List<float> Run(
        TrainingOptions options, string folder, int stopAfter = int.MaxValue, bool resume = false, long checkpointEvery = 0, string data = "data", Action<TrainingProgress>? onStep = null)
    {
        using CpuDevice device = new(2);
        MemoryChoices? pinned = resume && File.Exists(Path.Combine(folder, TrainingCheckpoint.FileName)) ? TrainingCheckpoint.ReadHeader(folder).Choices : null;
        TrainingPlan plan = TrainingSamples.Plan(options, device, choices: pinned);
        using TrainingRun run = new(plan, TrainingSamples.Data(options), new TrainingRunOptions(folder, resume, checkpointEvery, DataFingerprint: data, EvaluationTokens: 80));
        using CancellationTokenSource cancellation = new();
        List<float> losses = [];
        TrainingResult result = run.Run(new Report(p =>
        {
            losses.Add(p.Loss);
            onStep?.Invoke(p);
            if (losses.Count == stopAfter) cancellation.Cancel();
        }), cancellation.Token);
        Assert.Equal(stopAfter != int.MaxValue, result.Interrupted);
        return losses;
    }

    private sealed class Report(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => report(value);
    }
}
