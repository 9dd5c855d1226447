using System.Buffers.Text;

namespace Ration.Cli.Tokens;

/// <summary>Writes token ids as they come: with spaces between them, or as a JSON object with an array.</summary>
internal sealed class TokenWriter(Stream output, bool json) : IDisposable
{
    private const int LongestId = 12;
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _length;
    private long _count;
    private bool _hasBegun;

    /// <summary>Writes some.</summary>
    public void Write(ReadOnlySpan<int> tokens)
    {
        Begin();
        foreach (int token in tokens)
        {
            if (_length > _buffer.Length - LongestId) Flush();
            if (_count++ > 0) _buffer[_length++] = json ? (byte)',' : (byte)' ';
            Utf8Formatter.TryFormat(token, _buffer.AsSpan(_length), out int written);
            _length += written;
        }
    }

    /// <summary>Ends the list.</summary>
    public void Finish()
    {
        Begin();
        if (json)
        {
            Append("],\"count\":"u8);
            Utf8Formatter.TryFormat(_count, _buffer.AsSpan(_length), out int written);
            _length += written;
            Append("}"u8);
        }

        Append("\n"u8);
        Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => Flush();

    private void Begin()
    {
        if (_hasBegun) return;
        _hasBegun = true;
        if (json) Append("{\"tokens\":["u8);
    }

    private void Append(ReadOnlySpan<byte> text)
    {
        if (_length > _buffer.Length - 64) Flush();
        text.CopyTo(_buffer.AsSpan(_length));
        _length += text.Length;
    }

    private void Flush()
    {
        output.Write(_buffer, 0, _length);
        output.Flush();
        _length = 0;
    }
}
