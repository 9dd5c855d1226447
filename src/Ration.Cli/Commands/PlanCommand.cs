using System.CommandLine;
using Ration.Cli.Output;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Planning;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary><c>ration plan</c>: says what a training run would take, and starts nothing.</summary>
internal static class PlanCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("plan", "Say what ration train with the same options would need and why, without starting it.");
        TrainingArguments arguments = new();
        arguments.AddTo(command);
        command.SetAction(parsed => Run(parsed, arguments));
        return command;
    }

    private static int Run(ParseResult parsed, TrainingArguments arguments)
    {
        ModelSource source = TrainingArguments.ReadModel(parsed);
        (long tokens, long hostBytes) = Measure(parsed, source, arguments.ReadOutput(parsed));
        TrainingOptions options = arguments.ReadOptions(parsed, source, tokens);
        CpuDevice device = new(options.Threads);
        MemoryChoices? pinned = arguments.ReadResume(parsed) ? TrainingCheckpoint.ReadHeader(arguments.ReadOutput(parsed)).Choices : null;
        TrainingPlan plan;
        MemoryBudgetException? refusal = null;
        try
        {
            plan = TrainingPlan.Create(options, device, device.Threads, hostBytes, pinned);
        }
        catch (MemoryBudgetException e)
        {
            // What is shown instead is the plan of the smallest budget.
            refusal = e;
            plan = TrainingPlan.Create(options with { Memory = e.Smallest }, device, device.Threads, hostBytes, pinned);
        }

        if (parsed.GetValue(CommonOptions.Json)) PlanJson.Write(plan, refusal);
        else if (refusal is null) WriteTable(plan);
        return refusal is null ? ExitCode.Done : throw refusal;
    }

    private static void WriteTable(TrainingPlan plan)
    {
        using StreamWriter stdout = StandardOutput.Open();
        PlanTable.Write(stdout, plan);
    }

    // Without data a plan is made all the same: only --epochs and the tokens in memory depend on it.
    private static (long Tokens, long HostBytes) Measure(ParseResult parsed, ModelSource source, string output)
    {
        if (parsed.GetValue(CommonOptions.Data) is not { Length: > 0 } paths) return (0, 0);
        ITokenizer tokenizer = source.OpenTokenizer();
        using TrainingData data = TrainingData.Open(paths, tokenizer, null, CancellationToken.None);
        PackedBatches batches = new(data.Tokens, TrainingArguments.ReadSequence(parsed, source.Configuration), 1);
        return (batches.TrainingTokens, data.Tokens.MemoryBytes);
    }
}
