using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Ration.Tokenizers.Gguf;

namespace Ration.Tests.Tokenizers.Gguf;

/// <summary>The key-value pairs of a GGUF file that is trusted: little more than the format, for tests.</summary>
internal sealed class MiniMetadata : IMetadata
{
    private readonly byte[] _bytes;
    private int _at = 4;

    public MiniMetadata(string path)
    {
        Path = path;
        _bytes = File.ReadAllBytes(path);
        Next<uint>();
        Next<ulong>();
        for (ulong left = Next<ulong>(); left > 0; left--)
        {
            string key = Encoding.UTF8.GetString(Text().Span);
            Values[key] = Value(Next<uint>());
        }
    }

    public MiniMetadata(Dictionary<string, object> values) => (Path, Values, _bytes) = ("made.gguf", values, []);

    public Dictionary<string, object> Values { get; } = [];

    public string Path { get; }

    public bool TryGetString(string key, [NotNullWhen(true)] out string? value) => Try(key, out value);

    public bool TryGetBoolean(string key, out bool value) => Try(key, out value);

    public bool TryGetInteger(string key, out long value)
    {
        value = Values.GetValueOrDefault(key) switch { uint u => u, int i => i, ulong u => (long)u, long l => l, byte b => b, _ => -2 };
        return value != -2;
    }

    public bool TryGetStrings(string key, [NotNullWhen(true)] out IReadOnlyList<ReadOnlyMemory<byte>>? values) => Try(key, out values);

    public bool TryGetFloats(string key, [NotNullWhen(true)] out float[]? values) => Try(key, out values);

    public bool TryGetIntegers(string key, [NotNullWhen(true)] out int[]? values) => Try(key, out values);

    public bool TryGetBytes(string key, out ReadOnlyMemory<byte> values)
    {
        bool has = Try(key, out byte[]? bytes);
        values = bytes;
        return has;
    }

    private bool Try<T>(string key, [NotNullWhen(true)] out T? value)
    {
        value = Values.GetValueOrDefault(key) is T found ? found : default;
        return Values.GetValueOrDefault(key) is T;
    }

    private object Value(uint type) => type switch
    {
        0 or 1 => _bytes[_at++],
        4 => Next<uint>(),
        5 => Next<int>(),
        6 => Next<float>(),
        7 => _bytes[_at++] != 0,
        8 => Encoding.UTF8.GetString(Text().Span),
        9 => Many(Next<uint>(), (int)Next<ulong>()),
        10 => Next<ulong>(),
        11 => Next<long>(),
        12 => Next<double>(),
        2 or 3 => Next<ushort>(),
        _ => throw new InvalidDataException($"type {type}"),
    };

    private object Many(uint type, int count) => type switch
    {
        6 => Enumerable.Range(0, count).Select(_ => Next<float>()).ToArray(),
        5 or 4 => Enumerable.Range(0, count).Select(_ => Next<int>()).ToArray(),
        8 => Enumerable.Range(0, count).Select(_ => Text()).ToArray(),
        _ => Enumerable.Range(0, count).Select(_ => Value(type)).ToArray(),
    };

    private T Next<T>()
        where T : unmanaged, System.Numerics.IBinaryNumber<T>
    {
        T value = System.Runtime.InteropServices.MemoryMarshal.Read<T>(_bytes.AsSpan(_at));
        _at += System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        return value;
    }

    private ReadOnlyMemory<byte> Text()
    {
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(_at));
        _at += 8 + length;
        return _bytes.AsMemory(_at - length, length);
    }
}
