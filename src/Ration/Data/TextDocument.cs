namespace Ration.Data;

/// <summary>One file of text.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Bytes">Its length when the corpus was opened; reading never goes past it.</param>
public readonly record struct TextDocument(string Path, long Bytes);
