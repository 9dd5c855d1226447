using System.CommandLine;
using System.Globalization;
using Ration.Cli.Output;
using Ration.Files;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary>The options of a training run, which <c>train</c> and <c>plan</c> share, and what they mean where they are not given.</summary>
internal sealed class TrainingArguments
{
    private const long DefaultSteps = 2000;
    private const int LongestDefaultSequence = 1024;
    private static readonly ByteSize s_nanoBudget = ByteSize.FromMebibytes(256);
    private static readonly ByteSize s_tinyBudget = ByteSize.FromMebibytes(512);

    private readonly Option<string?> _output = OptionFactory.Path("--output", "DIR",
        "Where the model and its checkpoints go (default ration-output, where each run replaces the model of the one before).");
    private readonly Option<MethodQuality> _quality = OptionFactory.Choice("--quality",
        "Which methods the plan may choose where memory is short: exact ones, which change no number (default), those that round state, "
        + "activations and weights (high), or 8-bit weights and other update rules too (any).",
        ("exact", MethodQuality.Exact), ("high", MethodQuality.High), ("any", MethodQuality.Any));
    private readonly Option<string?> _optimizer = OptionFactory.Choice("--optimizer", "The update rule (default adamw).", [.. OptimizerCatalog.All.Select(static o => (o.Name, o.Name))]);
    private readonly Option<int?> _rank = OptionFactory.Number<int>("--rank", "N", "Rank of the subspace in which a low-rank rule keeps its state (default by the rule).");
    private readonly Option<string[]> _set = OptionFactory.Words("--set", "NAME=NUMBER",
        "Numbers of the update rule, such as weight-decay=0.05 beta2=0.99; a name that it does not have lists those it has. The plan keeps a rule whose numbers are set.", manyAfterOne: true);
    private readonly Option<StateFormat?> _state = OptionFactory.Choice<StateFormat?>("--state",
        "How the optimizer's state is stored between steps; small tensors keep f32, and embedding tables beside 8bit and fp8 (default f32, or as the plan chooses by --quality).",
        [.. Enum.GetValues<StateFormat>().Select(static f => (f.Name(), (StateFormat?)f))]);
    private readonly Option<WeightFormat?> _weights = OptionFactory.Choice<WeightFormat?>("--weights",
        "How matrices are held while training: bf16 and int8 round updates by chance, bf16-kahan keeps what rounding leaves over (default f32, or as the plan chooses by --quality).",
        [.. Enum.GetValues<WeightFormat>().Select(static f => (f.Name(), (WeightFormat?)f))]);
    private readonly Option<ProductFormat> _products = OptionFactory.Choice("--products",
        "In what linear layers of blocks are multiplied while training: int8 rounds both factors to bytes, but for the gradients of weights (default f32).",
        [.. Enum.GetValues<ProductFormat>().Select(static f => (f.Name(), f))]);
    private readonly Option<OpenChoice<RecomputeMode>?> _recompute = OptionFactory.ChoiceOrAuto("--recompute",
        "What is forgotten after the forward pass and computed again (default auto: the plan decides).",
        ("none", RecomputeMode.None), ("attention", RecomputeMode.Attention), ("mlp", RecomputeMode.Mlp), ("all", RecomputeMode.Blocks),
        ("sqrt", RecomputeMode.SquareRoot), ("optimal", RecomputeMode.Optimal));
    private readonly Option<ActivationMethod?> _activations = OptionFactory.Choice<ActivationMethod?>("--activations",
        "How activations wait for the backward pass: " + string.Join("; ", ActivationMethods.All.Select(static m => $"{m.Name}, {m.Description}")) + " (default f32).",
        [.. ActivationMethods.All.Select(static m => (m.Name, (ActivationMethod?)m))]);
    private readonly Option<string?> _mlpTiles = OptionFactory.Word("--mlp-tiles", "N|auto",
        "Into how many tiles of tokens MLPs are cut, so that their hidden layers do not live as a whole (default auto: the plan decides).");
    private readonly Option<OpenChoice<HeadGradient>?> _headGradient = OptionFactory.ChoiceOrAuto("--head-gradient",
        "When the gradient of the vocabulary's head is computed: early, with the loss, or late, after all blocks, so that it does not meet what they keep (default auto: the plan decides).",
        [.. Enum.GetValues<HeadGradient>().Select(static g => (g.Name(), g))]);
    private readonly Option<long?> _steps = OptionFactory.Number<long>("--steps", "N", $"Optimizer steps (default {DefaultSteps}).");
    private readonly Option<double?> _epochs = OptionFactory.Number<double>("--epochs", "N", "Passes over the data, instead of --steps.");
    private readonly Option<double?> _learningRate = OptionFactory.Number<double>("--learning-rate", "X", "Peak learning rate (default by the model's width).");
    private readonly Option<long?> _warmup = OptionFactory.Number<long>("--warmup", "STEPS", "Steps until the peak (default a twentieth of all, at most 500).");
    private readonly Option<ScheduleShape> _schedule = OptionFactory.Choice("--schedule", "How the learning rate falls after its peak (default cosine).",
        [.. Enum.GetValues<ScheduleShape>().Select(static s => (s.Name(), s))]);
    private readonly Option<float?> _clip = OptionFactory.Number<float>("--clip", "NORM", "Gradients are held to this norm (default 1, 0 for never).");
    private readonly Option<ClipScope> _clipScope = OptionFactory.Choice("--clip-scope",
        "What --clip limits: the norm of each parameter, which lets gradients be released early, of all together, the same in two backward passes, which does both, "
        + "or each element (default parameter).",
        [.. Enum.GetValues<ClipScope>().Select(static s => (s.Name(), s))]);
    private readonly Option<float?> _dropout = OptionFactory.Number<float>("--dropout", "P", "Probability of dropout (default 0).");
    private readonly Option<LossMethod> _loss = OptionFactory.Choice("--loss",
        "How the loss over the vocabulary is computed: in blocks that are cut to the cache (the default), so without the parts of the gradient that are negligible, by chunks of tokens, "
        + "with all logits kept, or over a sample of the vocabulary. The second and the last are not exact; evaluation always is.",
        [.. Enum.GetValues<LossMethod>().Select(static m => (LossOptions.NameOf(m), m))]);
    private readonly Option<float?> _filterThreshold = OptionFactory.Number<float>("--filter-threshold", "X", "What is negligible for --loss cut-filtered (default 0.000244, which is 2^-12).");
    private readonly Option<double?> _sampleShare = OptionFactory.Number<double>("--sample-share", "X", "The part of the vocabulary that --loss sampled draws for each step (default 0.1).");
    private readonly Option<int?> _microBatch = OptionFactory.Number<int>("--micro-batch", "ROWS", "Rows that go through the model at once (default: the plan decides).");
    private readonly Option<long?> _checkpointEvery = OptionFactory.Number<long>("--checkpoint-every", "STEPS", "Steps between checkpoints (default: one every ten minutes).");
    private readonly Option<long?> _evaluationTokens = OptionFactory.Number<long>("--eval-tokens", "N",
        "Held-out tokens to evaluate on at the end, at the most, in whole rows, of which at least one is taken (default a tenth of what was trained on, and no fewer than 8,192).");
    private readonly Option<string?> _tokenizer = OptionFactory.Word("--tokenizer", "KIND",
        "What a preset reads: bytes (the default), or train:N for a vocabulary of N tokens learnt from the data first.");
    private readonly Option<bool> _overwrite = OptionFactory.Switch("--overwrite", "Start anew where the output folder holds a model, or a run that is not finished.");
    private readonly Option<bool> _resume = OptionFactory.Switch("--resume", "Go on from the checkpoint in the output folder, with the options that its run was started with.");

    /// <summary>Adds all options to a command, in groups.</summary>
    /// <param name="command">The command.</param>
    /// <param name="more">Options of the command itself, which belong to its output.</param>
    public void AddTo(GroupedCommand command, params ReadOnlySpan<Option> more)
    {
        command.AddGroup("Model and data", CommonOptions.Model, CommonOptions.Data, _tokenizer);
        command.AddGroup("Length of the run", _steps, _epochs, CommonOptions.Batch, CommonOptions.Sequence);
        command.AddGroup("Memory", CommonOptions.Memory, _quality, _microBatch, _recompute, _activations, _mlpTiles, _headGradient);
        command.AddGroup("Update rule", _optimizer, _rank, _set, _state, _learningRate, _warmup, _schedule, _clip, _clipScope);
        command.AddGroup("Weights, products and loss", _weights, _products, _dropout, _loss, _filterThreshold, _sampleShare);
        command.AddGroup("Machine and randomness", CommonOptions.Threads, CommonOptions.Seed);
        command.AddGroup("Output", [_output, _overwrite, _resume, _checkpointEvery, _evaluationTokens, .. more, CommonOptions.Json]);
    }

    /// <summary>The model.</summary>
    public static ModelSource ReadModel(ParseResult parsed) => ModelSource.Open(parsed.GetValue(CommonOptions.Model) ?? CommonOptions.DefaultModel);

    /// <summary>The vocabulary to learn, or null for the model's own tokens.</summary>
    /// <exception cref="InvalidInputException">What was given is none, or the model has a tokenizer already.</exception>
    public TokenizerChoice? ReadTokenizer(ParseResult parsed, ModelSource source)
    {
        if (parsed.GetValue(_tokenizer) is not { } text) return null;
        TokenizerChoice choice = TokenizerChoice.Parse(text);
        if (source.Path is not null)
            throw new InvalidInputException($"--tokenizer {text}: a vocabulary is learnt for a preset, and {source.Path} is a model with tokens of its own; leave it out, or start from a preset");
        return choice.Vocabulary is null ? null : choice;
    }

    /// <summary>The folder to write to.</summary>
    /// <exception cref="InvalidInputException">What was given is the name of a file.</exception>
    public string ReadOutput(ParseResult parsed) => parsed.GetValue(_output) switch
    {
        null => "ration-output",
        var file when file.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) =>
            throw new InvalidInputException($"--output {file}: a run writes a folder; name one, and make a GGUF file of it with ration convert"),
        var folder => folder,
    };

    /// <summary>Whether that folder was chosen.</summary>
    public bool NamesOutput(ParseResult parsed) => parsed.GetValue(_output) is not null;

    /// <summary>Whether to resume a run.</summary>
    /// <exception cref="InvalidInputException">It is to be replaced as well.</exception>
    public bool ReadResume(ParseResult parsed) => parsed.GetValue(_resume) switch
    {
        true when ReadOverwrite(parsed) => throw new InvalidInputException("--resume and --overwrite exclude each other; give one of them"),
        var resume => resume,
    };

    /// <summary>The command line with what the run was started with, where that is resumed; else as it is.</summary>
    /// <exception cref="InvalidInputException">There is nothing to resume, or the run still goes on.</exception>
    public ParseResult Resumed(ParseResult parsed)
    {
        if (!ReadResume(parsed)) return parsed;
        string output = ReadOutput(parsed);
        RunLock.RequireFree(output, "--output");
        if (parsed.GetResult(_quality) is { Implicit: false }) Log.Line("note: --quality chooses methods for a new run; one that is resumed keeps those it began with");
        return RunArguments.Resumed(parsed, output);
    }

    /// <summary>Whether a model or an unfinished run may be replaced.</summary>
    public bool ReadOverwrite(ParseResult parsed) => parsed.GetValue(_overwrite);

    /// <summary>The budget: what was asked for, or what is usual for the model; null for what the machine has free.</summary>
    public static ByteSize? ReadMemory(ParseResult parsed, ModelSource source) => parsed.GetValue(CommonOptions.Memory) ?? DefaultMemory(source);

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
        int batch = parsed.GetValue(CommonOptions.Batch) ?? sequence * Math.Clamp((1 << 24) / sequence, 1, 4);
        OptimizerSettings settings = Settings(parsed, source.Configuration, batch, batch / sequence);
        IOptimizer rule = OptimizerCatalog.Create(parsed.GetValue(_optimizer) ?? OptimizerCatalog.All[0].Name, settings);
        RequireLayers(settings, source.Configuration);
        TrainingOptions options = new()
        {
            Model = source.Configuration,
            Memory = ReadMemory(parsed, source),
            Steps = Steps(parsed, batch, trainingTokens),
            BatchTokens = batch,
            Sequence = sequence,
            LearningRate = parsed.GetValue(_learningRate),
            Schedule = parsed.GetValue(_schedule),
            WarmupSteps = parsed.GetValue(_warmup),
            Quality = parsed.GetValue(_quality),
            RuleSettings = parsed.GetValue(_optimizer) is null && parsed.GetValue(_learningRate) is null && settings.Numbers.Count == 0 ? settings : null,
            Optimizer = rule,
            State = parsed.GetValue(_state),
            Weights = parsed.GetValue(_weights),
            Products = parsed.GetValue(_products),
            ClipNorm = parsed.GetValue(_clip) ?? 1,
            ClipScope = ReadClipScope(parsed),
            Dropout = parsed.GetValue(_dropout) ?? 0,
            Loss = ReadLoss(parsed),
            Seed = parsed.GetValue(CommonOptions.Seed) ?? 1,
            Threads = CommonOptions.ReadThreads(parsed),
            Recompute = parsed.GetValue(_recompute)?.Choice,
            Activations = parsed.GetValue(_activations),
            MlpTiles = MlpTiles(parsed.GetValue(_mlpTiles)),
            HeadGradient = parsed.GetValue(_headGradient)?.Choice,
            MicroBatchRows = parsed.GetValue(_microBatch),
        };
        options.Validate();
        if (source.Path is not null) ModelFolder.RequireSavable(options.Model);
        return options;
    }

    /// <summary>Says that rows are longer than a model that is trained further is meant for; a new one is made for them.</summary>
    public static void NoteLongRows(ModelSource source, TrainingOptions options)
    {
        if (source.Path is not null) CommonOptions.NoteLongRows(options.Sequence, options.Model);
    }

    /// <summary>Refuses a format of state where a rule keeps none.</summary>
    /// <exception cref="InvalidInputException">There is no state.</exception>
    public static void RequireState(TrainingOptions options, TrainingPlan plan)
    {
        if (options.State is null || plan.RuleKeepsState) return;
        throw new InvalidInputException($"--state means nothing to --optimizer {plan.Options.Optimizer.Name}, which keeps no state; leave it out");
    }

    private ClipScope ReadClipScope(ParseResult parsed) => parsed.GetResult(_clipScope) is not null && parsed.GetValue(_clip) == 0
        ? throw new InvalidInputException("--clip-scope means nothing with --clip 0, which never clips; give one or the other")
        : parsed.GetValue(_clipScope);

    private LossOptions ReadLoss(ParseResult parsed)
    {
        LossOptions loss = new()
        {
            Method = parsed.GetValue(_loss),
            FilterThreshold = parsed.GetValue(_filterThreshold) ?? LossOptions.DefaultFilterThreshold,
            SampleShare = parsed.GetValue(_sampleShare) ?? LossOptions.DefaultSampleShare,
        };
        if (parsed.GetValue(_filterThreshold) is not null && loss.Method != LossMethod.Filtered)
            throw new InvalidInputException("--filter-threshold means nothing without --loss cut-filtered; give both or neither");
        if (parsed.GetValue(_sampleShare) is not null && loss.Method != LossMethod.Sampled)
            throw new InvalidInputException("--sample-share means nothing without --loss sampled; give both or neither");
        return loss;
    }

    private static int? MlpTiles(string? text) => text is null or "auto" ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int tiles) ? tiles : throw new InvalidInputException($"--mlp-tiles '{text}': give a number of tiles, or auto");

    private OptimizerSettings Settings(ParseResult parsed, ModelConfiguration model, int batch, int rows)
    {
        int? rank = parsed.GetValue(_rank);
        if (rank < 1) throw new InvalidInputException($"--rank {rank}: give at least 1");
        if (rank is { } asked) RequireRank(parsed, model, asked);
        return new OptimizerSettings
        {
            Rank = rank,
            TokensPerStep = Math.Max(1, batch),
            GradientParts = Parts(rows, parsed.GetValue(_microBatch)),
            Numbers = ReadNumbers(parsed),
            Seed = parsed.GetValue(CommonOptions.Seed) ?? 1,
        };
    }

    private Dictionary<string, double> ReadNumbers(ParseResult parsed)
    {
        Dictionary<string, double> numbers = [];
        foreach (string word in parsed.GetValue(_set) ?? [])
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || !double.TryParse(word.AsSpan(equals + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) || !double.IsFinite(number))
                throw new InvalidInputException($"--set '{word}': give a name, = and a number, such as weight-decay=0.05");
            string name = word[..equals];
            if (parsed.CommandResult.Command.Options.Any(o => o.Name == $"--{name}"))
                throw new InvalidInputException($"--set {name}: that is an option of its own; give --{name} {word[(equals + 1)..]}");
            if (!numbers.TryAdd(name, number)) throw new InvalidInputException($"--set {name} is given twice; give it once");
        }

        return numbers;
    }

    private void RequireRank(ParseResult parsed, ModelConfiguration model, int rank)
    {
        string? named = parsed.GetValue(_optimizer);
        OptimizerEntry rule = OptimizerCatalog.All.Single(o => o.Name == (named ?? OptimizerCatalog.All[0].Name));
        // Where the plan may choose the rule, it may be one that has a rank.
        bool isOpen = named is null && parsed.GetValue(_learningRate) is null && parsed.GetResult(_set) is null && parsed.GetValue(_quality) == MethodQuality.Any;
        if (rule.Rank == RankKind.None && !isOpen)
        {
            string known = string.Join(", ", OptimizerCatalog.All.Where(static o => o.Rank != RankKind.None).Select(static o => o.Name));
            throw new InvalidInputException($"--rank means nothing to --optimizer {rule.Name}; leave it out, or give one that has a rank: {known}");
        }

        long most = TransformerModel.ParameterShapes(model).Where(static p => p.Shape.Rank >= 2).Max(p => rule.MostRank(p.Shape));
        if (rank > most) throw new InvalidInputException($"--rank {rank} is more than any matrix of {model.Name} has; give at most {most}, and to save memory much less");
    }

    // A rule's own number of them may be more than a small model has: then it trains all.
    private static void RequireLayers(OptimizerSettings settings, ModelConfiguration model)
    {
        if (settings.Numbers.TryGetValue("layers", out double layers) && layers > model.Layers)
            throw new InvalidInputException($"--set layers={layers} is more than {model.Name} has, which is {Counted.Of(model.Layers, "block")}; give at most {model.Layers}");
    }

    // Micro-batches as asked for, or as many as divide the rows of a step and are at most eight: more would tell little more of the variance.
    private static int Parts(int rows, int? microBatch) =>
        microBatch > 0 ? rows / microBatch.Value : Enumerable.Range(1, 8).Where(n => rows % n == 0).DefaultIfEmpty(1).Max();

    /// <summary>How the run is kept.</summary>
    public TrainingRunOptions ReadRunOptions(ParseResult parsed, ModelSource source, string? tokenizer, string dataFingerprint)
    {
        long every = parsed.GetValue(_checkpointEvery) ?? 0;
        if (parsed.GetValue(_checkpointEvery) < 1) throw new InvalidInputException($"--checkpoint-every {every}: give at least 1, or leave it out for one every ten minutes");
        long? evaluation = parsed.GetValue(_evaluationTokens);
        if (evaluation < 1) throw new InvalidInputException($"--eval-tokens {evaluation}: give at least 1");
        return new TrainingRunOptions(ReadOutput(parsed), ReadResume(parsed), every, tokenizer, dataFingerprint, evaluation, source.Path)
        {
            Arguments = RunArguments.Of(parsed, [_output, _resume, _overwrite, CommonOptions.Json, CommonOptions.Threads]),
        };
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
        if (!(epochs is > 0 and < 1e9)) throw new InvalidInputException($"--epochs {epochs}: give a number above 0 and below 1,000,000,000");
        if (trainingTokens == 0) throw new InvalidInputException("--epochs needs --data, whose length decides the number of steps");
        return Math.Max(1, (long)Math.Round(epochs * trainingTokens / Math.Max(1, batch)));
    }
}
