using System.Runtime.InteropServices;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Tokens with their ids as a file lists them, in any order.</summary>
internal sealed class TokenList
{
    private const int MostTokens = 1 << 20;

    // Ids that are left out are reserved; far more of them than tokens is a damaged file.
    private const int MostUnused = 1 << 16;

    private readonly List<byte> _text = [];
    private readonly List<Entry> _entries = [];

    private readonly record struct Entry(int Id, int Start, int Length, float Score);

    /// <summary>How many tokens were added.</summary>
    public int Count => _entries.Count;

    /// <summary>Adds one.</summary>
    /// <exception cref="FormatException">The id is negative, or there are too many.</exception>
    public void Add(int id, ReadOnlySpan<byte> text, float score = 0)
    {
        if (id < 0) throw new FormatException($"a token has the id {id}");
        if (_entries.Count == MostTokens) throw new FormatException($"it has more than {MostTokens} tokens");
        if (!float.IsFinite(score)) throw new FormatException($"the score of token {id} is not a number");
        _entries.Add(new Entry(id, _text.Count, text.Length, score));
        _text.AddRange(text);
    }

    /// <summary>Calls back for every id from 0 to the highest, in order; those that no token has are empty and unused.</summary>
    /// <exception cref="FormatException">Two tokens have one id, or far too many ids are left out.</exception>
    public TokenVocabulary Build(Decide decide)
    {
        Span<Entry> entries = CollectionsMarshal.AsSpan(_entries);
        entries.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        if (entries.Length == 0) throw new FormatException("it has no tokens");
        if (entries[^1].Id >= 2 * entries.Length + MostUnused) throw new FormatException($"it has {entries.Length} tokens, and one of them has the id {entries[^1].Id}");
        var builder = new TokenVocabularyBuilder();
        foreach (Entry entry in entries)
        {
            if (entry.Id < builder.Count) throw new FormatException($"two tokens have the id {entry.Id}");
            while (builder.Count < entry.Id) builder.Add([], TokenKind.Unused);
            ReadOnlySpan<byte> text = CollectionsMarshal.AsSpan(_text).Slice(entry.Start, entry.Length);
            TokenKind kind = TokenKind.Normal;
            builder.Add(decide(entry.Id, text, ref kind), kind, entry.Score);
        }

        return builder.Build();
    }

    /// <summary>What a token is for, and its own bytes.</summary>
    /// <param name="id">The token.</param>
    /// <param name="text">As it is written, UTF-8.</param>
    /// <param name="kind">Normal unless set.</param>
    public delegate ReadOnlySpan<byte> Decide(int id, ReadOnlySpan<byte> text, ref TokenKind kind);
}
