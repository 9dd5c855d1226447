using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Special;

namespace Ration.Tokenizers;

/// <summary>Every token of a tokenizer by id, added ones in their places: what files list.</summary>
internal sealed class VocabularyRows
{
    private readonly TokenVocabulary _vocabulary;
    private readonly IReadOnlyDictionary<int, AddedToken> _added;

    /// <summary>The tokens of a tokenizer.</summary>
    /// <exception cref="ArgumentException">It is not one of those of Ration.</exception>
    public VocabularyRows(ITokenizer tokenizer)
    {
        var text = tokenizer as TextTokenizer;
        Tokenizer = text?.Inner ?? tokenizer;
        _added = text?.AddedTokens ?? new Dictionary<int, AddedToken>();
        _vocabulary = Tokenizer switch
        {
            PieceTokenizer pieces => pieces.Vocabulary,
            ByteTokenizer bytes => Alphabet(bytes),
            _ => throw new ArgumentException($"the tokenizer {Tokenizer.Name} has no list of tokens", nameof(tokenizer)),
        };
        Count = tokenizer.VocabularySize;
    }

    /// <summary>What makes tokens of the text between added tokens.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Ids are 0 … this − 1.</summary>
    public int Count { get; }

    /// <summary>What a token is for.</summary>
    public TokenKind Kind(int id) => id < _vocabulary.Count && _vocabulary.Kind(id) == TokenKind.Unknown ? TokenKind.Unknown
        : _added.TryGetValue(id, out AddedToken? added) ? added.IsSpecial ? TokenKind.Control : TokenKind.UserDefined
        : id < _vocabulary.Count ? _vocabulary.Kind(id) : TokenKind.Unused;

    /// <summary>The bytes of a token, or how it is written if it is a mark; may be empty.</summary>
    public ReadOnlySpan<byte> Bytes(int id) => _added.TryGetValue(id, out AddedToken? added) ? added.Text : id < _vocabulary.Count ? _vocabulary.Bytes(id) : [];

    /// <summary>The higher, the sooner merged or the likelier.</summary>
    public float Score(int id) => id < _vocabulary.Count ? _vocabulary.Score(id) : 0;

    /// <summary>How a token is found before all others; null if it is not.</summary>
    public AddedToken? Added(int id) => _added.GetValueOrDefault(id);

    /// <summary>How tokens are written in a file, each otherwise than all others, and what they are for there: of two that would be written
    /// alike the second is a reserved place, as text only ever becomes the first.</summary>
    /// <param name="count">Rows of the file, no fewer than tokens.</param>
    /// <param name="text">The file's way to write a token.</param>
    public (string Text, TokenKind Kind)[] Spell(int count, Func<int, string> text)
    {
        var spelt = new (string, TokenKind)[count];
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (bool reserved in (ReadOnlySpan<bool>)[false, true])
        {
            for (int id = 0; id < count; id++)
            {
                TokenKind kind = id < Count ? Kind(id) : TokenKind.Unused;
                if (kind == TokenKind.Unused != reserved) continue;
                string own = id < Count ? text(id) : "";
                if (own.Length == 0 || !taken.Add(own))
                {
                    kind = TokenKind.Unused;
                    for (own = Padding(id); !taken.Add(own);) own += "_";
                }

                spelt[id] = (own, kind);
            }
        }

        return spelt;
    }

    /// <summary>How a reserved place is written that only fills a vocabulary up to the model's rows.</summary>
    public static string Padding(int id) => $"[PAD{id}]";

    private static TokenVocabulary Alphabet(ByteTokenizer bytes)
    {
        var builder = new TokenVocabularyBuilder();
        for (int id = 0; id < bytes.VocabularySize; id++) builder.Add(bytes.Bytes(id), id < ByteTokenizer.Alphabet ? TokenKind.Normal : TokenKind.Unused);
        return builder.Build();
    }
}
