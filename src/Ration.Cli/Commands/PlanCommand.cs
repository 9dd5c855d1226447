using System.CommandLine;
using Ration.Cli.Output;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Files;
using Ration.Planning;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary><c>ration plan</c>: says what a training run would take, and starts nothing.</summary>
internal static class PlanCommand
{
    private static readonly Option<string?> s_html = OptionFactory.Path(
        "--html", "FILE", "Also write a page that draws the memory of the step over time; a file that is there is replaced only with --overwrite.");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        GroupedCommand command = new("plan", "Say what ration train with the same options would need and why, without starting it; plan generate says so of ration generate.")
        {
            PlanGenerateCommand.Create(),
        };
        TrainingArguments arguments = new();
        arguments.AddTo(command, s_html);
        command.SetAction(parsed => Run(parsed, arguments));
        return command;
    }

    private static int Run(ParseResult parsed, TrainingArguments arguments)
    {
        string? html = parsed.GetValue(s_html);
        using OutputFolder? folder = html is null ? null : OutputFile.Prepare(s_html.Name, html, arguments.ReadOverwrite(parsed));
        parsed = arguments.Resumed(parsed);
        ModelSource source = TrainingArguments.ReadModel(parsed);
        TokenizerChoice? choice = arguments.ReadTokenizer(parsed, source);
        if (choice?.Vocabulary is { } vocabulary) source = source.Reading(vocabulary);
        (long tokens, long hostBytes) = Measure(parsed, ref source, choice);
        TrainingOptions options = arguments.ReadOptions(parsed, source, tokens);
        TrainingArguments.NoteLongRows(source, options);
        CpuDevice device = new(options.Threads);
        MemoryChoices? pinned = arguments.ReadResume(parsed) ? TrainingCheckpoint.ReadHeader(arguments.ReadOutput(parsed), options).Choices : null;
        MachineRates? kept = KeptRates.Of(device);
        TrainingPlan plan;
        MemoryBudgetException? refusal = null;
        try
        {
            plan = TrainingPlan.Create(options, device, hostBytes, pinned, kept);
        }
        catch (MemoryBudgetException e)
        {
            // What is shown instead is the plan of the smallest budget.
            refusal = e;
            plan = TrainingPlan.Create(options with { Memory = e.Smallest }, device, hostBytes, pinned, kept);
        }

        TrainingArguments.RequireState(options, plan);
        if (parsed.GetValue(CommonOptions.Data) is not { Length: > 0 }) Log.Line("note: without --data the plan has room for the tokens of any text; with it, it is that of the run");
        MachineRates rates = kept ?? KeptRates.Measure(options.Threads);
        if (parsed.GetValue(CommonOptions.Json)) PlanJson.Write(plan, rates, refusal);
        else if (refusal is null) WriteTable(PlanReport.Of(plan, rates));
        if (refusal is null && html is not null) WritePage(html, PlanReport.Of(plan, rates));
        return refusal is null ? ExitCode.Done : throw refusal;
    }

    private static void WriteTable(PlanReport report)
    {
        using StreamWriter stdout = StandardOutput.Open();
        stdout.WriteLine(Console.IsOutputRedirected ? report.ToString() : report.ToString(Console.WindowWidth));
    }

    private static void WritePage(string path, PlanReport report)
    {
        AtomicFile.Write(path, stream =>
        {
            using StreamWriter writer = new(stream, leaveOpen: true);
            PlanPage.Write(writer, report);
        });
        Log.Line($"the memory of the step over time: {path}");
    }

    // Without data a plan is made all the same: only --epochs depends on it, and the memory of tokens, which then is taken to be the most.
    private static (long Tokens, long HostBytes) Measure(ParseResult parsed, ref ModelSource source, TokenizerChoice? choice)
    {
        if (parsed.GetValue(CommonOptions.Data) is not { Length: > 0 } paths)
            return (0, TrainingData.MostHostBytes(choice?.Vocabulary ?? (source.Path is null ? null : source.Configuration.Vocabulary)) + source.HostBytes);
        using LearntVocabulary? learnt = choice?.Open(paths, null, resume: false, TrainingArguments.ReadMemory(parsed, source), CancellationToken.None);
        ITokenizer tokenizer = learnt?.Tokenizer ?? source.OpenTokenizer();
        source = source.Reading(tokenizer);
        using TrainingData data = TrainingData.Open(paths, tokenizer, null, CancellationToken.None);
        PackedBatches batches = new(data.Tokens, TrainingArguments.ReadSequence(parsed, source.Configuration), 1);
        return (batches.TrainingTokens, data.HostBytes(tokenizer) + source.HostBytes);
    }
}
