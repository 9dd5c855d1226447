using System.Buffers;

namespace Ration.Tokenizers.Normalization;

/// <summary>Replaces every occurrence of a string, from left to right.</summary>
internal sealed class ReplaceNormalizer : ITextNormalizer
{
    private readonly byte[] _pattern;
    private readonly byte[] _content;

    /// <summary>Replaces <paramref name="pattern"/> by <paramref name="content"/>, both UTF-8.</summary>
    /// <exception cref="ArgumentException">The pattern is empty.</exception>
    public ReplaceNormalizer(byte[] pattern, byte[] content)
    {
        if (pattern.Length == 0) throw new ArgumentException("there is nothing to look for", nameof(pattern));
        (_pattern, _content) = (pattern, content);
    }

    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        for (int at; (at = text.IndexOf(_pattern)) >= 0; text = text[(at + _pattern.Length)..])
        {
            output.Write(text[..at]);
            output.Write(_content);
        }

        output.Write(text);
    }
}
