using Ration.Models;
using Ration.Tokenizers;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference;

/// <summary>
/// A model in memory, ready to complete texts. May be used by many threads: it computes one text at a time, and the others wait for
/// their turn. What a text has in common with the one before is not computed again.
/// </summary>
public sealed class LanguageModel : IDisposable
{
    private readonly Generator _generator;
    private readonly IDisposable? _files;
    private readonly Lock _gate = new();
    private TextEmbedder? _embedder;
    private bool _isDisposed;

    /// <param name="configuration">The model.</param>
    /// <param name="text">What the files said about text.</param>
    /// <param name="generator">Computes; disposed with this object.</param>
    /// <param name="files">What weights are read from while it computes; disposed with this object. Null where all are in memory.</param>
    internal LanguageModel(ModelConfiguration configuration, ModelText text, Generator generator, IDisposable? files = null) =>
        (Configuration, Text, _generator, _files) = (configuration, text, generator, files);

    /// <summary>The model.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Makes tokens of text and text of tokens.</summary>
    public TextTokenizer Tokenizer => Text.Tokenizer;

    /// <summary>How the model wants conversations to be written; null if its files do not say.</summary>
    /// <exception cref="InvalidInputException">The template cannot be used.</exception>
    public ChatTemplate? ChatTemplate => Text.ChatTemplate;

    /// <summary>The tokens after which the model has said all it has to say.</summary>
    public IReadOnlySet<int> EndIds => Text.EndIds;

    /// <summary>How its memory is arranged.</summary>
    public GenerationPlan Plan => _generator.Plan;

    /// <summary>Tokens of a text, prompt and answer together, for which there is room.</summary>
    public int Context => _generator.Capacity;

    /// <summary>Texts that are computed at once.</summary>
    public int Rows => _generator.Rows;

    /// <summary>What the files said about text.</summary>
    internal ModelText Text { get; }

    /// <summary>Held by the text that is being computed.</summary>
    internal SemaphoreSlim Turn { get; } = new(1);

    /// <summary>Loads a model: a folder, or a file of a format that holds a tokenizer too.</summary>
    /// <exception cref="InvalidInputException">There is no model, it is damaged, or the options cannot be used.</exception>
    /// <exception cref="Planning.MemoryBudgetException">It does not fit the memory.</exception>
    public static LanguageModel Load(string path, LanguageModelOptions? options = null)
    {
        using LanguageModelSource source = LanguageModelSource.Open(path);
        return source.Load(options);
    }

    /// <summary>Begins to complete a text; nothing is computed before the result is read.</summary>
    /// <exception cref="InvalidInputException">The prompt is empty or too long, or the options cannot be used.</exception>
    public TextGeneration Start(string prompt, TextGenerationOptions? options = null)
    {
        options ??= new TextGenerationOptions();
        return new TextGeneration(this, Encode(prompt, options), options);
    }

    /// <summary>Begins to complete several texts, <see cref="Rows"/> of them at once; nothing is computed before the results are read.</summary>
    /// <exception cref="InvalidInputException">A prompt is empty or too long, or the options cannot be used.</exception>
    public TextBatch StartAll(IReadOnlyList<string> prompts, TextGenerationOptions? options = null)
    {
        options ??= new TextGenerationOptions();
        return new TextBatch(this, prompts.Select(prompt => Encode(prompt, options)), options);
    }

    /// <summary>Begins to complete tokens, as they are; nothing is computed before the result is read.</summary>
    /// <exception cref="InvalidInputException">There are none, too many or unknown ones, or the options cannot be used.</exception>
    public TextGeneration Start(ReadOnlySpan<int> prompt, TextGenerationOptions? options = null)
    {
        Text.Require(prompt);
        return new TextGeneration(this, prompt.ToArray(), options ?? new TextGenerationOptions());
    }

    /// <summary>Goes on with a text.</summary>
    /// <exception cref="InvalidInputException">The prompt is empty or too long, or the options cannot be used.</exception>
    public GeneratedText Generate(string prompt, TextGenerationOptions? options = null, CancellationToken cancellation = default) =>
        Start(prompt, options).Run(cancellation);

    /// <summary>Goes on with a text, piece by piece.</summary>
    /// <exception cref="InvalidInputException">The prompt is empty or too long, or the options cannot be used.</exception>
    public IAsyncEnumerable<TextPiece> GenerateAsync(string prompt, TextGenerationOptions? options = null, CancellationToken cancellation = default) =>
        Start(prompt, options).ReadAsync(cancellation);

    /// <summary>Frees the memory, after the step that is being computed.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _generator.Dispose();
            _files?.Dispose();
        }
    }

    private int[] Encode(string prompt, TextGenerationOptions options) =>
        Text.Encode(prompt, new EncodingOptions { AddBeginning = options.AddBeginning, AddEnd = false, ParseSpecial = options.ParseSpecial });

    /// <summary>One vector for a text, and how many tokens it has.</summary>
    /// <exception cref="InvalidInputException">The text is empty or too long, or there is no memory for it.</exception>
    internal async Task<(float[] Vector, int Tokens)> EmbedAsync(string text, EmbeddingPooling pooling, CancellationToken cancellation)
    {
        if (Rows > 1) throw new InvalidOperationException($"the model was loaded for {Rows} texts at once, and texts are embedded one by one: load it for one");
        int[] tokens = Text.Encode(text, new EncodingOptions());
        if (tokens.Length == 0) throw new InvalidInputException("a text to embed is empty; give at least one character");
        if (tokens.Length > Context)
            throw new InvalidInputException($"a text to embed has {tokens.Length} tokens, and there is room for {Context}; shorten it, or load the model with a larger context (--context)");
        await Turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            float[] vector = await Task.Run(() => Use(generator => (_embedder ??= new TextEmbedder(generator)).Embed(tokens, pooling, cancellation)), cancellation).ConfigureAwait(false);
            return (vector, tokens.Length);
        }
        finally
        {
            Turn.Release();
        }
    }

    /// <summary>Computes a step.</summary>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    internal T Use<T>(Func<Generator, T> step)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return step(_generator);
        }
    }
}
