using System.CommandLine;
using System.Diagnostics;
using Ration.Cli.Output;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Files;
using Ration.Models;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary><c>ration eval</c>: loss and perplexity of a model on text.</summary>
internal static class EvalCommand
{
    private const int LongestDefaultSequence = 1024;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("eval", "Measure the loss and perplexity of a model on text.")
        {
            CommonOptions.ModelFiles, CommonOptions.BaseModel, CommonOptions.Data, CommonOptions.Memory, CommonOptions.Sequence, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        using Interruption interruption = new();
        _ = CommonOptions.ReadModelPath(parsed);
        if (parsed.GetValue(CommonOptions.Data) is not { Length: > 0 } paths) throw new InvalidInputException("--data is missing; name text files or folders of them");
        CommonOptions.NoteMemory(parsed);
        using StoredModel stored = CommonOptions.OpenModel(parsed);
        ModelConfiguration model = stored.Configuration;
        ITokenizer tokenizer = ModelTokenizer.Describe(stored).Tokenizer;
        int sequence = parsed.GetValue(CommonOptions.Sequence) ?? Math.Min(model.Context, LongestDefaultSequence);
        if (sequence is < 1 or > 1 << 24) throw new InvalidInputException($"--sequence {sequence}: give 1 to 16,777,216");
        CommonOptions.NoteLongRows(sequence, model);
        using TrainingData data = TrainingData.Open(paths, tokenizer, null, interruption.Token);
        PackedBatches batches = new(data.Tokens, sequence, seed: 0, heldOut: 1);
        CpuDevice device = new(CommonOptions.ReadThreads(parsed));
        using Evaluation evaluation = Evaluation.Create(model, sequence, device, parsed.GetValue(CommonOptions.Memory), data.HostBytes(tokenizer) + stored.HostBytes, stored.HeldType);
        evaluation.Load(stored);
        (double loss, long targets, double seconds) = Measure(evaluation, batches, interruption.Token);
        if (parsed.GetValue(CommonOptions.Json)) WriteJson(loss, targets, batches.EvaluationTokens, seconds, evaluation);
        else WriteText(loss, targets, seconds, evaluation.PlannedPeakBytes);
        return ExitCode.Done;
    }

    private static (double Loss, long Targets, double Seconds) Measure(Evaluation evaluation, PackedBatches batches, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        using StatusLine status = new();
        (double loss, long targets) = evaluation.Run(
            batches, done => status.Show(() => $"{100.0 * done / batches.EvaluationRows:0} % of {batches.EvaluationTokens:N0} tokens"), cancellation);
        return (loss, targets, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static void WriteText(double loss, long targets, double seconds, long planned)
    {
        using StreamWriter stdout = StandardOutput.Open();
        stdout.WriteLine($"loss {loss:0.0000}  perplexity {Math.Exp(loss):0.000}  on {Counted.Of(targets, "token")}");
        Log.Line($"{targets / seconds:N0} tokens/s, {PeakMemory.Words(planned)}");
    }

    private static void WriteJson(double loss, long targets, long tokens, double seconds, Evaluation evaluation) => StandardOutput.WriteJson(json =>
    {
        json.Number("loss", loss);
        json.Number("perplexity", Math.Exp(loss));
        json.Number("tokens", tokens);
        json.Number("targets", targets);
        json.Number("tokensPerSecond", targets / seconds);
        json.Number("seconds", seconds);
        PeakMemory.Write(json, evaluation.BudgetBytes, evaluation.PlannedPeakBytes);
    });
}
