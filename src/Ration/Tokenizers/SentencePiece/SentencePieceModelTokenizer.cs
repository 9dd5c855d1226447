using System.Text;
using Ration.Files;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.Special;
using Ration.Tokenizers.Unigram;

namespace Ration.Tokenizers.SentencePiece;

/// <summary>Makes a tokenizer of a SentencePiece <c>tokenizer.model</c>.</summary>
internal static class SentencePieceModelTokenizer
{
    /// <summary>The name of the file in a model's folder.</summary>
    public const string FileName = "tokenizer.model";

    /// <summary>The tokenizer of a model.</summary>
    /// <param name="model">The content of the file.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="FileFormatException">The model asks for what Ration does not do.</exception>
    public static ReadTokenizer Create(SentencePieceModel model, string path)
    {
        if (model.WhitespaceAsSuffix) throw Fault(path, "its spaces belong to the pieces before them (treat_whitespace_as_suffix)");
        if (!model.EscapeWhitespaces) throw Fault(path, "its spaces are not marked by U+2581 (escape_whitespaces)");
        TokenVocabulary vocabulary = Vocabulary(model, path);
        PieceTokenizer inner = model.Algorithm switch
        {
            SentencePieceAlgorithm.Unigram => Unigram(model, vocabulary, path),
            SentencePieceAlgorithm.BytePair => BytePair(model, vocabulary, path),
            _ => throw Fault(path, $"it cuts text by {model.Algorithm} (model_type)"),
        };
        List<AddedToken> added = [];
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Kind(id) is TokenKind.Control or TokenKind.Unknown) added.Add(new AddedToken(id, vocabulary.Bytes(id).ToArray(), IsSpecial: true));
            else if (vocabulary.Kind(id) == TokenKind.UserDefined) added.Add(new AddedToken(id, vocabulary.Bytes(id).ToArray(), IsSpecial: false));
        }

        return new ReadTokenizer
        {
            Inner = inner,
            Vocabulary = vocabulary,
            Added = added,
            BeginningId = model.BeginningId < 0 ? null : model.BeginningId,
            EndId = model.EndId < 0 ? null : model.EndId,
            AddBeginning = model.BeginningId >= 0 && model.Algorithm == SentencePieceAlgorithm.BytePair,
            AddEnd = false,
        };
    }

    private static FileFormatException Fault(string path, string what) => new(path, what, "Ration does not do that; use a model with another tokenizer");

    private static TokenVocabulary Vocabulary(SentencePieceModel model, string path)
    {
        var builder = new TokenVocabularyBuilder();
        for (int id = 0; id < model.Pieces.Length; id++)
        {
            TokenKind kind = model.Kinds[id];
            byte[] piece = model.Pieces[id];
            if (kind == TokenKind.Byte)
            {
                if (!SentencePieceTokenizer.TryReadByte(piece, out byte value))
                    throw new FileFormatException(path, $"piece {id} stands for a byte and is written {InvalidInputException.Quote(Encoding.UTF8.GetString(piece))}",
                        "copy it again from the model's source");
                piece = [value];
            }
            else if (kind is TokenKind.Normal or TokenKind.UserDefined or TokenKind.Unused)
            {
                piece = SentencePieceTokenizer.Unescape(piece);
            }

            builder.Add(piece, kind, model.Scores[id]);
        }

        return builder.Build();
    }

    private static CharacterMapNormalizer? Normalizer(SentencePieceModel model, string path)
    {
        try
        {
            return model.CharacterMap.Length == 0 ? null : new CharacterMapNormalizer(model.CharacterMap);
        }
        catch (FormatException e)
        {
            throw new FileFormatException(path, e.Message, "copy it again from the model's source", e);
        }
    }

    private static UnigramTokenizer Unigram(SentencePieceModel model, TokenVocabulary vocabulary, string path) => new(vocabulary, new UnigramSettings
    {
        Normalizer = Normalizer(model, path),
        CollapseSpaces = model.RemoveExtraWhitespaces,
        Prefix = model.AddDummyPrefix ? SpacePrefix.Always : SpacePrefix.Never,
    });

    private static PieceTokenizer BytePair(SentencePieceModel model, TokenVocabulary vocabulary, string path)
    {
        var tokenizer = new SentencePieceTokenizer(vocabulary, model.AddDummyPrefix);
        return (Normalizer(model, path), model.RemoveExtraWhitespaces) switch
        {
            (null, false) => tokenizer,
            ({ } normalizer, false) => new NormalizedTokenizer(tokenizer, normalizer),
            (null, true) => new NormalizedTokenizer(tokenizer, new SpaceNormalizer()),
            ({ } normalizer, true) => new NormalizedTokenizer(tokenizer, new NormalizerSequence([normalizer, new SpaceNormalizer()])),
        };
    }
}
