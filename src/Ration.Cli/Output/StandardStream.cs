namespace Ration.Cli.Output;

/// <summary>Standard output or standard error, and what becomes of bytes that cannot be written there.</summary>
internal sealed class StandardStream : Stream
{
    private readonly Stream _stream;
    private readonly bool _drops;

    private StandardStream(Stream stream, bool drops) => (_stream, _drops) = (stream, drops);

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Standard output: what cannot be written is bad input, as a result that does not arrive is none.</summary>
    public static StandardStream OpenOutput() => new(Console.OpenStandardOutput(), drops: false);

    /// <summary>Standard error: what cannot be written is dropped, as a full disk under a log must not end the work that it tells of.</summary>
    public static StandardStream OpenError() => new(Console.OpenStandardError(), drops: true);

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            _stream.Write(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_drops) throw new InvalidInputException($"standard output cannot be written ({e.Message}); check where it goes", e);
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _stream.Dispose();
        base.Dispose(disposing);
    }
}
