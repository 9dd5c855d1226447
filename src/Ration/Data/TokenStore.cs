using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Ration.Files;
using Ration.Memory;
using Ration.Tokenizers;

namespace Ration.Data;

/// <summary>
/// The tokens of a corpus, encoded once. Up to a limit they stay in memory; beyond it they lie in a temporary file of 2 or 4 bytes a
/// token, so that memory does not grow with the corpus. Document starts are a bit of the token and cost nothing more.
/// </summary>
public sealed class TokenStore : ITokenSource, IDisposable
{
    /// <summary>Bytes of tokens that stay in memory unless another limit is given.</summary>
    public static readonly ByteSize DefaultMemoryLimit = ByteSize.FromMebibytes(16);

    private readonly byte[] _memory;
    private readonly SafeFileHandle? _spool;
    private readonly string _spoolPath;
    private readonly bool _narrow;

    internal TokenStore(byte[] memory, SafeFileHandle? spool, string spoolPath, bool narrow, long count, long documents)
    {
        _memory = memory;
        _spool = spool;
        _spoolPath = spoolPath;
        _narrow = narrow;
        Count = count;
        Documents = documents;
    }

    /// <inheritdoc/>
    public long Count { get; }

    /// <summary>How many documents have at least one token.</summary>
    public long Documents { get; }

    /// <summary>Whether the tokens lie in a temporary file.</summary>
    public bool IsSpooled => _spool is not null;

    /// <summary>Bytes held in memory: all tokens or none.</summary>
    public long MemoryBytes => _memory.Length;

    /// <summary>Bytes of one stored token: 2 for vocabularies up to 32,768, since one bit is the document mark, else 4.</summary>
    internal int TokenBytes => NarrowTokens.BytesOf(_narrow);

    /// <summary>Encodes every document once, front to back, in pieces of bounded size.</summary>
    /// <param name="corpus">The text.</param>
    /// <param name="tokenizer">Makes the tokens.</param>
    /// <param name="memoryLimit">Up to this many bytes of tokens stay in memory; <see cref="DefaultMemoryLimit"/> if null.</param>
    /// <param name="spoolFolder">Where a temporary file goes, if one is needed; the system's folder for them if null. It vanishes with the
    /// process.</param>
    /// <param name="cancellation">Stops the work and removes the file.</param>
    /// <exception cref="InvalidInputException">A file of the corpus is gone or cannot be read.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static TokenStore Create(TextCorpus corpus, ITokenizer tokenizer, ByteSize? memoryLimit = null, string? spoolFolder = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(corpus);
        ArgumentNullException.ThrowIfNull(tokenizer);
        using var builder = new TokenStoreBuilder(corpus.Bytes, tokenizer, memoryLimit ?? DefaultMemoryLimit,
            spoolFolder ?? Path.GetTempPath());
        foreach (TextDocument document in corpus.Documents) builder.Append(document, cancellation);
        return builder.Build();
    }

    /// <inheritdoc/>
    public void Read(long start, Span<int> tokens)
    {
        if (start < 0 || start > Count - tokens.Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"{tokens.Length} tokens at {start} are not among {Count}");
        Span<byte> bytes = _narrow ? NarrowTokens.RoomIn(tokens) : MemoryMarshal.AsBytes(tokens);
        long offset = start * TokenBytes;
        if (_spool is null) _memory.AsSpan((int)offset, bytes.Length).CopyTo(bytes);
        else InputFile.ReadExactly(_spool, _spoolPath, offset, bytes);
        if (_narrow) NarrowTokens.Unpack(tokens);
    }

    /// <summary>Frees the memory or removes the temporary file.</summary>
    public void Dispose() => _spool?.Dispose();
}
