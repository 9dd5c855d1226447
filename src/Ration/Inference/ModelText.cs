using System.Buffers;
using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Inference;

/// <summary>What the files of a model say about its text: tokens, ends, conversations.</summary>
internal sealed class ModelText
{
    private readonly TokenizerDescription _description;
    private readonly Lazy<ChatTemplate?> _template;
    private readonly Lazy<SearchValues<string>> _specialTexts;
    private readonly Lazy<string[]> _specialByLength;
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
        _specialByLength = new Lazy<string[]>(() => [.. SpecialTexts().OrderByDescending(static t => t.Length)]);
        _specialTexts = new Lazy<SearchValues<string>>(() => SearchValues.Create(_specialByLength.Value, StringComparison.Ordinal));
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

    /// <summary>The first place where a text spells out a special token.</summary>
    /// <param name="text">The text.</param>
    /// <param name="special">The longest special token that begins there.</param>
    /// <returns>The place, or −1.</returns>
    public int FindSpecial(ReadOnlySpan<char> text, out string special)
    {
        special = "";
        if (_specialByLength.Value.Length == 0) return -1;
        int at = text.IndexOfAny(_specialTexts.Value);
        if (at < 0) return -1;
        foreach (string candidate in _specialByLength.Value)
        {
            if (text[at..].StartsWith(candidate, StringComparison.Ordinal))
            {
                special = candidate;
                break;
            }
        }

        return at;
    }

    /// <summary>Whether a text is one special token.</summary>
    public bool IsSpecial(string text) => _specialByLength.Value.Contains(text, StringComparer.Ordinal);

    private HashSet<string> SpecialTexts()
    {
        HashSet<string> texts = new(StringComparer.Ordinal);
        for (int id = 0; id < Tokenizer.VocabularySize; id++)
        {
            ReadOnlySpan<byte> bytes = Tokenizer.SpecialBytes(id);
            if (!bytes.IsEmpty) texts.Add(Encoding.UTF8.GetString(bytes));
        }

        return texts;
    }
}
