using System.Diagnostics.CodeAnalysis;

namespace Ration.Tokenizers.Gguf;

/// <summary>The key-value pairs of a GGUF file, as far as tokenizers need them. A key of another type is
/// a fault of the file.</summary>
internal interface IMetadata
{
    /// <summary>The file, for messages.</summary>
    string Path { get; }

    /// <summary>A string.</summary>
    bool TryGetString(string key, [NotNullWhen(true)] out string? value);

    /// <summary>A truth value.</summary>
    bool TryGetBoolean(string key, out bool value);

    /// <summary>A whole number of any width.</summary>
    bool TryGetInteger(string key, out long value);

    /// <summary>An array of strings, each as its bytes.</summary>
    bool TryGetStrings(string key, [NotNullWhen(true)] out IReadOnlyList<ReadOnlyMemory<byte>>? values);

    /// <summary>An array of floating-point numbers.</summary>
    bool TryGetFloats(string key, [NotNullWhen(true)] out float[]? values);

    /// <summary>An array of whole numbers.</summary>
    bool TryGetIntegers(string key, [NotNullWhen(true)] out int[]? values);

    /// <summary>An array of bytes.</summary>
    bool TryGetBytes(string key, out ReadOnlyMemory<byte> values);
}
