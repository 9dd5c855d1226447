using Ration.Devices.Cpu;
using Ration.Files;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Tokenizers;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference;

/// <summary>
/// The files of a model, opened: what they say about it and its text. No weight is read before <see cref="Load"/>, so that prompts can be
/// counted and plans made first.
/// </summary>
public sealed class LanguageModelSource : IDisposable
{
    private readonly StoredModel _stored;

    private LanguageModelSource(StoredModel stored, TokenizerDescription description)
    {
        (_stored, Text) = (stored, new ModelText(description, stored.EndIds, stored.Configuration.Vocabulary));
    }

    /// <summary>The folder or file.</summary>
    public string Path => _stored.Path;

    /// <summary>The model.</summary>
    public ModelConfiguration Configuration => _stored.Configuration;

    /// <summary>Keys of its configuration that are not known (<see cref="StoredModel.UnknownKeys"/>).</summary>
    public IReadOnlyList<string> UnknownKeys => _stored.UnknownKeys;

    /// <summary>Makes tokens of text and text of tokens.</summary>
    public TextTokenizer Tokenizer => Text.Tokenizer;

    /// <summary>How the model wants conversations to be written; null if its files do not say.</summary>
    /// <exception cref="InvalidInputException">The template cannot be used.</exception>
    public ChatTemplate? ChatTemplate => Text.ChatTemplate;

    /// <summary>The tokens after which the model has said all it has to say.</summary>
    public IReadOnlySet<int> EndIds => Text.EndIds;

    /// <summary>What the files say about text.</summary>
    internal ModelText Text { get; }

    /// <summary>Opens a model: a folder, or a file of a format that holds a tokenizer too; or the folder of a low-rank adapter, which is merged into
    /// its base while weights are read.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="baseModel">The folder or file of an adapter's base; null to take the one that the adapter names.</param>
    /// <exception cref="InvalidInputException">There is no model, it is damaged, or it cannot be used.</exception>
    public static LanguageModelSource Open(string path, string? baseModel = null)
    {
        StoredModel stored = StoredModel.Open(path, baseModel);
        try
        {
            return new LanguageModelSource(stored, ModelTokenizer.Describe(stored));
        }
        catch
        {
            stored.Dispose();
            throw;
        }
    }

    /// <summary>How the memory of the loaded model would be arranged.</summary>
    /// <exception cref="InvalidInputException">The options cannot be used.</exception>
    /// <exception cref="MemoryBudgetException">Nothing fits.</exception>
    public GenerationPlan Plan(LanguageModelOptions? options = null)
    {
        GenerationOptions asked = (options ?? new LanguageModelOptions()).ForPlan(Configuration, _stored.HeldType);
        asked.Validate();
        CpuDevice device = new(asked.Threads);
        return GenerationPlan.Create(asked, device, Tokenizer.HostBytes() + _stored.HostBytes);
    }

    /// <summary>Reads the weights. The result does not need this object any more, and the files only where memory has no room for all weights.</summary>
    /// <exception cref="InvalidInputException">The options cannot be used, or the files are damaged.</exception>
    /// <exception cref="MemoryBudgetException">Nothing fits.</exception>
    public LanguageModel Load(LanguageModelOptions? options = null)
    {
        GenerationPlan plan = Plan(options);

        // What reading the tokenizer and planning left over is given back before the arena is reserved, not beside it.
        if (options?.Memory is not null) GarbageLimit.ReleaseAll();
        Generator generator = new(plan);
        try
        {
            _stored.Load(generator.Weights, generator.Executor);
            if (plan.Choices.StreamedBlocks == 0) return new LanguageModel(Configuration, Text, generator);
            generator.Executor.WeightReader = _stored.Reader(generator.Executor.Threads);
            return new LanguageModel(Configuration, Text, generator, _stored.KeepOpen());
        }
        catch
        {
            generator.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stored.Dispose();
}
