using System.Diagnostics;
using Ration.Data;
using Ration.Files;
using Ration.Memory;

namespace Ration.Training;

/// <summary>How a run is kept.</summary>
/// <param name="Output">Folder of the model and the checkpoint; null to keep nothing.</param>
/// <param name="Resume">Go on from the checkpoint in that folder.</param>
/// <param name="CheckpointEvery">Steps between checkpoints; 0 for one every ten minutes.</param>
/// <param name="Tokenizer">Name of the tokenizer, for the model's configuration.</param>
/// <param name="DataFingerprint">Names the data, so that a run is not resumed on other data.</param>
/// <param name="EvaluationTokens">Held-out tokens to evaluate on at the end, at the most, in whole rows and at least one; null for a tenth of what was trained on and no fewer than 8,192.</param>
/// <param name="InitialWeights">A model, folder or file, whose weights to start from; null for new ones from the seed.</param>
public sealed record TrainingRunOptions(
    string? Output, bool Resume = false, long CheckpointEvery = 0, string? Tokenizer = null, string DataFingerprint = "", long? EvaluationTokens = null,
    string? InitialWeights = null)
{
    /// <summary>What the run was started with, in words of whoever starts it; checkpoints keep it for those who resume them.</summary>
    public string Arguments { get; init; } = "";

    /// <summary>A folder whose tokenizer becomes the model's when it is saved; null for that of the model that it is trained from, or none.</summary>
    public string? TokenizerFolder { get; init; }
}

/// <summary>Where a run stands after a step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps to do.</param>
/// <param name="Loss">Mean loss of the step, in nats per token.</param>
/// <param name="LearningRate">Learning rate of the step.</param>
/// <param name="TokensPerSecond">Rate of late.</param>
/// <param name="Remaining">Time left at that rate.</param>
public readonly record struct TrainingProgress(long Step, long Steps, float Loss, double LearningRate, double TokensPerSecond, TimeSpan Remaining);

/// <summary>What a run came to.</summary>
/// <param name="StepsDone">Steps done in all.</param>
/// <param name="StepsNow">Steps done now, without those of before a resume.</param>
/// <param name="Tokens">Tokens of those steps.</param>
/// <param name="TrainLoss">Mean loss of the last of the steps done now.</param>
/// <param name="TrainLossSteps">How many those are: a twentieth, at least one.</param>
/// <param name="EvaluationLoss">Loss on held-out text; NaN where there is none or the run was interrupted.</param>
/// <param name="EvaluationTokens">Targets that the evaluation looked at.</param>
/// <param name="TokensPerSecond">Of the median step.</param>
/// <param name="Seconds">Time of all steps.</param>
/// <param name="Interrupted">Whether the run was asked to stop.</param>
/// <param name="KeptEarlierModel">Whether the model in the output folder is that of a run before, because this one has not finished.</param>
public sealed record TrainingResult(
    long StepsDone, long StepsNow, long Tokens, double TrainLoss, long TrainLossSteps, double EvaluationLoss, long EvaluationTokens, double TokensPerSecond, double Seconds, bool Interrupted,
    bool KeptEarlierModel);

/// <summary>Runs a plan from beginning to end: steps, progress, checkpoints, evaluation, the saved model.</summary>
public sealed class TrainingRun : IDisposable
{
    // A time span overflows at thirty times this: a thousand years are as good as for ever.
    private const double LongestSeconds = 3.2e10;
    private static readonly TimeSpan s_checkpointInterval = TimeSpan.FromMinutes(10);
    private readonly TrainingRunOptions _options;
    private readonly RecentSteps _recent;
    private GarbageLimit _garbage;
    private readonly bool _hasEarlierModel;
    private bool _keptEarlierModel, _isTokenizerKept;
    private long _saved;

    /// <summary>Reserves the plan's memory and sets the first state: initial weights, a model's, or a checkpoint's.</summary>
    /// <exception cref="InvalidInputException">The checkpoint or the model cannot be used.</exception>
    public TrainingRun(TrainingPlan plan, PackedBatches data, TrainingRunOptions options)
    {
        if (options.Output is not null) ModelFolder.RequireSavable(plan.Options.Model);
        (_options, _recent) = (options, new RecentSteps(plan.Options.Steps));
        Trainer = new Trainer(plan, data);
        try
        {
            if (options.Resume) TrainingCheckpoint.Load(Trainer, RequireOutput(), options.DataFingerprint);
            else if (options.InitialWeights is { } folder) Trainer.Initialize(folder);
            else Trainer.Initialize();
            if (options.Output is { } output) _hasEarlierModel = options.Resume ? TrainingCheckpoint.ReadHeader(output).HasEarlierModel : HasWeights(output);
        }
        catch
        {
            Trainer.Dispose();
            throw;
        }
    }

    /// <summary>The trainer.</summary>
    public Trainer Trainer { get; }

    /// <summary>Steps that are left.</summary>
    public long StepsLeft => Math.Max(0, Trainer.Plan.Options.Steps - Trainer.StepsDone);

    /// <summary>Whether a folder holds the weights of a model, by whatever they were made; those of a checkpoint are none.</summary>
    public static bool HasWeights(string folder) =>
        Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.safetensors").Any(static f => Path.GetFileName(f) != TrainingCheckpoint.FileName);

    /// <summary>Trains to the last step, or until asked to stop; either way the state is saved, if a step was done and there is an output folder.</summary>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no longer finite; the last checkpoint is as it was.</exception>
    /// <exception cref="InvalidInputException">The model that the run started from is damaged.</exception>
    /// <exception cref="IOException">Something could not be written.</exception>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        _saved = _options.Resume ? Trainer.StepsDone : -1;
        try
        {
            TrainAndSave(progress, cancellation);
        }
        catch (IOException e) when (_saved > 0)
        {
            throw new IOException($"{e.Message}; the run is saved up to step {_saved}, and once that is mended --resume goes on from there", e);
        }

        return Evaluate(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => Trainer.Dispose();

    private void TrainAndSave(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        long lastCheckpoint = Stopwatch.GetTimestamp();
        while (StepsLeft > 0 && !cancellation.IsCancellationRequested)
        {
            long start = Stopwatch.GetTimestamp();
            float loss = Trainer.Step();
            _recent.Add(loss, Stopwatch.GetTimestamp() - start);
            _garbage.Keep();
            progress?.Report(Progress(loss));
            if (_options.Output is null || StepsLeft == 0 || !CheckpointDue(lastCheckpoint)) continue;
            SaveCheckpoint();
            lastCheckpoint = Stopwatch.GetTimestamp();
        }

        // Saved before it is evaluated: whatever happens then, the training is not lost.
        if (_options.Output is not null && (Trainer.StepsDone > 0 || StepsLeft == 0)) Save();
    }

    private TrainingResult Evaluate(CancellationToken cancellation)
    {
        if (StepsLeft > 0 || cancellation.IsCancellationRequested) return Result((double.NaN, 0), interrupted: true);
        try
        {
            return Result(Trainer.Evaluate(EvaluationTokens(), cancellation), interrupted: false);
        }
        catch (OperationCanceledException)
        {
            return Result((double.NaN, 0), interrupted: true);
        }
    }

    private string RequireOutput() => _options.Output ?? throw new InvalidInputException("--resume needs the --output folder of the run to resume");

    private bool CheckpointDue(long last) => _options.CheckpointEvery > 0
        ? Trainer.StepsDone % _options.CheckpointEvery == 0
        : Stopwatch.GetElapsedTime(last) >= s_checkpointInterval;

    private void Save()
    {
        if (_saved != Trainer.StepsDone) SaveCheckpoint();
        // An earlier run's finished model is not given up for one that was stopped.
        _keptEarlierModel = StepsLeft > 0 && _hasEarlierModel;
        if (_keptEarlierModel) return;
        TrainingOptions options = Trainer.Plan.Options;
        ModelFolder.Save(_options.Output!, options.Model.MeantFor(options.Sequence), Trainer.Weights, Trainer.Executor, _options.Tokenizer, _options.InitialWeights, _options.TokenizerFolder);
    }

    // Once: it does not change while the run goes on. One that is there is of a run before.
    private void KeepTokenizer(string to)
    {
        if (_isTokenizerKept) return;
        _isTokenizerKept = true;
        string? from = _options.TokenizerFolder;
        if (from is null ? _options.Resume : InputFile.IsSame(from, to)) return;
        if (Directory.Exists(to)) Directory.Delete(to, recursive: true);
        if (from is null) return;
        Directory.CreateDirectory(to);
        HuggingFaceFolder.CopyCompanions(from, to);
    }

    // A gradient that overflows spoils the weights after a loss that was still finite: what is good on disk must not be replaced by that.
    private void SaveCheckpoint()
    {
        if (!Trainer.WeightsAreFinite()) throw new TrainingDivergedException(Trainer.StepsDone, "a weight");
        KeepTokenizer(Path.Combine(_options.Output!, TrainingCheckpoint.TokenizerFolderName));
        TrainingCheckpoint.Save(Trainer, _options.Output!, _options.DataFingerprint, _options.Arguments, _hasEarlierModel && StepsLeft > 0);
        _saved = Trainer.StepsDone;
    }

    private long EvaluationTokens() =>
        _options.EvaluationTokens ?? Math.Max(8192, Trainer.StepsDone * Trainer.Plan.Options.BatchTokens / 10);

    private TrainingProgress Progress(float loss)
    {
        TrainingOptions options = Trainer.Plan.Options;
        double perStep = _recent.MeanSeconds(20);
        return new TrainingProgress(
            Trainer.StepsDone, options.Steps, loss, options.LearningRateSchedule.At(Trainer.StepsDone), options.BatchTokens / perStep,
            TimeSpan.FromSeconds(Math.Min(perStep * StepsLeft, LongestSeconds)));
    }

    private TrainingResult Result((double Loss, long Tokens) evaluation, bool interrupted)
    {
        int batch = Trainer.Plan.Options.BatchTokens;
        return new TrainingResult(
            Trainer.StepsDone, _recent.Count, _recent.Count * batch, _recent.MeanLoss(_recent.Last), _recent.Last, evaluation.Loss, evaluation.Tokens,
            batch / _recent.MedianSeconds(), _recent.Seconds, interrupted, _keptEarlierModel);
    }
}
