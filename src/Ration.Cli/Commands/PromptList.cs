using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Ration.Cli.Output;
using Ration.Inference;
using Ration.Memory;
using Ration.Planning;
using Ration.Tokenizers;

namespace Ration.Cli.Commands;

/// <summary><c>ration generate --prompts</c>: completes every line of a file, several at once, and answers each with a line.</summary>
internal static class PromptList
{
    private const int UsualAtOnce = 8, MostAtOnce = 4096;

    /// <summary>The prompts in a text, one a line.</summary>
    /// <exception cref="InvalidInputException">A line is empty, or ends within an escape.</exception>
    public static string[] Parse(string path, string text)
    {
        if (text.Length == 0) throw new InvalidInputException($"--prompts {path}: it is empty; give a file with a text to complete in each line");
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            lines[i] = Unescape(lines[i].TrimEnd('\r')) ?? throw new InvalidInputException($"--prompts {path}: in line {i + 1}, \\ stands before what is neither n, r nor \\; write \\\\ for a \\");
            if (lines[i].Length == 0) throw new InvalidInputException($"--prompts {path}: line {i + 1} is empty, and every line is a text to complete; take it out");
        }

        return lines;
    }

    /// <summary>Generates and writes.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(ParseResult parsed, string[] prompts, int? atOnce, TextGenerationOptions options, LanguageModelOptions memory, Interruption interruption)
    {
        if (atOnce is < 1 or > MostAtOnce) throw new InvalidInputException($"--at-once {atOnce}: give 1 to {MostAtOnce:N0}");
        using LanguageModel model = Load(parsed, prompts, atOnce, options, memory);
        interruption.AtOnce = null;
        InferenceArguments.TellOf(model.Plan);
        TextBatch batch = model.StartAll(prompts, options);
        long start = Stopwatch.GetTimestamp();
        bool json = parsed.GetValue(CommonOptions.Json);
        using TextWriter writer = json ? TextWriter.Null : StandardOutput.OpenForText();
        bool isDone = TryWriteLines(batch, writer, interruption.Token);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        GeneratedText[] texts = [.. Enumerable.Range(0, batch.Count).Select(batch.ResultOf)];
        if (json) WriteJson(prompts, texts, model, seconds, isDone);
        long tokens = texts.Sum(static text => (long)text.Tokens.Count);
        Log.Line(
            $"{Counted.Of(texts.Count(static text => text.Finish is not null), "text")} of {batch.Count}, {model.Rows} at once: {Counted.Of(tokens, "token")}, "
            + $"{tokens / seconds:N0}/s; {PeakMemory.Words(model.Plan.PlannedPeakBytes)}");
        return isDone ? ExitCode.Done : ExitCode.Interrupted;
    }

    private static LanguageModel Load(ParseResult parsed, string[] prompts, int? atOnce, TextGenerationOptions options, LanguageModelOptions memory)
    {
        CommonOptions.NoteMemory(parsed);
        using LanguageModelSource source = CommonOptions.OpenLanguageModel(parsed);
        EncodingOptions encoding = new() { AddEnd = false, ParseSpecial = options.ParseSpecial };
        int longest = prompts.Max(prompt => source.Tokenizer.Encode(prompt, encoding).Length);
        InferenceArguments.RequireMeantFor(source.Configuration, memory.Context, longest);
        InferenceArguments.RequireRoom(memory.Context, longest);
        InferenceArguments.NoteRoom(source.Configuration, memory.Context, longest, options.MaxTokens!.Value);
        memory = memory with { PromptTokens = longest, MaxTokens = options.MaxTokens, Rows = Math.Min(prompts.Length, atOnce ?? UsualAtOnce) };
        return source.Load(atOnce is null ? memory with { Rows = RowsThatFit(source, memory) } : memory);
    }

    // As many as leave all weights in memory, down from the usual number; where none does, as many as fit at all.
    private static int RowsThatFit(LanguageModelSource source, LanguageModelOptions memory)
    {
        int most = 1;
        for (int rows = memory.Rows; rows > 0; rows /= 2)
        {
            try
            {
                if (source.Plan(memory with { Rows = rows }).Choices.StreamedBlocks == 0) return rows;
                most = Math.Max(most, rows);
            }
            catch (MemoryBudgetException)
            {
                // Fewer may fit.
            }

            // What was planned in vain is given back before more is planned.
            GarbageLimit.ReleaseAll();
        }

        return most;
    }

    // In the order of the prompts: an answer waits for those before it.
    private static bool TryWriteLines(TextBatch batch, TextWriter writer, CancellationToken cancellation)
    {
        Dictionary<int, string> waiting = [];
        int written = 0;
        try
        {
            foreach ((int number, GeneratedText text) in batch.Read(cancellation))
            {
                waiting[number] = text.Text;
                for (; waiting.Remove(written, out string? next); written++) writer.WriteLine(Escape(next));
            }

            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static void WriteJson(string[] prompts, GeneratedText[] texts, LanguageModel model, double seconds, bool isDone) => StandardOutput.WriteJson(json =>
    {
        json.Objects("texts", [.. prompts.Zip(texts)], static (item, pair) =>
        {
            (string prompt, GeneratedText text) = pair;
            item.Text("prompt", prompt);
            item.Text("text", text.Text);
            item.Numbers("tokens", text.Tokens);
            item.Number("promptTokens", text.PromptTokens);
            item.TextOrNull("finish", text.Finish?.ToString());
        });
        json.Number("atOnce", model.Rows);
        json.Number("generatedTokens", texts.Sum(static text => (long)text.Tokens.Count));
        json.Number("seconds", seconds);
        PeakMemory.Write(json, model.Plan.BudgetBytes, model.Plan.PlannedPeakBytes);
        json.Counts("otherTypes", model.Plan.OtherWeightTypes);
        if (!isDone) json.Text("finish", Tool.Interrupted);
    });

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string? Unescape(string line)
    {
        if (!line.Contains('\\', StringComparison.Ordinal)) return line;
        StringBuilder text = new(line.Length);
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] != '\\')
            {
                text.Append(line[i]);
                continue;
            }

            switch (++i < line.Length ? line[i] : ' ')
            {
                case 'n': text.Append('\n'); break;
                case 'r': text.Append('\r'); break;
                case '\\': text.Append('\\'); break;
                default: return null;
            }
        }

        return text.ToString();
    }
}
