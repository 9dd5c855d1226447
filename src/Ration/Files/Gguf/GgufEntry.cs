namespace Ration.Files.Gguf;

/// <summary>One metadata value of a GGUF file.</summary>
/// <param name="Key">Its name, unique in the file.</param>
/// <param name="Type">How it is stored.</param>
/// <param name="ElementType">How an element is stored; the same as <paramref name="Type"/> for a single value.</param>
/// <param name="Count">How many elements an array has; 1 for a single value.</param>
public sealed record GgufEntry(string Key, GgufType Type, GgufType ElementType, int Count)
{
    /// <summary>First byte of the value, or of the first element, in the header.</summary>
    internal int Start { get; init; }

    /// <summary>Bytes of the value, or of all elements.</summary>
    internal int Bytes { get; init; }
}
