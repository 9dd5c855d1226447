using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ration.Files.Gguf;

/// <summary>Reads the head of a file from the front through a small window, so that a head costs nothing before it is found to be whole.</summary>
internal sealed class GgufCursor(SafeFileHandle handle, string path, long fileBytes)
{
    // The largest heads of published models have some tens of megabytes.
    private const int Limit = 128 << 20;

    // As characters texts take twice their bytes.
    private const int MostTextBytes = 8 << 20;

    // Holds any text.
    private const int WindowBytes = 64 << 10;
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);
    private byte[] _window = [];
    private int _windowStart, _next, _end, _textBytes;

    /// <summary>The next byte.</summary>
    public int Position => _windowStart + _next;

    /// <summary>Bytes from here to the end of the file.</summary>
    public long Remaining => fileBytes - Position;

    /// <summary>Reads the first <paramref name="count"/> of the bytes passed so far.</summary>
    public byte[] Passed(int count)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(Math.Min(count, Position));
        InputFile.ReadExactly(handle, path, 0, bytes);
        return bytes;
    }

    /// <summary>Error for a fault of the file.</summary>
    public FileFormatException Fault(string what, Exception? inner = null) =>
        new(path, what, "the file is damaged or was made by a faulty writer; download or convert it again", inner);

    /// <summary>Steps over bytes.</summary>
    public void Skip(long count)
    {
        if (count > _end - _next)
        {
            RequireWithin(count);
            (_windowStart, _next, _end) = (Position + (int)count, 0, 0);
        }
        else
        {
            _next += (int)count;
        }
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
    /// <exception cref="FileFormatException">One is longer than the rest of the file.</exception>
    // Runs once, over a whole vocabulary, before the tiers of the compiler get to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SkipStrings(int count)
    {
        for (int i = 0; i < count; i++)
        {
            ulong length = UInt64();
            if (length > (ulong)Remaining) throw Fault($"a string claims {length} bytes, where the file has {Remaining} more");
            Skip((long)length);
        }
    }

    /// <summary>A string of 1 to <paramref name="limit"/> bytes.</summary>
    public string Text(string what, int limit)
    {
        ulong length = UInt64();
        if (length == 0 || length > (ulong)limit) throw Fault($"{what} has {length} bytes, where 1 to {limit} are allowed");
        _textBytes += (int)length;
        if (_textBytes > MostTextBytes) throw Fault($"the keys of its metadata and the names of its tensors have more than {MostTextBytes} bytes together, which is far beyond any model");
        return Decode(Take((int)length)) ?? throw Fault($"{what} is not valid UTF-8");
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

    // The next bytes, no more than the window holds; valid until the next call.
    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _end - _next) Load(count);
        ReadOnlySpan<byte> taken = _window.AsSpan(_next, count);
        _next += count;
        return taken;
    }

    private void Load(int count)
    {
        RequireWithin(count);
        if (_window.Length == 0) _window = GC.AllocateUninitializedArray<byte>((int)Math.Min(WindowBytes, fileBytes));
        int start = Position;
        _window.AsSpan(_next, _end - _next).CopyTo(_window);
        int kept = _end - _next;
        (_windowStart, _next, _end) = (start, 0, (int)Math.Min(_window.Length, fileBytes - start));
        InputFile.ReadExactly(handle, path, start + kept, _window.AsSpan(kept, _end - kept));
    }

    private void RequireWithin(long count)
    {
        if (count > Remaining) throw Fault($"its head is cut off at byte {fileBytes}");
        if (count > Limit - Position) throw Fault($"its head is longer than {Limit} bytes, which is far beyond any model");
    }
}
