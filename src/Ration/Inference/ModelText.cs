using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.ChatTemplates;
using Ration.Tokenizers.Special;

namespace Ration.Inference;

/// <summary>What the files of a model say about its text: tokens, ends, conversations.</summary>
internal sealed class ModelText
{
    private readonly TokenizerDescription _description;
    private readonly Lazy<ChatTemplate?> _template;
    private readonly Lazy<Dictionary<string, int>> _special;
    private readonly Lazy<MarkTexts> _marks;
    private readonly Lazy<MarkTexts> _ownMarks;
    private readonly int _vocabulary;

    /// <summary>Puts together what several files say.</summary>
    /// <param name="description">The tokenizer.</param>
    /// <param name="endIds">The ends that the configuration names.</param>
    /// <param name="vocabulary">Tokens that the model has embeddings of.</param>
    public ModelText(TokenizerDescription description, IReadOnlyList<int> endIds, int vocabulary)
    {
        _description = description;
        _vocabulary = vocabulary;
        Tokenizer = description.Tokenizer as TextTokenizer ?? new TextTokenizer(description.Tokenizer, []);
        EndIds = new SortedSet<int>([.. endIds.Concat(description.EndIds).Concat(Tokenizer.EndIds).Where(id => id >= 0 && id < vocabulary)]);
        _template = new Lazy<ChatTemplate?>(() => description.ChatTemplate is { } source ? ChatTemplate.Parse(source) : null);
        _special = new Lazy<Dictionary<string, int>>(SpecialTexts);
        _ownMarks = new Lazy<MarkTexts>(() => new MarkTexts([.. _special.Value.Keys, .. EndTexts()]));
        _marks = new Lazy<MarkTexts>(() => new MarkTexts([.. _special.Value.Keys, .. EndTexts(), .. TextsOfTemplate()]));
    }

    /// <summary>Makes tokens of text and text of tokens.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>The tokens after which the model has said all it has to say.</summary>
    public SortedSet<int> EndIds { get; }

    /// <summary>The template of conversations; null if the files have none.</summary>
    public ChatTemplate? ChatTemplate => _template.Value;

    /// <summary>Tokens that both the model and its tokenizer know.</summary>
    public int Vocabulary => Math.Min(_vocabulary, Tokenizer.VocabularySize);

    /// <summary>How the token that begins a text is written; null if there is none.</summary>
    public string? BeginningText => _description.BeginningText;

    /// <summary>How the token that ends a text is written; null if there is none.</summary>
    public string? EndText => _description.EndText;

    /// <summary>The tokens of a text.</summary>
    /// <exception cref="InvalidInputException">One of them is unknown to the model.</exception>
    public int[] Encode(string text, EncodingOptions options)
    {
        int[] tokens = Tokenizer.Encode(text, options);
        Require(tokens);
        return tokens;
    }

    /// <summary>Refuses tokens that the model has no embeddings of.</summary>
    /// <exception cref="InvalidInputException">There is one.</exception>
    public void Require(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_vocabulary) throw new InvalidInputException($"token {token} is not one of the model's {_vocabulary}; use the tokenizer that belongs to the model");
        }
    }

    /// <summary>The texts that must not become tokens where a message has them. The model itself writes tokens that are no special ones but
    /// that its template writes too, such as those of thoughts and of calls of tools.</summary>
    public MarkTexts MarksFor(string role) => role == "assistant" ? _ownMarks.Value : _marks.Value;

    /// <summary>The special token with a text; null if there is none.</summary>
    public int? FindSpecial(string text) => _special.Value.TryGetValue(text, out int id) ? id : null;

    private Dictionary<string, int> SpecialTexts()
    {
        Dictionary<string, int> texts = new(StringComparer.Ordinal);
        for (int id = 0; id < Tokenizer.VocabularySize; id++)
        {
            ReadOnlySpan<byte> bytes = Tokenizer.SpecialBytes(id);
            if (!bytes.IsEmpty) texts.TryAdd(Encoding.UTF8.GetString(bytes), id);
        }

        return texts;
    }

    // Files forget to say that a token is special.
    private IEnumerable<string> EndTexts() => EndIds.Select(id => Tokenizer.AddedTokens.GetValueOrDefault(id))
        .Where(static token => token is { IsSpecial: false }).Select(static token => Encoding.UTF8.GetString(token!.Text)).Where(static text => !string.IsNullOrWhiteSpace(text));

    private HashSet<string> TextsOfTemplate()
    {
        AddedTokenMatcher matcher = new(Tokenizer.AddedTokens.Values.Where(static token => !token.IsSpecial && IsMark(Encoding.UTF8.GetString(token.Text))));
        HashSet<string> texts = new(StringComparer.Ordinal);
        ReadOnlySpan<byte> source = Encoding.UTF8.GetBytes((ChatTemplate ?? ChatTemplate.Default).Source);
        while (matcher.Find(source, isFinal: true, out int start) is { } token)
        {
            texts.Add(Encoding.UTF8.GetString(token.Text));
            source = source[(start + token.Text.Length)..];
        }

        return texts;
    }

    // Runs of spaces and whole words are added to vocabularies too.
    private static bool IsMark(string text) => text.Any(char.IsLetterOrDigit) && text.Any(static c => char.IsPunctuation(c) || char.IsSymbol(c));
}
