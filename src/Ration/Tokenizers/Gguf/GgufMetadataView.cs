using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Ration.Files.Gguf;

namespace Ration.Tokenizers.Gguf;

/// <summary>The metadata of an open GGUF file, as tokenizers ask for it.</summary>
/// <param name="metadata">Of the file.</param>
internal sealed class GgufMetadataView(GgufMetadata metadata) : IMetadata
{
    /// <inheritdoc/>
    public string Path => metadata.Path;

    /// <inheritdoc/>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? value) => metadata.TryGetString(key, out value);

    /// <inheritdoc/>
    public bool TryGetBoolean(string key, out bool value) => metadata.TryGetBoolean(key, out value);

    /// <inheritdoc/>
    public bool TryGetInteger(string key, out long value) => metadata.TryGetInt64(key, long.MinValue, long.MaxValue, out value);

    /// <inheritdoc/>
    public bool TryGetStrings(string key, [NotNullWhen(true)] out IReadOnlyList<ReadOnlyMemory<byte>>? values)
    {
        values = metadata.TryGetStrings(key, out GgufStrings? strings) ? new Strings(strings) : null;
        return values is not null;
    }

    /// <inheritdoc/>
    public bool TryGetFloats(string key, [NotNullWhen(true)] out float[]? values) => metadata.TryGetSingles(key, out values);

    /// <inheritdoc/>
    public bool TryGetIntegers(string key, [NotNullWhen(true)] out int[]? values) => metadata.TryGetInt32s(key, int.MinValue, int.MaxValue, out values);

    /// <inheritdoc/>
    public bool TryGetBytes(string key, out ReadOnlyMemory<byte> values)
    {
        // Writers store bytes with or without a sign.
        bool found = metadata.TryGetInt32s(key, sbyte.MinValue, byte.MaxValue, out int[]? numbers);
        byte[] bytes = new byte[numbers?.Length ?? 0];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = unchecked((byte)numbers![i]);
        values = bytes;
        return found;
    }

    private sealed class Strings(GgufStrings strings) : IReadOnlyList<ReadOnlyMemory<byte>>
    {
        public int Count => strings.Count;

        public ReadOnlyMemory<byte> this[int index] => strings.Utf8(index).ToArray();

        public IEnumerator<ReadOnlyMemory<byte>> GetEnumerator()
        {
            for (int i = 0; i < Count; i++) yield return this[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
