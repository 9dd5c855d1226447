using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ration.Files.Gguf;

/// <summary>Reads the head of a file from the front, loading as much of it as was asked for and at most twice that, of a large head a quarter more.</summary>
internal sealed class GgufCursor(SafeFileHandle handle, string path, long fileBytes)
{
    /// <summary>Largest head that is read: far beyond any vocabulary, and what an array can hold.</summary>
    private const int Limit = 1 << 30;

    private const int FirstPiece = 64 << 10;

    // Beyond this, what is loaded grows by a quarter.
    private const int LargePiece = 16 << 20;
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);
    private byte[] _bytes = [];

    /// <summary>The next byte.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes from here to the end of the file.</summary>
    public long Remaining => fileBytes - Position;

    /// <summary>The first <paramref name="count"/> of the bytes passed so far, without a copy.</summary>
    public ReadOnlyMemory<byte> Passed(int count) => _bytes.AsMemory(0, Math.Min(count, Position));

    /// <summary>Error for a fault of the file.</summary>
    public FileFormatException Fault(string what, Exception? inner = null) =>
        new(path, what, "the file is damaged or was made by a faulty writer; download or convert it again", inner);

    /// <summary>The next bytes; valid until the next call.</summary>
    public ReadOnlySpan<byte> Take(long count)
    {
        if (count > _bytes.Length - Position) Load(count);
        ReadOnlySpan<byte> taken = _bytes.AsSpan(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    /// <summary>An unsigned number of 32 bits.</summary>
    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    /// <summary>An unsigned number of 64 bits.</summary>
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    /// <summary>A count of things of which each takes <paramref name="leastBytes"/> or more.</summary>
    /// <param name="what">The things.</param>
    /// <param name="leastBytes">At least 1.</param>
    /// <param name="limit">The most that are read.</param>
    /// <param name="key">The metadata entry that they are in, for the message.</param>
    /// <exception cref="FileFormatException">The rest of the file has no room for them, or they are over the limit.</exception>
    public int Count(string what, int leastBytes, int limit, string? key = null)
    {
        ulong count = UInt64();
        long room = Remaining / leastBytes;
        if (count <= (ulong)Math.Min(room, limit)) return (int)count;
        // Composed only here: a file can have millions of counts.
        if (key is not null) what = $"{what} in {InvalidInputException.Quote(key)}";
        throw Fault(count > (ulong)room ? $"it claims {count} {what} in its last {Remaining} bytes" : $"it claims {count} {what}, where at most {limit} are read");
    }

    /// <summary>Steps over strings.</summary>
    // Runs once, over a whole vocabulary, before the tiers of the compiler get to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SkipStrings(int count)
    {
        for (int i = 0; i < count; i++)
        {
            ulong length = UInt64();
            if (length <= (ulong)(_bytes.Length - Position))
            {
                Position += (int)length;
                continue;
            }

            if (length > (ulong)Remaining) throw Fault($"a string claims {length} bytes, where the file has {Remaining} more");
            Take((long)length);
        }
    }

    /// <summary>A string of 1 to <paramref name="limit"/> bytes.</summary>
    public string Text(string what, int limit)
    {
        ulong length = UInt64();
        if (length == 0 || length > (ulong)limit) throw Fault($"{what} has {length} bytes, where 1 to {limit} are allowed");
        return Decode(Take((long)length)) ?? throw Fault($"{what} is not valid UTF-8");
    }

    /// <summary>The text of UTF-8, or null if that is faulty.</summary>
    public static string? Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return s_strict.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private void Load(long count)
    {
        if (count > Remaining) throw Fault($"its head is cut off at byte {fileBytes}");
        if (count > Limit - Position) throw Fault($"its head is longer than {Limit} bytes");
        long capacity = Math.Max(Position + count, Math.Max(FirstPiece, _bytes.Length < LargePiece ? 2L * _bytes.Length : _bytes.Length + (_bytes.Length / 4)));
        byte[] grown = GC.AllocateUninitializedArray<byte>((int)Math.Min(capacity, Math.Min(fileBytes, Limit)));
        _bytes.CopyTo(grown, 0);
        InputFile.ReadExactly(handle, path, _bytes.Length, grown.AsSpan(_bytes.Length));
        _bytes = grown;
    }
}
