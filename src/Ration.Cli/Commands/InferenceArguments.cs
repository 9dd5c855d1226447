using System.CommandLine;
using Ration.Cli.Output;
using Ration.Inference;
using Ration.Memory;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Cli.Commands;

/// <summary>How a model is held in memory: the options that commands which run one have in common.</summary>
internal sealed class InferenceArguments
{
    private enum Weights
    {
        Auto,
        Stored,
        Given,
    }

    private readonly Option<int?> _context = OptionFactory.Number<int>("--context", "TOKENS", "Tokens of prompt and answers together for which there is room.");
    private readonly Option<OpenChoice<DType>?> _cache = OptionFactory.ChoiceOrAuto("--cache", "How keys and values are stored (default auto).", WeightFormats.Caches);
    private readonly Option<(Weights How, DType Type)> _weights = OptionFactory.Choice(
        "--weights", "How matrices are held: auto takes them as they are stored unless memory is short (default), stored always.",
        [("auto", (Weights.Auto, default)), ("stored", (Weights.Stored, default)), .. WeightFormats.Files.Select(static f => (f.Word, (Weights.Given, f.Type)))]);
    private readonly Option<GenerationQuality?> _quality = OptionFactory.Choice<GenerationQuality?>(
        "--quality", "What may give way where memory is short: exact nothing but F32 keys and values, high down to 8 bits (default), any down to 4 bits.",
        ("exact", GenerationQuality.Exact), ("high", GenerationQuality.High), ("any", GenerationQuality.Any));

    /// <summary>Adds all options to a command, as a group.</summary>
    public void AddTo(GroupedCommand command) => command.AddGroup("Memory and machine", _context, CommonOptions.Memory, _quality, _weights, _cache, CommonOptions.Threads);

    /// <summary>The context that was asked for, or null.</summary>
    /// <exception cref="InvalidInputException">It cannot be used.</exception>
    public int? ReadContext(ParseResult parsed) => parsed.GetValue(_context) switch
    {
        < 1 or >= 1 << 24 => throw new InvalidInputException($"--context {parsed.GetValue(_context)}: give 1 to 16,777,215"),
        var context => context,
    };

    /// <summary>What was asked for.</summary>
    /// <exception cref="InvalidInputException">Something cannot be used.</exception>
    public LanguageModelOptions Read(ParseResult parsed)
    {
        (Weights how, DType type) = parsed.GetValue(_weights);
        DType? cache = parsed.GetValue(_cache)?.Choice;
        bool keeps = how == Weights.Stored;
        if (keeps && parsed.GetValue(_quality) is { } quality and not GenerationQuality.Exact)
            throw new InvalidInputException($"--weights stored keeps weights as they are, and --quality {quality.ToString().ToLowerInvariant()} lets them change; give one or the other");
        return new LanguageModelOptions
        {
            Memory = parsed.GetValue(CommonOptions.Memory),
            Threads = CommonOptions.ReadThreads(parsed),
            Context = ReadContext(parsed),
            // What may not change the weights may not change the cache either, unless that is chosen here.
            CacheType = cache ?? (keeps ? DType.F16 : null),
            WeightType = how == Weights.Given ? type : null,
            KeepsWeights = keeps,
            Quality = keeps ? GenerationQuality.Exact : parsed.GetValue(_quality) ?? GenerationQuality.High,
        };
    }

    /// <summary>Refuses a prompt that the model is not meant for, unless a context was given.</summary>
    /// <exception cref="InvalidInputException">It is longer than that.</exception>
    public static void RequireMeantFor(ModelConfiguration model, int? context, int promptTokens)
    {
        if (context is null && promptTokens > model.Context)
            throw new InvalidInputException(
                $"the prompt has {Counted.Of(promptTokens, "token")}, and the model is meant for texts of {model.Context:N0}; shorten it, or give --context to try all the same");
    }

    /// <summary>Refuses a context that a prompt fills.</summary>
    /// <exception cref="InvalidInputException">There is no room for a single token after it.</exception>
    public static void RequireRoom(int? context, int promptTokens)
    {
        if (context <= promptTokens)
            throw new InvalidInputException($"--context {context} has no room for a prompt of {Counted.Of(promptTokens, "token")} and one more; give at least {promptTokens + 1}");
    }

    /// <summary>Says that a context has no room for all that may be generated, or is more than the model is meant for.</summary>
    /// <param name="model">The model.</param>
    /// <param name="context">What there is room for; null where that follows from the others.</param>
    /// <param name="promptTokens">Tokens of the prompt.</param>
    /// <param name="maxTokens">Tokens to generate at the most.</param>
    public static void NoteRoom(ModelConfiguration model, int? context, int promptTokens, int maxTokens)
    {
        // Nothing is computed from the last token, so that it takes no room.
        if (context - promptTokens + 1 is { } room && room < maxTokens)
            Log.Line($"note: --context {context} has room for {Counted.Of(room, "token")} after the prompt, and --max-tokens is {maxTokens:N0}");
        int whole = context ?? checked(promptTokens + maxTokens);
        if (whole > model.Context) Log.Line($"note: {whole:N0} tokens of context are more than the {model.Context:N0} that the model is meant for");
    }

    /// <summary>Says of a plan what is not as one would expect: weights that are read again and again, which is slow, and formats that do not fit all matrices.</summary>
    public static void TellOf(GenerationPlan plan)
    {
        if (plan.Options.WeightType is { } type && WeightFormats.NoteOf(type, plan.OtherWeightTypes, "stay") is { } note) Log.Line(note);
        if (plan.Choices.StreamedBlocks is > 0 and var blocks)
            Log.Line(
                $"note: the weights of {blocks} of {plan.Options.Model.Layers} blocks do not fit {new ByteSize(plan.BudgetBytes)} and are read from the files for each token; more --memory is faster"
                + (plan.WeightTypeThatFits is { } kept ? $", and so is --quality any, which keeps all in memory, in {kept}" : ""));
    }
}
