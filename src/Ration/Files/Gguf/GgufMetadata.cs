using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Ration.Files.Gguf;

/// <summary>
/// The metadata of a GGUF file: values by key. A look-up gives what was asked for or says what is wrong with the file; it never takes one
/// type for another, except that every width of whole number serves as a whole number and both widths of real number as a real number.
/// </summary>
public sealed class GgufMetadata
{
    // As characters texts take twice their bytes.
    private const int LongestText = 16 << 20, LongestDescribed = 1 << 20;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly Dictionary<string, GgufEntry> _byKey;

    internal GgufMetadata(string path, ReadOnlyMemory<byte> bytes, IReadOnlyList<GgufEntry> entries)
    {
        Path = path;
        _bytes = bytes;
        Entries = entries;
        _byKey = new Dictionary<string, GgufEntry>(entries.Count, StringComparer.Ordinal);
        foreach (GgufEntry entry in entries)
        {
            if (!_byKey.TryAdd(entry.Key, entry)) throw Fault($"two metadata entries are named {InvalidInputException.Quote(entry.Key)}");
        }
    }

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>All entries in the order of the file.</summary>
    public IReadOnlyList<GgufEntry> Entries { get; }

    /// <summary>The entry of a key, or null.</summary>
    public GgufEntry? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>Whether there is an entry of this key.</summary>
    public bool Contains(string key) => _byKey.ContainsKey(key);

    /// <summary>A string, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is no string, not valid UTF-8, or too long.</exception>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? value)
    {
        value = null;
        if (!TryFind(key, static t => t == GgufType.String, "string", out GgufEntry? entry)) return false;
        if (entry.Bytes > LongestText) throw Fault($"{InvalidInputException.Quote(key)} is a text of {entry.Bytes - sizeof(ulong)} bytes, where at most {LongestText} are read");
        value = GgufCursor.Decode(Raw(entry)[sizeof(ulong)..]) ?? throw Fault($"{InvalidInputException.Quote(key)} is not valid UTF-8");
        return true;
    }

    /// <summary>A string.</summary>
    /// <exception cref="FileFormatException">It is missing, no string, or not valid UTF-8.</exception>
    public string GetString(string key) => TryGetString(key, out string? value) ? value : throw Missing(key);

    /// <summary>A whole number, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is no whole number, or outside <paramref name="low"/> to <paramref name="high"/>.</exception>
    public bool TryGetInt64(string key, long low, long high, out long value)
    {
        value = 0;
        if (!TryFind(key, static t => t.IsInteger(), "whole number", out GgufEntry? entry)) return false;
        value = Whole(entry, 0, low, high);
        return true;
    }

    /// <summary>A whole number, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is no whole number, or outside <paramref name="low"/> to <paramref name="high"/>.</exception>
    public bool TryGetInt32(string key, int low, int high, out int value)
    {
        bool found = TryGetInt64(key, low, high, out long wide);
        value = (int)wide;
        return found;
    }

    /// <summary>A whole number.</summary>
    /// <exception cref="FileFormatException">It is missing, no whole number, or out of range.</exception>
    public int GetInt32(string key, int low, int high) => TryGetInt32(key, low, high, out int value) ? value : throw Missing(key);

    /// <summary>A whole number, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="FileFormatException">It is no whole number, or out of range.</exception>
    public int GetInt32(string key, int low, int high, int fallback) => TryGetInt32(key, low, high, out int value) ? value : fallback;

    /// <summary>A finite real number, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is no real number, or not finite.</exception>
    public bool TryGetReal(string key, out double value)
    {
        value = 0;
        if (!TryFind(key, static t => t.IsReal(), "real number", out GgufEntry? entry)) return false;
        value = Real(entry, 0);
        return double.IsFinite(value) ? true : throw Fault($"{InvalidInputException.Quote(key)} is {value.ToString(CultureInfo.InvariantCulture)}");
    }

    /// <summary>A finite real number.</summary>
    /// <exception cref="FileFormatException">It is missing, no real number, or not finite.</exception>
    public double GetReal(string key) => TryGetReal(key, out double value) ? value : throw Missing(key);

    /// <summary>A finite real number, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="FileFormatException">It is no real number, or not finite.</exception>
    public double GetReal(string key, double fallback) => TryGetReal(key, out double value) ? value : fallback;

    /// <summary>A truth value, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is no truth value.</exception>
    public bool TryGetBoolean(string key, out bool value)
    {
        value = false;
        if (!TryFind(key, static t => t == GgufType.Bool, "truth value", out GgufEntry? entry)) return false;
        value = Truth(entry, 0);
        return true;
    }

    /// <summary>A truth value, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="FileFormatException">It is no truth value.</exception>
    public bool GetBoolean(string key, bool fallback) => TryGetBoolean(key, out bool value) ? value : fallback;

    /// <summary>An array of strings, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is something else.</exception>
    public bool TryGetStrings(string key, [NotNullWhen(true)] out GgufStrings? values)
    {
        values = null;
        if (!TryFindArray(key, static t => t == GgufType.String, "strings", out GgufEntry? entry)) return false;
        values = new GgufStrings(_bytes.Slice(entry.Start, entry.Bytes), entry.Count);
        return true;
    }

    /// <summary>An array of strings.</summary>
    /// <exception cref="FileFormatException">It is missing or something else.</exception>
    public GgufStrings GetStrings(string key) => TryGetStrings(key, out GgufStrings? values) ? values : throw Missing(key);

    /// <summary>An array of real numbers, if the key is there; they may be infinite or not a number.</summary>
    /// <exception cref="FileFormatException">It is something else.</exception>
    public bool TryGetSingles(string key, [NotNullWhen(true)] out float[]? values)
    {
        values = null;
        if (!TryFindArray(key, static t => t.IsReal(), "real numbers", out GgufEntry? entry)) return false;
        values = new float[entry.Count];
        if (entry.ElementType == GgufType.Float32 && BitConverter.IsLittleEndian) Raw(entry).CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
        else for (int i = 0; i < values.Length; i++) values[i] = (float)Real(entry, i);
        return true;
    }

    /// <summary>An array of whole numbers, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is something else, or one is outside <paramref name="low"/> to <paramref name="high"/>.</exception>
    public bool TryGetInt32s(string key, int low, int high, [NotNullWhen(true)] out int[]? values)
    {
        values = null;
        if (!TryFindArray(key, static t => t.IsInteger(), "whole numbers", out GgufEntry? entry)) return false;
        values = new int[entry.Count];
        for (int i = 0; i < values.Length; i++) values[i] = (int)Whole(entry, i, low, high);
        return true;
    }

    /// <summary>An array of truth values, if the key is there.</summary>
    /// <exception cref="FileFormatException">It is something else.</exception>
    public bool TryGetBooleans(string key, [NotNullWhen(true)] out bool[]? values)
    {
        values = null;
        if (!TryFindArray(key, static t => t == GgufType.Bool, "truth values", out GgufEntry? entry)) return false;
        values = new bool[entry.Count];
        for (int i = 0; i < values.Length; i++) values[i] = Truth(entry, i);
        return true;
    }

    /// <summary>The value in words: a single value as it is, an array or a long text by its length.</summary>
    public string Describe(string key)
    {
        GgufEntry entry = Find(key) ?? throw Missing(key);
        return entry.Type switch
        {
            GgufType.Array => $"{entry.Count} × {entry.ElementType}",
            GgufType.String when entry.Bytes > LongestDescribed => $"(a text of {entry.Bytes - sizeof(ulong)} bytes)",
            GgufType.String => GgufCursor.Decode(Raw(entry)[sizeof(ulong)..]) ?? "(not valid UTF-8)",
            GgufType.Bool => Raw(entry)[0] == 0 ? "false" : "true",
            GgufType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(Raw(entry)).ToString(CultureInfo.InvariantCulture),
            GgufType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(Raw(entry)).ToString(CultureInfo.InvariantCulture),
            GgufType.Float64 => Real(entry, 0).ToString(CultureInfo.InvariantCulture),
            _ => Whole(entry, 0, long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>The value as it is stored; of an array, all elements.</summary>
    internal ReadOnlySpan<byte> Raw(GgufEntry entry) => _bytes.Span.Slice(entry.Start, entry.Bytes);

    private bool TryFind(string key, Func<GgufType, bool> fits, string wanted, [NotNullWhen(true)] out GgufEntry? entry)
    {
        if (!_byKey.TryGetValue(key, out entry)) return false;
        return fits(entry.Type) ? true : throw Fault($"{InvalidInputException.Quote(key)} is of type {entry.Type}, not a {wanted}");
    }

    private bool TryFindArray(string key, Func<GgufType, bool> fits, string wanted, [NotNullWhen(true)] out GgufEntry? entry)
    {
        if (!_byKey.TryGetValue(key, out entry)) return false;
        if (entry.Type != GgufType.Array) throw Fault($"{InvalidInputException.Quote(key)} is of type {entry.Type}, not an array of {wanted}");
        // Writers give an empty array whatever type comes to hand.
        return entry.Count == 0 || fits(entry.ElementType) ? true
            : throw Fault($"{InvalidInputException.Quote(key)} is an array of type {entry.ElementType}, not of {wanted}");
    }

    private long Whole(GgufEntry entry, int index, long low, long high)
    {
        ReadOnlySpan<byte> bytes = Raw(entry)[(index * entry.ElementType.Bytes())..];
        long value = entry.ElementType switch
        {
            GgufType.UInt8 => bytes[0],
            GgufType.Int8 => (sbyte)bytes[0],
            GgufType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            GgufType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            GgufType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            GgufType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        };
        bool beyond = entry.ElementType == GgufType.UInt64 && value < 0;
        if (!beyond && value >= low && value <= high) return value;
        string text = beyond ? ((ulong)value).ToString(CultureInfo.InvariantCulture) : value.ToString(CultureInfo.InvariantCulture);
        throw Fault($"{InvalidInputException.Quote(entry.Key)} {(entry.Type == GgufType.Array ? $"holds {text} at {index}" : $"is {text}")}, where {low} to {high} are allowed");
    }

    private double Real(GgufEntry entry, int index) => entry.ElementType == GgufType.Float32
        ? BinaryPrimitives.ReadSingleLittleEndian(Raw(entry)[(index * sizeof(float))..])
        : BinaryPrimitives.ReadDoubleLittleEndian(Raw(entry)[(index * sizeof(double))..]);

    private bool Truth(GgufEntry entry, int index) => Raw(entry)[index] switch
    {
        0 => false,
        1 => true,
        byte other => throw Fault($"{InvalidInputException.Quote(entry.Key)} holds the truth value {other}"),
    };

    private FileFormatException Missing(string key) =>
        new(Path, $"the metadata has no {InvalidInputException.Quote(key)}", "the file is incomplete or holds something else; convert the model again");

    private FileFormatException Fault(string what) => new(Path, what, "the file is damaged or was made by a faulty writer; download or convert it again");
}
