using System.CommandLine;
using System.CommandLine.Parsing;
using Ration.Cli.Output;
using Ration.Files;
using Ration.Inference;
using Ration.Memory;
using Ration.Models;

namespace Ration.Cli.Commands;

/// <summary>Options that several commands have in common.</summary>
internal static class CommonOptions
{
    /// <summary>The model of those who name none.</summary>
    public const string DefaultModel = "preset:nano";

    private const int MostNamed = 10, LongestName = 80;

    /// <summary>The model, for which a preset does.</summary>
    public static Option<string?> Model { get; } = OptionFactory.Path(
        "--model", "DIR|FILE|preset:NAME", "A model folder, a GGUF file, a llama2.c checkpoint, or a preset such as preset:nano, preset:tiny or preset:llama-3.1-70b.");

    /// <summary>The model, which has to have weights and a tokenizer.</summary>
    public static Option<string?> ModelFiles { get; } = OptionFactory.Path(Model.Name, "DIR|FILE", "A model folder or a GGUF file.");

    /// <summary>The base of an adapter.</summary>
    public static Option<string?> BaseModel { get; } = OptionFactory.Path(
        "--base-model", "DIR|FILE", "Where --model is the folder of a low-rank adapter (LoRA): the model that it was trained on (default: the one that the adapter names).");

    /// <summary>The text.</summary>
    public static Option<string[]> Data { get; } = new("--data")
    {
        Description = "Text files and folders of them; several can be given.",
        HelpName = "PATH",
        AllowMultipleArgumentsPerToken = true,
        Validators = { RefuseOptions },
    };

    /// <summary>The budget.</summary>
    public static Option<ByteSize?> Memory { get; } = OptionFactory.Size("--memory",
        "Most memory that the process may have resident, such as 512MiB or 4GiB (default four fifths of what is free; to train nano 256MiB, tiny 512MiB).");

    /// <summary>Tokens of a step.</summary>
    public static Option<int?> Batch { get; } = OptionFactory.Number<int>("--batch", "TOKENS", "Tokens of a step (default four rows).");

    /// <summary>Tokens of a row.</summary>
    public static Option<int?> Sequence { get; } = OptionFactory.Number<int>("--sequence", "TOKENS", "Tokens that the model sees at once.");

    /// <summary>The seed.</summary>
    public static Option<ulong?> Seed { get; } = OptionFactory.Number<ulong>("--seed", "N", "Decides everything random; the same seed gives the same result, bit for bit (default 1).");

    /// <summary>Cores.</summary>
    public static Option<int?> Threads { get; } = OptionFactory.Number<int>("--threads", "N",
        "Cores to use (default all). The result does not depend on it, unless a budget is so short that more threads, which need memory too, lead to another plan.");

    /// <summary>Machine-readable results.</summary>
    public static Option<bool> Json { get; } = OptionFactory.Switch("--json", "Write exactly one JSON object to standard output.");

    /// <summary>The number of threads that was asked for.</summary>
    /// <exception cref="InvalidInputException">It cannot be used.</exception>
    public static int ReadThreads(ParseResult parsed) => parsed.GetValue(Threads) switch
    {
        null => Environment.ProcessorCount,
        int threads when threads < 1 || threads > MostThreads => throw new InvalidInputException($"--threads {threads}: give 1 to {MostThreads}"),
        int threads => threads,
    };

    // Many more threads than cores only wait for each other.
    private static int MostThreads => Math.Max(64, 2 * Environment.ProcessorCount);

    /// <summary>Says that a budget is more than there is: what lies in it beyond that is swapped, or ends the process.</summary>
    public static void NoteMemory(ParseResult parsed)
    {
        if (parsed.GetValue(Memory) is { } budget && MeasuredMemory.InstalledBytes() is { } installed && budget.Bytes > installed)
            Log.Line($"note: --memory {budget} is more than the {new ByteSize(installed)} that this machine has");
    }

    /// <summary>Says that rows are longer than what a model is meant for.</summary>
    public static void NoteLongRows(int sequence, ModelConfiguration model)
    {
        if (sequence > model.Context) Log.Line($"note: rows of {sequence:N0} tokens are longer than the {model.Context:N0} that the model is meant for");
    }

    /// <summary>The files of a model.</summary>
    /// <exception cref="InvalidInputException">None were given, or a preset.</exception>
    public static string ReadModelPath(ParseResult parsed)
    {
        string? model = parsed.GetValue<string?>(Model.Name);
        if (string.IsNullOrEmpty(model)) throw new InvalidInputException("--model is missing; give a model folder or file, for example the --output of ration train");
        if (model.StartsWith(ModelSource.PresetPrefix, StringComparison.OrdinalIgnoreCase))
            throw new InvalidInputException($"--model {model}: a preset is a shape without files; give a model folder or file, for example the --output of ration train");
        if (!Path.Exists(model)) throw new InvalidInputException($"--model {model}: there is no such folder or file; check the path");
        return ModelSource.WholeOf(model);
    }

    /// <summary>Opens the model; an adapter with its base.</summary>
    /// <exception cref="InvalidInputException">It cannot be used.</exception>
    public static StoredModel OpenModel(ParseResult parsed)
    {
        string path = ReadModelPath(parsed);
        RunFolder.RequireModel(path);
        StoredModel model = StoredModel.Open(path, parsed.GetValue(BaseModel));
        NoteUnknown(model.UnknownKeys);
        return model;
    }

    /// <summary>Opens the model and its tokenizer to generate with.</summary>
    /// <exception cref="InvalidInputException">It cannot be used.</exception>
    public static LanguageModelSource OpenLanguageModel(ParseResult parsed)
    {
        string path = ReadModelPath(parsed);
        RunFolder.RequireModel(path);
        LanguageModelSource source = LanguageModelSource.Open(path, parsed.GetValue(BaseModel));
        NoteUnknown(source.UnknownKeys);
        return source;
    }

    /// <summary>Names the keys of a configuration that are passed over.</summary>
    public static void NoteUnknown(IReadOnlyList<string> keys)
    {
        if (keys.Count == 0) return;
        string more = keys.Count > MostNamed ? $" and {keys.Count - MostNamed} more" : "";
        string named = string.Join(", ", keys.Take(MostNamed).Select(static key => Printable.Of(key, LongestName)));
        Log.Line($"note: the model's configuration has keys that are not known and are passed over: {named}{more}");
    }

    // It takes every word after it that is no option, and so misspelt options too.
    private static void RefuseOptions(OptionResult result)
    {
        foreach (Token token in result.Tokens)
        {
            if (token.Value.StartsWith("--", StringComparison.Ordinal) && !Path.Exists(token.Value) && result.Parent is CommandResult { Command: { } command })
                result.AddError(UnknownWord.Complaint(command, token.Value));
        }
    }
}
