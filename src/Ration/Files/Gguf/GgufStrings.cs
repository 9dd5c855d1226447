using System.Buffers.Binary;
using System.Collections;
using System.Runtime.CompilerServices;
using System.Text;

namespace Ration.Files.Gguf;

/// <summary>An array of strings as it lies in a file: a vocabulary is one block of bytes, not an object for each token.</summary>
public sealed class GgufStrings : IReadOnlyList<string>
{
    private readonly ReadOnlyMemory<byte> _bytes;

    // Where each length prefix begins, and one more for the end.
    private readonly int[] _starts;

    // As GgufCursor.SkipStrings.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal GgufStrings(ReadOnlyMemory<byte> bytes, int count)
    {
        _bytes = bytes;
        _starts = new int[count + 1];
        ReadOnlySpan<byte> span = bytes.Span;
        int next = 0;
        for (int i = 0; i < count; i++)
        {
            _starts[i] = next;
            next = checked(next + sizeof(ulong) + (int)BinaryPrimitives.ReadUInt64LittleEndian(span[next..]));
        }

        _starts[count] = next;
    }

    /// <summary>How many there are.</summary>
    public int Count => _starts.Length - 1;

    /// <summary>One of them as text; bytes that are no UTF-8 become U+FFFD.</summary>
    public string this[int index] => Encoding.UTF8.GetString(Utf8(index));

    /// <summary>One of them as it is stored, which need not be valid UTF-8.</summary>
    public ReadOnlySpan<byte> Utf8(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _bytes.Span[(_starts[index] + sizeof(ulong)).._starts[index + 1]];
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
