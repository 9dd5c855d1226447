using System.Globalization;
using System.Text;
using Ration.Files;
using Ration.Files.Safetensors;
using Ration.Graphs;
using Ration.Memory;
using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Training;

/// <summary>What a checkpoint says of its run, readable before any memory is planned.</summary>
/// <param name="StepsDone">Steps done.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Choices">How memory was arranged: kept on resuming, so that sums are added up in the same order.</param>
/// <param name="Fingerprint">The options that change the numbers.</param>
/// <param name="DataFingerprint">Names the data.</param>
/// <param name="Arguments">What the run was started with, in words of whoever started it; empty where that was not said.</param>
/// <param name="IsCurrent">Whether this version can resume it; others wrote state differently.</param>
/// <param name="HasEarlierModel">Whether the model beside it is that of a run before, which stays until this one is done.</param>
public sealed record CheckpointHeader(
    long StepsDone, long Steps, MemoryChoices Choices, string Fingerprint, string DataFingerprint, string Arguments, bool IsCurrent, bool HasEarlierModel)
{
    /// <summary>Whether the run has come to its end.</summary>
    public bool IsDone => StepsDone >= Steps;
}

/// <summary>
/// The state of a run in one file, replaced atomically: a kill at any instant leaves the one before. Weights and optimizer state are
/// tensors by name with checksums, the rest is metadata.
/// </summary>
public static class TrainingCheckpoint
{
    /// <summary>Name of the file in the output folder.</summary>
    public const string FileName = "checkpoint.safetensors";

    /// <summary>
    /// The folder in the output folder that keeps the tokenizer of the run, where it has one of its own: that beside an earlier model stays as it is until the run's
    /// model takes that one's place.
    /// </summary>
    public const string TokenizerFolderName = "checkpoint-tokenizer";

    private const string AnyFormat = "ration-checkpoint-", Format = AnyFormat + "3";
    private const string ChecksumKey = "checksum";

    private const string ActivationsKey = "activations", RuleKey = "rule", StateKey = "state", WeightsKey = "weights", TilesKey = "mlp_tiles", HeadKey = "head_gradient",
        ArgumentsKey = "arguments", EarlierModelKey = "earlier_model";

    // Left out where nothing was chosen or said.
    private static readonly string[] s_optional = [ActivationsKey, RuleKey, StateKey, WeightsKey, TilesKey, HeadKey, ArgumentsKey, EarlierModelKey];

    // The tensors have checksums of their own. A wrong digit in one of these would train on from the wrong place and say nothing.
    private static readonly string[] s_checked = ["format", "steps_done", "steps", "micro_batch_rows", "recompute", "release", "options", "data", .. s_optional];

    /// <summary>Writes the state of a trainer.</summary>
    /// <param name="trainer">The trainer.</param>
    /// <param name="folder">Made where it is missing.</param>
    /// <param name="dataFingerprint">Names the data.</param>
    /// <param name="arguments">What the run was started with, in words of whoever started it.</param>
    /// <param name="hasEarlierModel">Whether the model in the folder is that of a run before.</param>
    public static void Save(Trainer trainer, string folder, string dataFingerprint, string arguments = "", bool hasEarlierModel = false)
    {
        Directory.CreateDirectory(folder);
        SafetensorsWriter writer = new();
        MemoryChoices choices = trainer.Plan.Choices;
        Dictionary<string, string> header = new()
        {
            ["format"] = Format,
            ["steps_done"] = trainer.StepsDone.ToString(CultureInfo.InvariantCulture),
            ["steps"] = trainer.Plan.Options.Steps.ToString(CultureInfo.InvariantCulture),
            ["micro_batch_rows"] = choices.MicroBatchRows.ToString(CultureInfo.InvariantCulture),
            ["recompute"] = choices.Recompute.ToString(),
            ["release"] = choices.Release ? "yes" : "no",
            ["options"] = Fingerprint(trainer.Plan.Options),
            ["data"] = dataFingerprint,
        };
        if (choices.Activations != ActivationMethods.Full) header[ActivationsKey] = choices.Activations.Name;
        if (choices.Methods.Rule is { } rule) header[RuleKey] = rule;
        if (choices.Methods.State is { } state) header[StateKey] = state.ToString();
        if (choices.Methods.Weights is { } weights) header[WeightsKey] = weights.ToString();
        if (choices.MlpTiles != 1) header[TilesKey] = choices.MlpTiles.ToString(CultureInfo.InvariantCulture);
        if (choices.HeadGradient != HeadGradient.Early) header[HeadKey] = choices.HeadGradient.ToString();
        if (arguments.Length > 0) header[ArgumentsKey] = arguments;
        if (hasEarlierModel) header[EarlierModelKey] = "yes";
        foreach ((string key, string text) in header) writer.SetMetadata(key, text);
        writer.SetMetadata(ChecksumKey, ChecksumOf(header.GetValueOrDefault));
        PersistentTensors.Save(writer, Path.Combine(folder, FileName), State(trainer), trainer.Executor);
    }

    /// <summary>Reads the header of the checkpoint in a folder.</summary>
    /// <exception cref="InvalidInputException">There is none, or it is damaged.</exception>
    public static CheckpointHeader ReadHeader(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new InvalidInputException($"there is no checkpoint {InvalidInputException.Quote(path)} to resume from; leave out --resume to start anew");
        using SafetensorsReader reader = Open(path);
        IReadOnlyDictionary<string, string> metadata = reader.Metadata;
        string Text(string key) => metadata.TryGetValue(key, out string? text) ? text : throw Damaged(path, $"it does not say its {key}");
        if (!Text("format").StartsWith(AnyFormat, StringComparison.Ordinal)) throw Damaged(path, "it is of another format");
        foreach (string key in s_checked.Except(s_optional)) _ = Text(key);
        if (Text(ChecksumKey) != ChecksumOf(metadata.GetValueOrDefault)) throw Damaged(path, "what it says of its run does not have the checksum it should");
        long Number(string key) => long.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw Damaged(path, $"its {key} is not a number");
        if (!int.TryParse(Text("micro_batch_rows"), NumberStyles.None, CultureInfo.InvariantCulture, out int rows) || rows == 0) throw Damaged(path, "its micro-batch is not a number");
        if (!int.TryParse(metadata.GetValueOrDefault(TilesKey, "1"), NumberStyles.None, CultureInfo.InvariantCulture, out int tiles) || tiles == 0) throw Damaged(path, "its tiles are not a number");
        T? Choice<T>(string key)
            where T : struct, Enum => metadata.TryGetValue(key, out string? name) ? Enum.Parse<T>(name) : null;
        try
        {
            MemoryChoices choices = new(rows, RecomputeChoice.Parse(Text("recompute")), Text("release") == "yes")
            {
                Activations = ActivationMethods.Parse(metadata.GetValueOrDefault(ActivationsKey, ActivationMethods.Full.Name)),
                Methods = new MethodChoices(metadata.GetValueOrDefault(RuleKey), Choice<StateFormat>(StateKey), Choice<WeightFormat>(WeightsKey)),
                MlpTiles = tiles,
                HeadGradient = Choice<HeadGradient>(HeadKey) ?? HeadGradient.Early,
            };
            return new CheckpointHeader(Number("steps_done"), Number("steps"), choices, Text("options"), Text("data"), metadata.GetValueOrDefault(ArgumentsKey, ""),
                Text("format") == Format, metadata.ContainsKey(EarlierModelKey));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw Damaged(path, e.Message);
        }
    }

    /// <summary>Reads the header of the checkpoint in a folder, to resume the run that these options describe.</summary>
    /// <exception cref="InvalidInputException">There is none, it is damaged, or it is of other options.</exception>
    public static CheckpointHeader ReadHeader(string folder, TrainingOptions options)
    {
        CheckpointHeader header = ReadHeader(folder);
        string path = Path.Combine(folder, FileName), now = Fingerprint(options.With(header.Choices.Methods));
        if (!header.IsCurrent)
            throw new InvalidInputException(
                $"{InvalidInputException.Quote(path)} is of another version of Ration, which stored state differently; go on with that version, or give --overwrite instead of --resume to start anew");
        if (header.Fingerprint != now)
            throw new InvalidInputException(
                $"{InvalidInputException.Quote(path)} was made with other options: {Difference(header.Fingerprint, now)}; leave out what was not given then, "
                + $"or give --overwrite instead of --resume to start anew{Further(header, folder)}");
        if (Arranged(header.Choices, options) is { } other)
            throw new InvalidInputException(
                $"{InvalidInputException.Quote(path)} is of a run with {other}, and a resumed run keeps the arrangement of memory that it began with; "
                + "leave that option out, or give --overwrite instead of --resume to start anew");
        if (options.Rows % header.Choices.MicroBatchRows != 0) throw Damaged(path, $"micro-batches of {header.Choices.MicroBatchRows} do not make up its {options.Rows} rows");
        return header;
    }

    // An arrangement of a run that is not the one that is asked for now, in the words of its option; null where all are.
    private static string? Arranged(MemoryChoices choices, TrainingOptions asked) =>
        asked.MicroBatchRows is { } rows && rows != choices.MicroBatchRows ? $"--micro-batch {choices.MicroBatchRows}"
        : asked.Recompute is { } recompute && recompute != choices.Recompute.Mode ? choices.Recompute.Mode switch
        {
            RecomputeMode.Optimal => "--recompute optimal",
            RecomputeMode.Blocks when choices.Recompute.Blocks == asked.Model.Layers => "--recompute all",
            RecomputeMode.Blocks => $"recomputation {choices.Recompute}",
            _ => $"--recompute {choices.Recompute}",
        }
        : asked.Activations is { } activations && activations != choices.Activations ? $"--activations {choices.Activations.Name}"
        : asked.MlpTiles is { } tiles && tiles != choices.MlpTiles ? $"--mlp-tiles {choices.MlpTiles}"
        : asked.HeadGradient is { } head && head != choices.HeadGradient ? $"--head-gradient {choices.HeadGradient.Name()}"
        : null;

    /// <summary>Refuses data that are not those of the run.</summary>
    /// <param name="header">The checkpoint.</param>
    /// <param name="folder">The folder that it lies in.</param>
    /// <param name="dataFingerprint">Names the data.</param>
    /// <param name="hint">What may have changed, for the message.</param>
    /// <param name="inWords">What names data, as people read it; null for as it is.</param>
    /// <exception cref="InvalidInputException">They are others.</exception>
    public static void RequireSameData(CheckpointHeader header, string folder, string dataFingerprint, string hint = "", Func<string, string>? inWords = null)
    {
        if (header.DataFingerprint == dataFingerprint) return;
        (string then, string now) = inWords is null ? (header.DataFingerprint, dataFingerprint) : (inWords(header.DataFingerprint), inWords(dataFingerprint));
        throw new InvalidInputException(
            $"{InvalidInputException.Quote(Path.Combine(folder, FileName))} was made with other data ({then}, now {now}{hint}); "
            + "give the same data, or --overwrite instead of --resume to start anew");
    }

    /// <summary>Sets a trainer to the state of the checkpoint in a folder.</summary>
    /// <exception cref="InvalidInputException">The checkpoint is damaged or of another run.</exception>
    public static void Load(Trainer trainer, string folder, string dataFingerprint)
    {
        CheckpointHeader header = ReadHeader(folder, trainer.Plan.Options);
        string path = Path.Combine(folder, FileName);
        RequireSameData(header, folder, dataFingerprint);
        using SafetensorsReader reader = Open(path);
        try
        {
            PersistentTensors.Load(reader, State(trainer), trainer.Executor);
        }
        catch (FileFormatException e)
        {
            throw Damaged(path, e.What);
        }

        trainer.StepsDone = header.StepsDone;
    }

    /// <summary>Everything in the options that changes the numbers, as text; the same under every culture.</summary>
    public static string Fingerprint(TrainingOptions options)
    {
        // Records write their numbers as the current culture does, whatever culture the text around them is made with.
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            return string.Join("; ", Facts(options));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static string[] Facts(TrainingOptions options)
    {
        TrainingStep step = options.Step;
        LearningRateSchedule schedule = options.LearningRateSchedule;
        return
        [
            $"--model ({step.Model with { Name = "" }})",
            $"--batch {options.BatchTokens}",
            $"--sequence {step.Sequence}",
            $"--optimizer {step.Optimizer.Name}",
            $"--set, --rank or --seed of the update rule ({step.Optimizer})",
            $"--state {step.State.Name()}",
            $"--weights {step.Weights.Name()}",
            $"--products {step.Products.Name()}",
            $"--clip {step.ClipNorm}",
            $"--clip-scope {step.ClipScope.Name()}",
            $"--dropout {step.Dropout}",
            $"--loss {LossOptions.NameOf(step.Loss.Method)} ({step.Loss})",
            $"--seed {options.Seed}",
            $"--steps {schedule.Steps}",
            $"--warmup {schedule.WarmupSteps}",
            $"--schedule {schedule.Shape.Name()}",
            $"--learning-rate {schedule.Peak}",
            $"final rate {schedule.FinalShare}",
        ];
    }

    internal static string ChecksumOf(Func<string, string?> text)
    {
        Checksum checksum = default;
        foreach (string key in s_checked)
        {
            if (text(key) is { } value) checksum.Append(Encoding.UTF8.GetBytes($"{key}={value}\n"));
        }

        return checksum.ToString();
    }

    // A checkpoint was not downloaded, so the advice differs from that for model files.
    private static SafetensorsReader Open(string path)
    {
        if (InputFile.LengthOf(path) == 0) throw Damaged(path, "it is empty");
        try
        {
            return SafetensorsReader.Open(path);
        }
        catch (FileFormatException e)
        {
            throw Damaged(path, e.What);
        }
    }

    private static Value[] State(Trainer trainer) => [.. trainer.Plan.Program.Graph.Persistent.Where(static v => v.Kind != MemoryKind.Gradients)];

    private static FileFormatException Damaged(string path, string what) =>
        new(path, $"this is no usable checkpoint: {what}", "give --overwrite instead of --resume to start anew, or restore the file from a copy");

    private static string Difference(string saved, string now)
    {
        string[] a = saved.Split("; "), b = now.Split("; ");
        int i = 0;
        while (i < a.Length && i < b.Length && a[i] == b[i]) i++;
        if (i >= a.Length || i >= b.Length) return "it has a different list of options";
        (string then, string asked) = (Short(a[i]), Short(b[i]));
        return then == asked ? $"its {then} is another" : $"it has {then} where this run has {asked}";
    }

    // What stands in brackets is for comparing.
    private static string Short(string option) => option.IndexOf(" (", StringComparison.Ordinal) is var at and >= 0 ? option[..at] : option;

    // The schedule of the learning rate ends with the run: more steps are another run, which may begin with this one's model.
    private static string Further(CheckpointHeader header, string folder) =>
        header.IsDone ? $"; to train the finished model further, give --model {folder} and another --output" : "";
}
