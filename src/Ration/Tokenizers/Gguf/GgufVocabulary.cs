using System.Text;
using Ration.Files;
using Ration.Files.Gguf;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.PreTokenizers;
using Ration.Tokenizers.SentencePiece;
using Ration.Tokenizers.Special;

namespace Ration.Tokenizers.Gguf;

/// <summary>
/// The tokenizer that a GGUF file describes in its keys <c>tokenizer.ggml.*</c>. Source: the GGUF specification, section
/// "Standardized key-value pairs".
/// </summary>
public static class GgufVocabulary
{
    /// <summary>The value of <c>tokenizer.ggml.model</c> in files without a tokenizer.</summary>
    internal const string None = "none";

    private const string Prefix = "tokenizer.ggml.";

    private static readonly HashSet<string> s_ends = new(StringComparer.Ordinal)
    {
        "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
    };

    /// <summary>Whether a file has a tokenizer.</summary>
    internal static bool IsIn(GgufMetadata metadata) => metadata.TryGetString(Prefix + "model", out string? model) && model != None;

    /// <summary>Makes a tokenizer of another kind than those made here; null if it does not know the kind either.</summary>
    /// <param name="model">The value of <c>tokenizer.ggml.model</c>.</param>
    /// <param name="metadata">The file.</param>
    /// <param name="vocabulary">Tokens as they are written in the file.</param>
    internal delegate ITokenizer? OtherTokenizer(string model, IMetadata metadata, TokenVocabulary vocabulary);

    /// <summary>The tokenizer of a file.</summary>
    /// <exception cref="FileFormatException">It has none, none that Ration knows, or its keys do not fit each other.</exception>
    public static TextTokenizer Read(GgufMetadata metadata) => Read(new GgufMetadataView(metadata), NormalizingVocabularies.Create);

    /// <summary>The tokenizer of a file.</summary>
    /// <param name="metadata">The file.</param>
    /// <param name="other">Makes what is made nowhere else.</param>
    /// <exception cref="FileFormatException">It has none, none that Ration knows, or its keys do not fit each other.</exception>
    internal static TextTokenizer Read(IMetadata metadata, OtherTokenizer? other = null)
    {
        if (!metadata.TryGetString(Prefix + "model", out string? model) || model == None)
            throw new FileFormatException(metadata.Path, "it has no tokenizer (no key tokenizer.ggml.model)", "use a file that was converted with its vocabulary");
        if (!metadata.TryGetString(Prefix + "pre", out string? pre)) pre = "default";
        TokenVocabulary vocabulary = ReadTokens(metadata, model);
        ITokenizer inner = model switch
        {
            "gpt2" => ReadBytePairs(metadata, vocabulary, pre),
            "llama" => new SentencePieceTokenizer(vocabulary, addsSpace: !metadata.TryGetBoolean(Prefix + "add_space_prefix", out bool adds) || adds),
            _ => other?.Invoke(model, metadata, vocabulary)
                ?? throw new FileFormatException(metadata.Path, $"its tokenizer is of the kind {InvalidInputException.Quote(model)}, which Ration does not know", "use a model with another tokenizer"),
        };
        int? beginning = ReadId(metadata, "bos_token_id", vocabulary), end = ReadId(metadata, "eos_token_id", vocabulary);
        // BERT's marks have names of their own; the misspelt one is the published key.
        if (model == "bert") (beginning, end) = (beginning ?? ReadId(metadata, "cls_token_id", vocabulary), end ?? ReadId(metadata, "seperator_token_id", vocabulary));
        bool addsBeginning = model is "llama" or "bert" || PreTokenizerNames.TakesWholeWords(pre), addsEnd = model is "t5" or "bert";
        if (metadata.TryGetBoolean(Prefix + "add_bos_token", out bool add)) addsBeginning = add;
        if (metadata.TryGetBoolean(Prefix + "add_eos_token", out add)) addsEnd = add;
        try
        {
            return new TextTokenizer(inner, ReadAdded(metadata, vocabulary))
            {
                BeginningId = beginning,
                EndId = end,
                EndIds = ReadEnds(metadata, vocabulary, end),
                AddBeginning = addsBeginning,
                AddEnd = addsEnd,
            };
        }
        catch (InvalidInputException e) when (e is not FileFormatException)
        {
            throw new FileFormatException(metadata.Path, e.Message, "make the file again", e);
        }
    }

    private static TokenVocabulary ReadTokens(IMetadata metadata, string model)
    {
        if (!metadata.TryGetStrings(Prefix + "tokens", out IReadOnlyList<ReadOnlyMemory<byte>>? tokens) || tokens.Count == 0)
            throw new FileFormatException(metadata.Path, "its tokenizer has no tokens (no key tokenizer.ggml.tokens)", "make the file again");
        metadata.TryGetFloats(Prefix + "scores", out float[]? scores);
        metadata.TryGetIntegers(Prefix + "token_type", out int[]? types);
        Check(metadata, "scores", scores?.Length, tokens.Count);
        Check(metadata, "token_type", types?.Length, tokens.Count);
        var builder = new TokenVocabularyBuilder();
        try
        {
            for (int id = 0; id < tokens.Count; id++)
            {
                TokenKind kind = types is null ? TokenKind.Normal : Kind(types[id]);
                bool isPadding = kind == TokenKind.Unused && tokens[id].Span.SequenceEqual(Encoding.UTF8.GetBytes(VocabularyRows.Padding(id)));
                builder.Add(isPadding ? [] : TokenBytes(model, tokens[id].Span, ref kind), kind, scores?[id] ?? 0);
            }
        }
        catch (InvalidInputException e) when (e is not FileFormatException)
        {
            throw new FileFormatException(metadata.Path, e.Message, "make the file again", e);
        }

        return builder.Build();
    }

    private static BytePairTokenizer ReadBytePairs(IMetadata metadata, TokenVocabulary vocabulary, string pre)
    {
        PreTokenizer preTokenizer = PreTokenizerNames.Find(pre)
            ?? throw new FileFormatException(metadata.Path, $"its tokenizer cuts words in the way {InvalidInputException.Quote(pre)}, which Ration does not know",
                "use a model with another tokenizer");
        if (!metadata.TryGetStrings(Prefix + "merges", out IReadOnlyList<ReadOnlyMemory<byte>>? merges))
            throw new FileFormatException(metadata.Path, "its tokenizer has no merges (no key tokenizer.ggml.merges)", "make the file again");
        var table = new MergeTable(vocabulary, merges.Count);
        for (int i = 0; i < merges.Count; i++)
        {
            string merge = Encoding.UTF8.GetString(merges[i].Span);
            // The second letter may be a space itself only where a file is wrong, so the first one divides.
            int space = merge.IndexOf(' ', 1 < merge.Length ? 1 : 0);
            if (space <= 0 || space == merge.Length - 1)
                throw new FileFormatException(metadata.Path, $"merge {i} of its tokenizer is {InvalidInputException.Quote(merge)}, not two tokens with a space between", "make the file again");
            table.Add(ByteAlphabet.Decode(merge.AsSpan(0, space)), ByteAlphabet.Decode(merge.AsSpan(space + 1)));
        }

        return new BytePairTokenizer(vocabulary, table, preTokenizer, PreTokenizerNames.TakesWholeWords(pre));
    }

    private static TokenKind Kind(int type) => type is >= (int)TokenKind.Normal and <= (int)TokenKind.Byte ? (TokenKind)type : TokenKind.Unused;

    private static byte[] TokenBytes(string model, ReadOnlySpan<byte> token, ref TokenKind kind)
    {
        switch (model)
        {
            case "gpt2" when kind is TokenKind.Normal or TokenKind.Unused: return ByteAlphabet.Decode(Encoding.UTF8.GetString(token));
            case "llama" or "t5" when kind == TokenKind.Byte:
                if (SentencePieceTokenizer.TryReadByte(token, out byte value)) return [value];
                kind = TokenKind.Unused;
                return [];
            case "llama" or "t5" when kind is TokenKind.Normal or TokenKind.Unused or TokenKind.UserDefined: return SentencePieceTokenizer.Unescape(token);
            default: return token.ToArray();
        }
    }

    private static List<AddedToken> ReadAdded(IMetadata metadata, TokenVocabulary vocabulary)
    {
        // Phi-3's marks swallow the spaces after them, which its file does not say.
        bool isPhi3 = metadata.TryGetString("general.name", out string? name)
            && (name.Contains("phi-3", StringComparison.OrdinalIgnoreCase) || name.Contains("phi3", StringComparison.OrdinalIgnoreCase));
        var added = new List<AddedToken>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            TokenKind kind = vocabulary.Kind(id);
            if (kind is not (TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined) || vocabulary.Bytes(id).IsEmpty) continue;
            byte[] text = vocabulary.Bytes(id).ToArray();
            bool takesSpaces = isPhi3 && !text.AsSpan().SequenceEqual("<unk>"u8) && !text.AsSpan().SequenceEqual("<s>"u8) && !text.AsSpan().SequenceEqual("<|endoftext|>"u8);
            added.Add(new AddedToken(id, text, kind != TokenKind.UserDefined, TakesSpacesAfter: takesSpaces));
        }

        return added;
    }

    // What a model says when its turn is over: the ids that the file names, and marks by which families of models are known to end.
    private static int[] ReadEnds(IMetadata metadata, TokenVocabulary vocabulary, int? end)
    {
        var ends = new SortedSet<int>();
        foreach (int? id in new[] { end, ReadId(metadata, "eot_token_id", vocabulary), ReadId(metadata, "eom_token_id", vocabulary) }) if (id is { } known) ends.Add(known);
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Kind(id) is TokenKind.Control or TokenKind.UserDefined && s_ends.Contains(Encoding.UTF8.GetString(vocabulary.Bytes(id)))) ends.Add(id);
        }

        return [.. ends];
    }

    private static int? ReadId(IMetadata metadata, string key, TokenVocabulary vocabulary)
    {
        if (!metadata.TryGetInteger(Prefix + key, out long id)) return null;
        if (id == uint.MaxValue || id == -1) return null;
        return id >= 0 && id < vocabulary.Count ? (int)id
            : throw new FileFormatException(metadata.Path, $"{Prefix}{key} is {id}, and its vocabulary has {vocabulary.Count} tokens", "make the file again");
    }

    private static void Check(IMetadata metadata, string key, int? count, int expected)
    {
        if (count is { } given && given != expected)
            throw new FileFormatException(metadata.Path, $"its tokenizer has {given} {Prefix}{key} for {expected} tokens", "make the file again");
    }
}
