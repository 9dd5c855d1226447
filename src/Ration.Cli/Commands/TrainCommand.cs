using System.CommandLine;
using Ration.Cli.Output;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Files;
using Ration.Inference;
using Ration.Memory;
using Ration.Planning;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary><c>ration train</c>: trains a model, or goes on training one.</summary>
internal static class TrainCommand
{
    private const int SampleTokens = 200;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        GroupedCommand command = new("train", "Train a model within a memory budget; with no options, a small one on the text of this folder.");
        TrainingArguments arguments = new();
        arguments.AddTo(command);
        command.SetAction(parsed => Run(parsed, arguments));
        return command;
    }

    private static int Run(ParseResult parsed, TrainingArguments arguments)
    {
        using Interruption interruption = new();
        bool json = parsed.GetValue(CommonOptions.Json);
        parsed = arguments.Resumed(parsed);
        CommonOptions.NoteMemory(parsed);
        ModelSource source = TrainingArguments.ReadModel(parsed);
        string tokenizer;
        TrainingOutcome outcome = Train(parsed, arguments, source, interruption, out tokenizer);
        if (!json && !outcome.Result.Interrupted) Summary.Write(outcome);
        if (json) TrainingJson.Write(outcome);
        if (outcome.Result.Interrupted)
        {
            Log.Line($"ration: {Interrupted(outcome)}");
            return ExitCode.Interrupted;
        }

        if (!json && tokenizer.Length > 0) TryWriteSample(outcome, interruption.Token);
        return ExitCode.Done;
    }

    private static string Interrupted(TrainingOutcome outcome)
    {
        (long done, long steps) = (outcome.Result.StepsDone, outcome.Plan.Options.Steps);
        if (done == 0) return "interrupted before the first step was done; nothing was changed";
        string after = $"interrupted after step {done:N0} of {steps:N0}";
        return done < steps
            ? $"{after}; the state is saved in {outcome.Output}, and --resume goes on from there{(outcome.Result.KeptEarlierModel ? "; the model there still is that of the run before" : "")}"
            : $"{after}, before the end of the evaluation; the model is saved in {outcome.Output}, and --resume evaluates it";
    }

    private static TrainingOutcome Train(ParseResult parsed, TrainingArguments arguments, ModelSource source, Interruption interruption, out string tokenizerName)
    {
        CancellationToken cancellation = interruption.Token;
        string output = arguments.ReadOutput(parsed);
        int sequence = TrainingArguments.ReadSequence(parsed, source.Configuration);
        string[] paths = parsed.GetValue(CommonOptions.Data) is { Length: > 0 } given ? given : ["."];
        bool resume = arguments.ReadResume(parsed);
        using OutputFolder folder = OutputFolder.Create(output, "--output");
        using RunLock held = RunLock.Take(output, "--output");
        bool overwrite = arguments.ReadOverwrite(parsed), replaces = !resume && !overwrite && IsReplaced(output, arguments.NamesOutput(parsed));
        using LearntVocabulary? learnt = arguments.ReadTokenizer(parsed, source)?.Open(paths, output, resume, TrainingArguments.ReadMemory(parsed, source), cancellation);
        ITokenizer tokenizer = learnt?.Tokenizer ?? source.OpenTokenizer();
        if (tokenizer is ByteTokenizer && !resume && !overwrite && !replaces) RequireNoOther(output);
        source = source.Reading(tokenizer);
        tokenizerName = tokenizer.Name;
        using TrainingData data = TrainingData.Open(paths, tokenizer, output, cancellation);
        if (resume) data.RequireThoseOf(paths, output);
        PackedBatches batches = new(data.Tokens, sequence, parsed.GetValue(CommonOptions.Seed) ?? 1);
        TrainingOptions options = arguments.ReadOptions(parsed, source, batches.TrainingTokens);
        TrainingRunOptions runOptions = arguments.ReadRunOptions(parsed, source, tokenizer is ByteTokenizer ? tokenizer.Name : null, data.Fingerprint());
        TrainingPlan plan = MakePlan(options, data.HostBytes(tokenizer) + source.HostBytes, runOptions);
        Log.Line($"{Counted.Of(data.Files, "file")} ({data.Skipped} left out), {Counted.Of(data.Tokens.Count, "token")}, of which {batches.EvaluationTokens:N0} are held out for evaluation");
        PlanSummary.Write(plan);
        if (runOptions.InitialWeights is null && !resume) NoteShortRows(options);
        TrainingArguments.NoteLongRows(source, options);
        if (replaces) Log.Line($"the model of the run before in {output} is replaced; --output names another folder");
        cancellation.ThrowIfCancellationRequested();
        GarbageLimit.ReleaseAll();
        using TokenizerFiles files = TokenizerFiles.Of(source, learnt, output, resume);
        using TrainingRun run = new(plan, batches, runOptions with { TokenizerFolder = files.Folder });
        interruption.Notice = "finishing the step, then saving; a second time ends at once, and what was not saved is lost";
        using ProgressDisplay progress = new(plan, run.Trainer.StepsDone);
        return new TrainingOutcome(plan, run.Run(progress, cancellation), output);
    }

    private static TrainingPlan MakePlan(TrainingOptions options, long hostBytes, TrainingRunOptions runOptions)
    {
        CpuDevice device = new(options.Threads);
        CheckpointHeader? header = runOptions.Resume ? TrainingCheckpoint.ReadHeader(runOptions.Output!, options) : null;
        TrainingPlan plan = TrainingPlan.Create(options, device, hostBytes, header?.Choices, KeptRates.Of(device));
        TrainingArguments.RequireState(options, plan);
        return plan;
    }

    // Hours of work must not be lost to a forgotten switch. A checkpoint that cannot be read holds nothing that could be resumed.
    private static bool IsReplaced(string output, bool isNamed)
    {
        if (RunFolder.FindCheckpoint(output) is { IsDone: false } found)
            throw new InvalidInputException(
                $"{output} holds a run that stopped at step {found.StepsDone:N0} of {found.Steps:N0}; give --resume to finish it, another --output, or --overwrite to start anew");
        if (!File.Exists(Path.Combine(output, HuggingFaceFolder.ConfigName)) && !TrainingRun.HasWeights(output)) return false;
        if (isNamed) throw new InvalidInputException($"{output} holds a finished model; give another --output, or --overwrite to replace it");
        return true;
    }

    // Whoever reads the folder takes such a file before the bytes that the configuration names.
    private static void RequireNoOther(string output)
    {
        if (HuggingFaceFolder.TokenizerOf(output) is { } name)
            throw new InvalidInputException($"{output} has a {name} from something else, and a model of bytes beside it would be read with that; remove it, or give another --output");
    }

    private static void NoteShortRows(TrainingOptions options)
    {
        if (options.Sequence < options.Model.Context)
            Log.Line(
                $"note: rows of {options.Sequence:N0} tokens are shorter than the {options.Model.Context:N0} that the model is made for: "
                + $"what it learns holds for texts of that length, so give eval --sequence {options.Sequence}");
    }

    // The run is over and saved: that there is no room for a sample, or no tokenizer beside it, is no failure of it.
    private static void TryWriteSample(TrainingOutcome outcome, CancellationToken cancellation)
    {
        try
        {
            WriteSample(outcome, cancellation);
        }
        catch (Exception e) when (e is MemoryBudgetException or InvalidInputException)
        {
            Log.Line($"no sample: {e.Message}");
        }
    }

    private static void WriteSample(TrainingOutcome outcome, CancellationToken cancellation)
    {
        ByteSize budget = new(outcome.Plan.BudgetBytes);
        LanguageModelOptions options = new() { Memory = budget, Threads = outcome.Plan.Options.Threads, PromptTokens = 1, Context = SampleTokens + 1 };
        using LanguageModel model = LanguageModel.Load(outcome.Output, options);
        Log.Line("A sample of what it writes:");
        using StreamWriter stdout = StandardOutput.Open();
        model.Start("\n", new TextGenerationOptions { MaxTokens = SampleTokens }).WriteTo(stdout, cancellation);
        stdout.WriteLine();
    }
}
