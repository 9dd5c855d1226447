using System.CommandLine;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary>The options of a training run, which <c>train</c> and <c>plan</c> share, and what they mean where they are not given.</summary>
internal sealed class TrainingArguments
{
    private const long DefaultSteps = 2000;
    private const int LongestDefaultSequence = 1024;
    private static readonly ByteSize s_nanoBudget = ByteSize.FromMebibytes(256);
    private static readonly ByteSize s_tinyBudget = ByteSize.FromMebibytes(512);

    private readonly Option<string?> _output = OptionFactory.Word("--output", "DIR", "Where the model and its checkpoints go (default ration-output).");
    private readonly Option<string?> _quality = OptionFactory.Choice("--quality",
        "Which methods the plan may use. All methods there are so far are exact, so high and any plan the same (default exact).", ("exact", "exact"), ("high", "high"), ("any", "any"));
    private readonly Option<string?> _optimizer = OptionFactory.Choice("--optimizer", "The update rule (default adamw).", [.. OptimizerCatalog.All.Select(static o => (o.Name, o.Name))]);
    private readonly Option<int?> _rank = OptionFactory.Number<int>("--rank", "N", "Rank of the subspace in which a low-rank rule keeps its state (default by the rule).");
    private readonly Option<RecomputeMode?> _recompute = OptionFactory.Choice<RecomputeMode?>("--recompute",
        "What is forgotten after the forward pass and computed again (default auto: the plan decides).",
        ("auto", null), ("none", RecomputeMode.None), ("all", RecomputeMode.Blocks), ("sqrt", RecomputeMode.SquareRoot));
    private readonly Option<long?> _steps = OptionFactory.Number<long>("--steps", "N", $"Optimizer steps (default {DefaultSteps}).");
    private readonly Option<double?> _epochs = OptionFactory.Number<double>("--epochs", "N", "Passes over the data, instead of --steps.");
    private readonly Option<int?> _batch = OptionFactory.Number<int>("--batch", "TOKENS", "Tokens of a step (default four rows).");
    private readonly Option<double?> _learningRate = OptionFactory.Number<double>("--learning-rate", "X", "Peak learning rate (default by the model's width).");
    private readonly Option<long?> _warmup = OptionFactory.Number<long>("--warmup", "STEPS", "Steps until the peak (default a twentieth of all, at most 500).");
    private readonly Option<ScheduleShape> _schedule = OptionFactory.Choice("--schedule", "How the learning rate falls after its peak (default cosine).",
        ("cosine", ScheduleShape.Cosine), ("linear", ScheduleShape.Linear), ("constant", ScheduleShape.Constant));
    private readonly Option<float?> _clip = OptionFactory.Number<float>("--clip", "NORM", "Gradients are held to this norm (default 1, 0 for never).");
    private readonly Option<ClipScope> _clipScope = OptionFactory.Choice("--clip-scope",
        "What --clip limits: the norm of each parameter, which lets gradients be released early, of all together, the same in two backward passes, which does both, or each element (default parameter).",
        ("parameter", ClipScope.Parameter), ("global", ClipScope.Global), ("two-pass", ClipScope.TwoPass), ("value", ClipScope.Value));
    private readonly Option<float?> _dropout = OptionFactory.Number<float>("--dropout", "P", "Probability of dropout (default 0).");
    private readonly Option<int?> _microBatch = OptionFactory.Number<int>("--micro-batch", "ROWS", "Rows that go through the model at once (default: the plan decides).");
    private readonly Option<long?> _checkpointEvery = OptionFactory.Number<long>("--checkpoint-every", "STEPS", "Steps between checkpoints (default: one every ten minutes).");
    private readonly Option<long?> _evaluationTokens = OptionFactory.Number<long>("--eval-tokens", "N", "Held-out tokens to evaluate on at the end, at the most.");
    private readonly Option<string?> _tokenizer = OptionFactory.Word("--tokenizer", "KIND", "What a preset reads: bytes (the default), or train:N for a vocabulary of N tokens learnt from the data first.");
    private readonly Option<bool> _overwrite = OptionFactory.Switch("--overwrite", "Start anew where the output folder holds a run that is not finished.");
    private readonly Option<bool> _resume = OptionFactory.Switch("--resume", "Go on from the checkpoint in the output folder.");

    /// <summary>Adds all options to a command.</summary>
    public void AddTo(Command command)
    {
        ReadOnlySpan<Option> all =
        [
            CommonOptions.Model, CommonOptions.Data, _output, CommonOptions.Memory, _quality, _optimizer, _rank, _recompute, _steps, _epochs, _batch,
            CommonOptions.Sequence, _learningRate, _warmup, _schedule, _clip, _clipScope, _dropout, _microBatch, CommonOptions.Seed,
            CommonOptions.Threads, _tokenizer, _checkpointEvery, _evaluationTokens, _resume, _overwrite, CommonOptions.Json,
        ];
        foreach (Option option in all) command.Options.Add(option);
    }

    /// <summary>The model.</summary>
    public static ModelSource ReadModel(ParseResult parsed) => ModelSource.Open(parsed.GetValue(CommonOptions.Model) ?? "preset:nano");

    /// <summary>The vocabulary to learn, or null for the model's own tokens.</summary>
    /// <exception cref="InvalidInputException">What was given is none, or the model has a tokenizer already.</exception>
    public TokenizerChoice? ReadTokenizer(ParseResult parsed, ModelSource source)
    {
        if (parsed.GetValue(_tokenizer) is not { } text) return null;
        TokenizerChoice choice = TokenizerChoice.Parse(text);
        if (source.Path is not null) throw new InvalidInputException($"--tokenizer {text}: {source.Path} has its tokenizer already; leave it out, or start from a preset");
        return choice.Vocabulary is null ? null : choice;
    }

    /// <summary>The folder to write to.</summary>
    public string ReadOutput(ParseResult parsed) => parsed.GetValue(_output) ?? "ration-output";

    /// <summary>Whether to go on with a run.</summary>
    public bool ReadResume(ParseResult parsed) => parsed.GetValue(_resume);

    /// <summary>Whether an unfinished run may be replaced.</summary>
    public bool ReadOverwrite(ParseResult parsed) => parsed.GetValue(_overwrite);

    /// <summary>Tokens of a row: what was asked for, or the model's context, if that is not long.</summary>
    public static int ReadSequence(ParseResult parsed, ModelConfiguration model)
    {
        int sequence = parsed.GetValue(CommonOptions.Sequence) ?? Math.Min(model.Context, LongestDefaultSequence);
        return sequence is > 0 and <= 1 << 24 ? sequence : throw new InvalidInputException($"--sequence {sequence}: give 1 to 16,777,216");
    }

    /// <summary>The run.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="source">The model.</param>
    /// <param name="trainingTokens">Tokens of an epoch; 0 where no data was given.</param>
    /// <exception cref="InvalidInputException">Something cannot be used.</exception>
    public TrainingOptions ReadOptions(ParseResult parsed, ModelSource source, long trainingTokens)
    {
        int sequence = ReadSequence(parsed, source.Configuration);
        int batch = parsed.GetValue(_batch) ?? (int)Math.Min(4L * sequence, 1 << 24);
        TrainingOptions options = new()
        {
            Model = source.Configuration,
            Memory = parsed.GetValue(CommonOptions.Memory) ?? DefaultMemory(source),
            Steps = Steps(parsed, batch, trainingTokens),
            BatchTokens = batch,
            Sequence = sequence,
            LearningRate = parsed.GetValue(_learningRate),
            Schedule = parsed.GetValue(_schedule),
            WarmupSteps = parsed.GetValue(_warmup),
            Optimizer = OptimizerCatalog.Create(parsed.GetValue(_optimizer) ?? OptimizerCatalog.All[0].Name, Settings(parsed, batch, batch / sequence)),
            ClipNorm = parsed.GetValue(_clip) ?? 1,
            ClipScope = parsed.GetValue(_clipScope),
            Dropout = parsed.GetValue(_dropout) ?? 0,
            Seed = parsed.GetValue(CommonOptions.Seed) ?? 1,
            Threads = CommonOptions.ReadThreads(parsed),
            Recompute = parsed.GetValue(_recompute),
            MicroBatchRows = parsed.GetValue(_microBatch),
        };
        options.Validate();
        return options;
    }

    private OptimizerSettings Settings(ParseResult parsed, int batch, int rows)
    {
        int? rank = parsed.GetValue(_rank);
        if (rank < 1) throw new InvalidInputException($"--rank {rank}: give at least 1");
        return new OptimizerSettings { Rank = rank, TokensPerStep = Math.Max(1, batch), GradientParts = Parts(rows, parsed.GetValue(_microBatch)), Seed = parsed.GetValue(CommonOptions.Seed) ?? 1 };
    }

    // Micro-batches as asked for, or as many as divide the rows of a step and are at most eight: more would tell little more of the variance.
    private static int Parts(int rows, int? microBatch) =>
        microBatch > 0 ? rows / microBatch.Value : Enumerable.Range(1, 8).Where(n => rows % n == 0).DefaultIfEmpty(1).Max();

    /// <summary>How the run is kept.</summary>
    public TrainingRunOptions ReadRunOptions(ParseResult parsed, ModelSource source, string? tokenizer, string dataFingerprint)
    {
        long every = parsed.GetValue(_checkpointEvery) ?? 0;
        if (every < 0) throw new InvalidInputException($"--checkpoint-every {every}: give a number of steps, or 0 for one every ten minutes");
        long? evaluation = parsed.GetValue(_evaluationTokens);
        if (evaluation < 1) throw new InvalidInputException($"--eval-tokens {evaluation}: give at least 1");
        return new TrainingRunOptions(ReadOutput(parsed), ReadResume(parsed), every, tokenizer, dataFingerprint, evaluation, source.Path);
    }

    // The presets that train in minutes should also do so in little memory; whatever is larger takes what the machine has free.
    private static ByteSize? DefaultMemory(ModelSource source) => source.Path is not null ? null : source.Configuration.Name switch
    {
        "nano" => s_nanoBudget,
        "tiny" => s_tinyBudget,
        _ => null,
    };

    private long Steps(ParseResult parsed, int batch, long trainingTokens)
    {
        if (parsed.GetValue(_epochs) is not { } epochs) return parsed.GetValue(_steps) ?? DefaultSteps;
        if (parsed.GetValue(_steps) is not null) throw new InvalidInputException("--steps and --epochs exclude each other; give one of them");
        if (!(epochs is > 0 and < 1e9)) throw new InvalidInputException($"--epochs {epochs}: give a positive number");
        if (trainingTokens == 0) throw new InvalidInputException("--epochs needs --data, whose length decides the number of steps");
        return Math.Max(1, (long)Math.Round(epochs * trainingTokens / Math.Max(1, batch)));
    }
}
