using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.Special;

/// <summary>Encodes a text with added tokens in steps, each of which leaves it where encoding can be taken up again.</summary>
internal ref struct AddedTokenEncoder
{
    private const int SmallestWindow = 1 << 13;
    private readonly ITokenizer _inner;
    private readonly AddedTokenMatcher _matcher;
    private readonly ReadOnlySpan<byte> _text;
    private readonly Span<int> _tokens;
    private readonly bool _isFinal;
    private int _window;

    public AddedTokenEncoder(ITokenizer inner, AddedTokenMatcher matcher, ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal)
    {
        _inner = inner;
        _matcher = matcher;
        _text = text;
        _tokens = tokens;
        _isFinal = isFinal;
        _window = (int)Math.Clamp(8L * tokens.Length, SmallestWindow, Array.MaxLength);
    }

    /// <summary>Encodes some more; false if nothing more is certain or fits.</summary>
    public bool Advance(ref int consumed, ref int written)
    {
        if (consumed == _text.Length || written == _tokens.Length) return false;
        while (true)
        {
            bool isWhole = _window >= _text.Length - consumed;
            ReadOnlySpan<byte> rest = isWhole ? _text[consumed..] : _text.Slice(consumed, _window);
            if (Step(rest, _isFinal && isWhole, ref consumed, ref written)) return true;
            // With something written the next call begins anew, with all its room.
            if (isWhole || written > 0) return false;
            _window = (int)Math.Min(2L * _window, Array.MaxLength);
        }
    }

    private readonly bool Step(ReadOnlySpan<byte> rest, bool isFinal, ref int consumed, ref int written)
    {
        AddedToken? added = _matcher.Find(rest, isFinal, out int start);
        ReadOnlySpan<byte> before = rest[..start];
        before = WithoutSpaces(before, added, isFinal);
        if (!before.IsEmpty)
        {
            EncodeInner(before, _tokens[written..], added is not null || isFinal, mayCut: written == 0, out int bytes, out int tokens);
            consumed += bytes;
            written += tokens;
            return bytes > 0;
        }

        if (added is null) return false;
        int end = start + added.Text.Length;
        if (added.TakesSpacesAfter) end = rest.Length - WhiteSpace.TrimStart(rest[end..]).Length;
        // What comes after decides how many spaces belong to it, or whether a space goes before that.
        bool needsMore = added.TakesSpacesAfter || !_inner.TextPrefix.IsEmpty;
        if (!isFinal && needsMore && (end == rest.Length || WhiteSpace.IsCutOff(rest[end..]))) return false;
        int afterTokens = 0, afterBytes = 0;
        if (!_inner.TextPrefix.IsEmpty && end < rest.Length && !EncodeAfter(rest[end..], isFinal, mayCut: written == 0, _tokens[(written + 1)..], out afterBytes, out afterTokens))
        {
            // With room for nothing after it, it goes alone rather than never.
            if (written > 0 || _tokens.Length > 1 || !isFinal) return false;
        }

        _tokens[written] = added.Id;
        written += 1 + afterTokens;
        consumed += end + afterBytes;
        return true;
    }

    private readonly ReadOnlySpan<byte> WithoutSpaces(ReadOnlySpan<byte> text, AddedToken? next, bool isFinal) =>
        next is { TakesSpacesBefore: true } ? WhiteSpace.TrimEnd(text)
        : next is null && !isFinal && _matcher.HasSpacesBefore ? WhiteSpace.TrimUncertainEnd(text) : text;

    // A piece that does not fit is cut only where it has all the room that the caller gives.
    private readonly void EncodeInner(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, bool mayCut, out int consumed, out int written)
    {
        if (_inner is PieceTokenizer pieces) pieces.Encode(text, tokens, isFinal, mayCut, out consumed, out written);
        else _inner.Encode(text, tokens, isFinal, out consumed, out written);
    }

    // The start of the text after an added token has a space before it, and only here is it known to be one.
    private readonly bool EncodeAfter(ReadOnlySpan<byte> rest, bool isFinal, bool mayCut, Span<int> tokens, out int consumed, out int written)
    {
        consumed = written = 0;
        AddedToken? added = _matcher.Find(rest, isFinal, out int start);
        ReadOnlySpan<byte> text = rest[..start];
        text = WithoutSpaces(text, added, isFinal);
        if (text.IsEmpty) return added is not null;
        if (added is null && !isFinal && WhiteSpace.IsCutOff(text)) return false;
        ReadOnlySpan<byte> prefix = _inner.PrefixOf(text, startsText: false);
        if (prefix.IsEmpty) return true;
        for (int size = 256; ; size *= 2)
        {
            size = Math.Min(size, text.Length);
            byte[] prefixed = [.. prefix, .. text[..size]];
            EncodeInner(prefixed, tokens, size == text.Length && (added is not null || isFinal), mayCut, out int bytes, out written);
            consumed = bytes - prefix.Length;
            if (consumed >= 0 && written > 0) return true;
            if (size == text.Length) return false;
        }
    }
}
