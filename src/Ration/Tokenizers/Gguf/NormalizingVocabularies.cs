using Ration.Files;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.Unigram;
using Ration.Tokenizers.WordPiece;

namespace Ration.Tokenizers.Gguf;

/// <summary>The tokenizers of GGUF files that rewrite text before they cut it: WordPiece (<c>bert</c>) and unigram (<c>t5</c>).</summary>
internal static class NormalizingVocabularies
{
    private const string Prefix = "tokenizer.ggml.";

    /// <summary>Makes one; null for another kind. See <see cref="GgufVocabulary.OtherTokenizer"/>.</summary>
    /// <exception cref="FileFormatException">Its keys do not fit each other.</exception>
    public static ITokenizer? Create(string model, IMetadata metadata, TokenVocabulary vocabulary) => model switch
    {
        "bert" => CreateWordPiece(metadata, vocabulary),
        "t5" => CreateUnigram(metadata, vocabulary),
        _ => null,
    };

    // Words begin with U+2581 and their other tokens have no mark.
    private static WordPieceTokenizer CreateWordPiece(IMetadata metadata, TokenVocabulary vocabulary)
    {
        ReadOnlySpan<byte> mark = "\u2581"u8;
        var builder = new TokenVocabularyBuilder();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            ReadOnlySpan<byte> token = vocabulary.Bytes(id);
            bool isText = vocabulary.Kind(id) is TokenKind.Normal or TokenKind.UserDefined or TokenKind.Unused;
            builder.Add(isText && token.StartsWith(mark) ? [(byte)' ', .. token[mark.Length..]] : token, vocabulary.Kind(id));
        }

        bool known = metadata.TryGetInteger(Prefix + "unknown_token_id", out long unknown);
        if (!known) unknown = vocabulary.UnknownToken;
        if (known && (unknown < 0 || unknown >= vocabulary.Count))
            throw new FileFormatException(metadata.Path, $"{Prefix}unknown_token_id is {unknown}, and its vocabulary has {vocabulary.Count} tokens", "make the file again");
        return new WordPieceTokenizer(builder.Build(), WordPieceTokenizer.Uncased, (int)unknown);
    }

    private static UnigramTokenizer CreateUnigram(IMetadata metadata, TokenVocabulary vocabulary)
    {
        ITextNormalizer? normalizer = null;
        try
        {
            if (metadata.TryGetBytes(Prefix + "precompiled_charsmap", out ReadOnlyMemory<byte> map) && !map.IsEmpty) normalizer = new CharacterMapNormalizer(map.Span);
        }
        catch (FormatException e)
        {
            throw new FileFormatException(metadata.Path, e.Message, "make the file again", e);
        }

        return new UnigramTokenizer(vocabulary, new UnigramSettings
        {
            Normalizer = normalizer,
            CollapseSpaces = !metadata.TryGetBoolean(Prefix + "remove_extra_whitespaces", out bool collapse) || collapse,
            Prefix = !metadata.TryGetBoolean(Prefix + "add_space_prefix", out bool prefix) || prefix ? SpacePrefix.Always : SpacePrefix.Never,
        });
    }
}
