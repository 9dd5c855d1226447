using System.Text;
using System.Text.Json;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.PreTokenizers;
using Ration.Tokenizers.SentencePiece;
using Ration.Tokenizers.Special;
using Ration.Tokenizers.Unigram;
using Ration.Tokenizers.WordPiece;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Reads the <c>model</c> of a <c>tokenizer.json</c>. All faults are a <see cref="FormatException"/> or what the parts throw.</summary>
internal sealed class JsonModelReader(JsonFields model, TextPipeline pipeline, IReadOnlyList<AddedToken> added)
{
    private readonly Dictionary<int, AddedToken> _added = added.ToDictionary(static token => token.Id);

    /// <summary>The tokenizer and its tokens.</summary>
    public (ITokenizer Inner, TokenVocabulary Vocabulary) Read()
    {
        string type = model.Text("type") ?? (!model.Raw("merges").IsEmpty ? "BPE" : model.Raw("vocab").Span.StartsWith("["u8) ? "Unigram" : "WordPiece");
        if (pipeline.Strips && !pipeline.CollapsesSpaces) throw new FormatException("its normalizer Strip takes spaces off the ends of texts and leaves those between, which Ration does not do");
        PieceTokenizer tokenizer = type switch
        {
            "BPE" when pipeline.IsByteLevel => ReadByteLevel(),
            "BPE" => ReadCharacterLevel(),
            "Unigram" => ReadUnigram(),
            "WordPiece" => ReadWordPiece(),
            _ => throw new FormatException($"its model {InvalidInputException.Quote(type)} is none that Ration knows"),
        };
        return (tokenizer, tokenizer.Vocabulary);
    }

    private PieceTokenizer ReadByteLevel()
    {
        CheckPairs();
        if (pipeline.MarksSpaces || pipeline.Prefix != SpacePrefix.Never || pipeline.CollapsesSpaces || pipeline.IsBert)
            throw new FormatException("its pre-tokenizers mix bytes with marks for spaces or words, which Ration does not do");
        TokenVocabulary vocabulary = Tokens().Build(Decide(null, static text => ByteAlphabet.Decode(Encoding.UTF8.GetString(text))));
        MergeTable merges = ReadMerges(vocabulary, static text => ByteAlphabet.Decode(text));
        var tokenizer = new BytePairTokenizer(vocabulary, merges, new PreTokenizer([.. pipeline.Stages]), model.Flag("ignore_merges"));
        return pipeline.Normalizer is { } normalizer ? new NormalizedTokenizer(tokenizer, normalizer) : tokenizer;
    }

    private PieceTokenizer ReadCharacterLevel()
    {
        CheckPairs();
        if (pipeline.Stages.Count > 0 || pipeline.IsBert) throw new FormatException("its pre-tokenizers cut a text of characters, which Ration does for byte-level models only");
        if (!pipeline.MarksSpaces) throw new FormatException("it is neither byte-level nor does it mark spaces by U+2581; Ration knows no other kind of BPE");
        TokenVocabulary vocabulary = Tokens().Build(Decide(model.Text("unk_token"), SentencePieceTokenizerBytes));
        MergeTable merges = ReadMerges(vocabulary, static text => SentencePieceTokenizer.Unescape(Encoding.UTF8.GetBytes(text)));
        var tokenizer = new CharacterPairTokenizer(vocabulary, merges, pipeline.Prefix, pipeline.SeparatesSpaces, model.Flag("fuse_unk"));
        if (pipeline.CutsAtWhiteSpace) pipeline.Normalizers.Add(new WhiteSpaceNormalizer());
        else if (pipeline.CollapsesSpaces) pipeline.Normalizers.Add(new SpaceNormalizer());
        return pipeline.Normalizer is { } normalizer ? new NormalizedTokenizer(tokenizer, normalizer) : tokenizer;
    }

    private UnigramTokenizer ReadUnigram()
    {
        if (pipeline.Stages.Count > 0 || pipeline.IsBert) throw new FormatException("its pre-tokenizers cut words in a way that Ration knows for byte-level models only");
        if (!pipeline.MarksSpaces) throw new FormatException("its pre-tokenizer does not mark spaces by U+2581; Ration knows no other kind of unigram model");
        TokenList tokens = ModelListReader.ReadScores(model.Raw("vocab").Span);
        int unknown = model.Integer("unk_id", -1);
        if (unknown >= tokens.Count) throw new FormatException($"unk_id is {unknown}, and it has {tokens.Count} tokens");
        TokenVocabulary vocabulary = tokens.Build(Decide(null, SentencePieceTokenizerBytes, unknown));
        return new UnigramTokenizer(vocabulary, new UnigramSettings
        {
            Normalizer = pipeline.Normalizer,
            Prefix = pipeline.Prefix,
            CollapseSpaces = pipeline.CollapsesSpaces,
            CutAtWhiteSpace = pipeline.CutsAtWhiteSpace,
            SeparateSpaces = pipeline.SeparatesSpaces,
        });
    }

    private WordPieceTokenizer ReadWordPiece()
    {
        if (!pipeline.IsBert || pipeline.Stages.Count > 0 || pipeline.MarksSpaces) throw new FormatException("its pre-tokenizer is not BertPreTokenizer, the only one that Ration knows for WordPiece");
        byte[] continuation = Encoding.UTF8.GetBytes(model.Text("continuing_subword_prefix") ?? "##");
        if (continuation.Length == 0) throw new FormatException("its tokens inside words have no mark (continuing_subword_prefix)");
        int longest = model.Integer("max_input_chars_per_word", WordPieceTokenizer.UsualLongestWord);
        string unknown = model.Text("unk_token") ?? "[UNK]";
        TokenVocabulary vocabulary = Tokens().Build(Decide(unknown, text => WordPieceTokenizer.TokenBytes(text, continuation)));
        return new WordPieceTokenizer(vocabulary, pipeline.Normalizer, vocabulary.UnknownToken, longest);
    }

    private TokenList Tokens()
    {
        ReadOnlyMemory<byte> text = model.Raw("vocab");
        return text.IsEmpty ? throw new FormatException("its model has no vocabulary") : ModelListReader.ReadIds(text.Span);
    }

    private MergeTable ReadMerges(TokenVocabulary vocabulary, Func<string, byte[]> decode)
    {
        ReadOnlyMemory<byte> text = model.Raw("merges");
        return text.IsEmpty ? throw new FormatException("its model has no merges") : ModelListReader.ReadMerges(text.Span, vocabulary, decode);
    }

    private void CheckPairs()
    {
        foreach (string name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (!string.IsNullOrEmpty(model.Text(name))) throw new FormatException($"its model marks parts of words ({name}), which Ration does not do");
        JsonElement dropout = model.Element("dropout");
        if (dropout.IsGiven() && !(dropout.ValueKind == JsonValueKind.Number && dropout.TryGetDouble(out double rate) && rate == 0))
            throw new FormatException("its model drops merges at random (dropout), which Ration does not do");
    }

    private delegate byte[] TextBytes(ReadOnlySpan<byte> text);

    private byte[] SentencePieceTokenizerBytes(ReadOnlySpan<byte> text) => SentencePieceTokenizer.Unescape(text);

    // The unknown token is given by its text or its id; what is added is found by the text that its list gives it.
    private TokenList.Decide Decide(string? unknownText, TextBytes bytes, int unknownId = -1)
    {
        byte[]? unknown = unknownText is null ? null : Encoding.UTF8.GetBytes(unknownText);
        bool byteFallback = !pipeline.IsByteLevel && model.Flag("byte_fallback");
        return (int id, ReadOnlySpan<byte> text, ref TokenKind kind) =>
        {
            if (id == unknownId || (unknown is not null && text.SequenceEqual(unknown))) kind = TokenKind.Unknown;
            else if (_added.TryGetValue(id, out AddedToken? token)) kind = token.IsSpecial ? TokenKind.Control : TokenKind.UserDefined;
            // Merges speak of these too where spaces are marked, so they stand for spaces like all others.
            if (kind == TokenKind.UserDefined && pipeline.MarksSpaces) return bytes(text);
            if (kind != TokenKind.Normal) return text;
            if (!byteFallback || !SentencePieceTokenizer.TryReadByte(text, out byte value)) return bytes(text);
            kind = TokenKind.Byte;
            return new byte[] { value };
        };
    }
}
