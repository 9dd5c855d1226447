using System.Buffers;
using System.Globalization;
using System.Text;
using Ration.Tokenizers.Normalization;

namespace Ration.Tokenizers.WordPiece;

/// <summary>BERT's tokenizer: text is cleaned and usually made lower case, cut into words and punctuation, and the words into pieces. What
/// it rewrites does not come back when tokens are decoded; every word comes back with one space before it.</summary>
internal sealed class WordPieceTokenizer : SegmentedTokenizer
{
    private readonly WordPieceModel _model;
    private readonly ITextNormalizer? _normalizer;
    private readonly byte[][] _bytes;

    /// <summary>A tokenizer over a vocabulary.</summary>
    /// <param name="vocabulary">The pieces.</param>
    /// <param name="normalizer">What is done to text first; null for nothing.</param>
    public WordPieceTokenizer(WordPieceVocabulary vocabulary, ITextNormalizer? normalizer)
    {
        _model = new WordPieceModel(vocabulary);
        _normalizer = normalizer;
        _bytes = new byte[vocabulary.Pieces.Length][];
        for (int id = 0; id < _bytes.Length; id++)
            _bytes[id] = vocabulary.Continues[id] || vocabulary.Pieces[id].Length == 0 ? vocabulary.Pieces[id] : [(byte)' ', .. vocabulary.Pieces[id]];
    }

    /// <inheritdoc/>
    public override string Name => "wordpiece";

    /// <inheritdoc/>
    public override int VocabularySize => _bytes.Length;

    /// <summary>What BERT models trained without regard to case do to text first.</summary>
    public static ITextNormalizer Uncased { get; } = new BertNormalizer(clean: true, separateIdeographs: true, stripAccents: true, lowercase: true);

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Bytes(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, VocabularySize);
        return _bytes[token];
    }

    /// <inheritdoc/>
    protected override void EncodeSegment(ReadOnlySpan<byte> segment, IBufferWriter<int> output)
    {
        ReadOnlySpan<byte> text = segment;
        if (_normalizer is not null)
        {
            var normalized = new ArrayBufferWriter<byte>(segment.Length + 16);
            _normalizer.Normalize(segment, normalized);
            text = normalized.WrittenSpan;
        }

        while (BertWords.Next(ref text) is { IsEmpty: false } word) _model.Encode(word, output);
    }

    /// <inheritdoc/>
    protected override int Boundary(ReadOnlySpan<byte> text, int atLeast, bool isFinal)
    {
        for (int at = 0; at < text.Length;)
        {
            OperationStatus status = Rune.DecodeFromUtf8(text[at..], out Rune rune, out int bytes);
            if (status == OperationStatus.NeedMoreData && !isFinal) return 0;
            if (at >= atLeast && status == OperationStatus.Done && Separates(rune)) return at;
            at += bytes;
        }

        return isFinal ? text.Length : 0;
    }

    // Only what separates words after any normalization, and joins nothing before it.
    private static bool Separates(Rune rune) => rune.IsAscii
        ? rune.Value is ' ' or '\n' or '\t' or '\r' || BertWords.IsPunctuation(rune)
        : rune.Value is >= 0x4E00 and <= 0x9FFF;
}
