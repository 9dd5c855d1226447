using System.Buffers;
using System.Text;
using Ration.Tokenizers.Special;

namespace Ration.Tokenizers;

/// <summary>
/// The tokenizer of a model: one that makes tokens of text, and the tokens added to it. Those that are always found are found by
/// <see cref="Encode(ReadOnlySpan{byte}, Span{int}, bool, out int, out int)"/> too; special ones, and those that begin and end a text,
/// only by <see cref="Encode(string, EncodingOptions?)"/>.
/// </summary>
public sealed class TextTokenizer : ITokenizer
{
    private readonly AddedTokenMatcher _always;
    private readonly AddedTokenMatcher _all;
    private readonly Dictionary<int, AddedToken> _byId = [];

    /// <summary>A tokenizer.</summary>
    /// <param name="inner">Makes tokens of the text between added tokens.</param>
    /// <param name="addedTokens">Tokens found before; their ids may be beyond those of <paramref name="inner"/>.</param>
    /// <exception cref="InvalidInputException">An added token has no text, a very long one, or an id below 0.</exception>
    public TextTokenizer(ITokenizer inner, IReadOnlyCollection<AddedToken> addedTokens)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(addedTokens);
        Inner = inner;
        _always = new AddedTokenMatcher(addedTokens.Where(static t => !t.IsSpecial));
        _all = new AddedTokenMatcher(addedTokens);
        VocabularySize = inner.VocabularySize;
        foreach (AddedToken token in addedTokens)
        {
            if (token.Id is < 0 or >= TokenVocabulary.MaxCount)
                throw new InvalidInputException($"the added token {Encoding.UTF8.GetString(token.Text)} has the id {token.Id}; ids go from 0 to {TokenVocabulary.MaxCount - 1}");
            _byId.TryAdd(token.Id, token);
            VocabularySize = Math.Max(VocabularySize, token.Id + 1);
        }
    }

    /// <summary>Makes tokens of the text between added tokens.</summary>
    public ITokenizer Inner { get; }

    /// <summary>The tokens that are found before, by id.</summary>
    internal IReadOnlyDictionary<int, AddedToken> AddedTokens => _byId;

    /// <summary>The token that begins a text; null if there is none.</summary>
    public int? BeginningId { get; init; }

    /// <summary>The token that ends a text; null if there is none.</summary>
    public int? EndId { get; init; }

    /// <summary>The tokens after which a model has said all it has to say: mostly <see cref="EndId"/> and marks of a chat.</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [];

    /// <summary>Whether texts begin with <see cref="BeginningId"/> unless options say otherwise.</summary>
    public bool AddBeginning { get; init; }

    /// <summary>Whether texts end with <see cref="EndId"/> unless options say otherwise.</summary>
    public bool AddEnd { get; init; }

    /// <inheritdoc/>
    public string Name => Inner.Name;

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> TextPrefix => Inner.TextPrefix;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PrefixOf(ReadOnlySpan<byte> text, bool startsText)
    {
        AddedToken? added = _always.Find(text, isFinal: true, out int start);
        text = text[..start];
        if (added is { TakesSpacesBefore: true }) text = WhiteSpace.TrimEnd(text);
        return Inner.PrefixOf(text, startsText);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(int token)
    {
        if (!_byId.TryGetValue(token, out AddedToken? added)) return InnerBytes(token);
        if (added.IsSpecial) return [];
        // What it is found by may have marks where what it stands for has spaces.
        ReadOnlySpan<byte> own = InnerBytes(token);
        return own.IsEmpty ? added.Text : own;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> SpecialBytes(int token) =>
        _byId.TryGetValue(token, out AddedToken? added) ? added.IsSpecial ? added.Text : [] : token < Inner.VocabularySize ? Inner.SpecialBytes(token) : [];

    /// <summary>The tokens of a whole text.</summary>
    public int[] Encode(string text, EncodingOptions? options) => Encode(Encoding.UTF8.GetBytes(text), options);

    /// <summary>The tokens of a whole UTF-8 text.</summary>
    public int[] Encode(ReadOnlySpan<byte> text, EncodingOptions? options) => Encode(text, options, []);

    /// <summary>The tokens of a whole UTF-8 text of which parts stay text, whatever they spell out.</summary>
    /// <param name="text">The text.</param>
    /// <param name="options">How it is encoded.</param>
    /// <param name="kept">Where those parts begin and end, in order: no added token is found that overlaps one.</param>
    internal int[] Encode(ReadOnlySpan<byte> text, EncodingOptions? options, IReadOnlyList<(int Start, int End)> kept)
    {
        options ??= new EncodingOptions();
        var tokens = new ArrayBufferWriter<int>(Math.Max(text.Length / 4, 16));
        if ((options.AddBeginning ?? AddBeginning) && BeginningId is { } beginning) tokens.Write([beginning]);
        var finder = new KeptTextFinder(options.ParseSpecial ? _all : _always, kept);
        List<int> cuts = kept.Count == 0 ? [] : Cuts(text, kept);
        int at = 0, cut = 0;
        for (bool startsText = true; at < text.Length; startsText = false)
        {
            AddedToken? added = finder.Find(text, at, out int start);
            ReadOnlySpan<byte> before = text[at..start];
            if (added is { TakesSpacesBefore: true }) before = WhiteSpace.TrimEnd(before);
            for (bool isFirst = true; !before.IsEmpty; isFirst = false)
            {
                while (cut < cuts.Count && cuts[cut] <= at) cut++;
                int length = cut < cuts.Count ? Math.Min(cuts[cut] - at, before.Length) : before.Length;
                tokens.Write(isFirst ? Inner.EncodeStretch(before[..length], startsText) : Inner.EncodeRest(before[..length]));
                before = before[length..];
                at += length;
            }

            if (added is null) break;
            tokens.Write([added.Id]);
            at = start + added.Text.Length;
            if (added.TakesSpacesAfter) at = text.Length - WhiteSpace.TrimStart(text[at..]).Length;
        }

        if ((options.AddEnd ?? AddEnd) && EndId is { } end) tokens.Write([end]);
        return tokens.WrittenSpan.ToArray();
    }

    /// <summary>The text of some tokens.</summary>
    /// <param name="tokens">From the start of a text.</param>
    /// <param name="showSpecial">Whether special tokens are spelt out.</param>
    /// <exception cref="InvalidInputException">An id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> tokens, bool showSpecial)
    {
        var decoder = new StreamingDecoder(this, startsText: true, showSpecial);
        return decoder.Append(tokens) + decoder.Finish();
    }

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, out int bytesConsumed, out int tokensWritten)
    {
        if (_always.IsEmpty)
        {
            Inner.Encode(text, tokens, isFinal, out bytesConsumed, out tokensWritten);
            return;
        }

        bytesConsumed = tokensWritten = 0;
        var state = new AddedTokenEncoder(Inner, _always, text, tokens, isFinal);
        while (state.Advance(ref bytesConsumed, ref tokensWritten)) { }
    }

    // Where the inner tokenizer has a token for what is kept too, it must not see it whole.
    private List<int> Cuts(ReadOnlySpan<byte> text, IReadOnlyList<(int Start, int End)> kept)
    {
        List<int> cuts = [];
        int next = 0;
        for (int at = 0; _always.Find(text[at..], isFinal: true, out int found) is { } added; at += found + added.Text.Length)
        {
            int start = at + found;
            while (next < kept.Count && kept[next].End <= start) next++;
            if (next == kept.Count) break;
            if (kept[next].Start >= start + added.Text.Length || added.Id >= Inner.VocabularySize) continue;
            _ = Rune.DecodeFromUtf8(added.Text, out _, out int first);
            cuts.Add(start + first);
        }

        return cuts;
    }

    private ReadOnlySpan<byte> InnerBytes(int token)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)VocabularySize, nameof(token));
        return token < Inner.VocabularySize ? Inner.Bytes(token) : [];
    }
}
