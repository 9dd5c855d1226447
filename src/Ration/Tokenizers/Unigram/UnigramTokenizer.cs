using System.Buffers;
using System.Text;
using Ration.Tokenizers.Normalization;

namespace Ration.Tokenizers.Unigram;

/// <summary>SentencePiece's unigram tokenizer: text is normalized, spaces become U+2581, and each word with the space before it is cut
/// into its most probable pieces. What the normalization rewrites does not come back when tokens are decoded.</summary>
internal sealed class UnigramTokenizer : SegmentedTokenizer
{
    private const byte Space = (byte)' ';

    private readonly UnigramModel _model;
    private readonly UnigramSettings _settings;
    private readonly byte[][] _bytes;
    private readonly bool _crossesWords;

    /// <summary>A tokenizer over a vocabulary.</summary>
    public UnigramTokenizer(UnigramVocabulary vocabulary, UnigramSettings settings)
    {
        _model = new UnigramModel(vocabulary);
        _settings = settings;
        _bytes = new byte[vocabulary.Pieces.Length][];
        for (int id = 0; id < _bytes.Length; id++)
        {
            _bytes[id] = Unescape(vocabulary.Pieces[id]);
            _crossesWords |= _bytes[id].AsSpan().TrimStart(Space).Contains(Space);
        }

        if (vocabulary.ByteIds is not null) for (int i = 0; i < 256; i++) _bytes[vocabulary.ByteIds[i]] = [(byte)i];
    }

    /// <inheritdoc/>
    public override string Name => "unigram";

    /// <inheritdoc/>
    public override int VocabularySize => _bytes.Length;

    /// <summary>What a text begins with that is not in it.</summary>
    public ReadOnlySpan<byte> TextPrefix => _settings.AddPrefix ? " "u8 : [];

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
        if (_settings.Normalizer is not null)
        {
            var normalized = new ArrayBufferWriter<byte>(segment.Length + 16);
            _settings.Normalizer.Normalize(segment, normalized);
            text = normalized.WrittenSpan;
        }

        var escaped = new ArrayBufferWriter<byte>(text.Length + 16);
        Escape(text, escaped);
        _model.Encode(escaped.WrittenSpan, output);
    }

    /// <inheritdoc/>
    protected override int Boundary(ReadOnlySpan<byte> text, int atLeast, bool isFinal)
    {
        for (int at = atLeast; !_crossesWords && at < text.Length; at++)
        {
            int space = text[at..].IndexOf(Space);
            if (space < 0) break;
            at += space;
            // A character before the space that may itself become a space would have to be seen together with it.
            _ = Rune.DecodeLastFromUtf8(text[..at], out Rune before, out _);
            if (Rune.IsLetterOrDigit(before) || (before.IsAscii && before.Value > Space)) return at;
        }

        return isFinal ? text.Length : 0;
    }

    private void Escape(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> output)
    {
        bool collapse = _settings.CollapseSpaces;
        if (collapse) text = text.TrimEnd(Space);
        for (int at; (at = text.IndexOf(Space)) >= 0;)
        {
            output.Write(text[..at]);
            output.Write("\u2581"u8);
            text = text[(at + 1)..];
            if (collapse) text = text.TrimStart(Space);
        }

        output.Write(text);
    }

    private static byte[] Unescape(byte[] piece)
    {
        var output = new ArrayBufferWriter<byte>(piece.Length + 1);
        new ReplaceNormalizer("\u2581"u8.ToArray(), [Space]).Normalize(piece, output);
        return output.WrittenSpan.ToArray();
    }
}
