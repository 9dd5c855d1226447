using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Ration.Files;
using Ration.Memory;
using Ration.Tokenizers;

namespace Ration.Data;

/// <summary>Fills a <see cref="TokenStore"/>: in memory while it fits, then in a file.</summary>
internal sealed class TokenStoreBuilder : IDisposable
{
    private const int TextPiece = 256 << 10;
    private const int TokenPiece = 64 << 10;
    private readonly ITokenizer _tokenizer;
    private readonly string _spoolFolder;
    private readonly bool _narrow;
    private readonly byte[] _text = new byte[TextPiece];
    private readonly int[] _tokens = new int[TokenPiece];
    private byte[] _memory;
    private SafeFileHandle? _spool;
    private string _spoolPath = "";
    private long _count;
    private long _documents;

    public TokenStoreBuilder(long textBytes, ITokenizer tokenizer, ByteSize memoryLimit, string spoolFolder)
    {
        _tokenizer = tokenizer;
        _spoolFolder = spoolFolder;
        _narrow = NarrowTokens.Hold(tokenizer.VocabularySize);
        _memory = new byte[MemoryFor(textBytes, tokenizer, memoryLimit)];
    }

    /// <summary>Bytes to hold for a text: a token for each byte, which is exact for bytes and too much for any other vocabulary (where it
    /// is too little, the spool takes the rest); none where the limit is less.</summary>
    private static long MemoryFor(long textBytes, ITokenizer tokenizer, ByteSize memoryLimit)
    {
        int tokenBytes = NarrowTokens.BytesOf(NarrowTokens.Hold(tokenizer.VocabularySize));
        return textBytes > Math.Min(memoryLimit.Bytes, Array.MaxLength) / tokenBytes ? 0 : textBytes * tokenBytes;
    }

    private int TokenBytes => NarrowTokens.BytesOf(_narrow);

    public void Append(TextDocument document, CancellationToken cancellation)
    {
        using SafeFileHandle handle = InputFile.Open(document.Path, out _);
        long offset = 0;
        int filled = 0;
        bool hasBegun = false;
        long before = _count;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            int room = (int)Math.Min(_text.Length - filled - (hasBegun ? 0 : _tokenizer.TextPrefix.Length), document.Bytes - offset);
            int read = room == 0 ? 0 : RandomAccess.Read(handle, _text.AsSpan(filled, room), offset);
            offset += read;
            filled += read;
            if (!hasBegun && read > 0)
            {
                filled += _tokenizer.InsertPrefix(_text, filled);
                hasBegun = true;
            }

            // Nothing more came: the document ends here, or a full buffer held nothing certain and is cut where it ends.
            bool isFinal = read == 0;
            int consumed = Encode(_text.AsSpan(0, filled), isFinal, documentStarts: _count == before);
            _text.AsSpan(consumed, filled - consumed).CopyTo(_text);
            filled -= consumed;
            if (isFinal && (room > 0 || offset >= document.Bytes)) break;
        }

        if (_count > before) _documents++;
    }

    public TokenStore Build()
    {
        byte[] memory = _spool is not null ? [] : _memory;
        long used = _count * TokenBytes;
        if (_spool is null && memory.Length > used) Array.Resize(ref memory, (int)used);
        var store = new TokenStore(memory, _spool, _spoolPath, _narrow, _count, _documents);
        _spool = null;
        return store;
    }

    public void Dispose() => _spool?.Dispose();

    private int Encode(ReadOnlySpan<byte> text, bool isFinal, bool documentStarts)
    {
        int total = 0;
        while (total < text.Length)
        {
            _tokenizer.Encode(text[total..], _tokens, isFinal, out int consumed, out int written);
            if (written > 0) Store(_tokens.AsSpan(0, written), documentStarts);
            documentStarts &= written == 0;
            total += consumed;
            if (consumed == 0) break;
        }

        if (isFinal && total < text.Length)
            throw new InvalidOperationException($"tokenizer {_tokenizer.Name} held back {text.Length - total} bytes of a text that ends");
        return total;
    }

    private void Store(Span<int> tokens, bool documentStarts)
    {
        if (documentStarts) tokens[0] |= ITokenSource.DocumentStart;
        Span<byte> bytes = _narrow ? NarrowTokens.Pack(tokens) : MemoryMarshal.AsBytes(tokens);
        long offset = _count * TokenBytes;
        if (_spool is null && offset + bytes.Length > _memory.Length) Spill((int)offset);
        if (_spool is null) bytes.CopyTo(_memory.AsSpan((int)offset));
        else Write(bytes, offset);
        _count += tokens.Length;
    }

    private void Spill(int used)
    {
        _spoolPath = Path.Combine(_spoolFolder, $"ration-tokens-{Environment.ProcessId}-{Guid.NewGuid():N}");
        try
        {
            _spool = File.OpenHandle(_spoolPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None,
                OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None);
            // Without a name the file goes with the process, however that ends.
            if (!OperatingSystem.IsWindows()) File.Delete(_spoolPath);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"{_spoolFolder}: no temporary file can be made there ({e.Message}); name a folder that can be written", e);
        }

        Write(_memory.AsSpan(0, used), 0);
        _memory = [];
    }

    private void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(_spool!, bytes, offset);
        }
        catch (IOException e) when (DiskErrors.IsDiskFull(e))
        {
            throw DiskErrors.DiskFull(_spoolPath, $"the tokens of the data did not fit beyond {new ByteSize(offset)}", e);
        }
    }
}
