namespace Ration.Files;

/// <summary>A file does not hold what its format promises.</summary>
/// <param name="path">The file.</param>
/// <param name="what">What is wrong, as a clause: <c>the header is cut off after 12 bytes</c>.</param>
/// <param name="howToMend">What the reader of the message can do, as a clause: <c>download the file again</c>.</param>
/// <param name="innerException">The exception through which the fault was found.</param>
public sealed class FileFormatException(string path, string what, string howToMend, Exception? innerException = null)
    : InvalidInputException($"{path}: {what}; {howToMend}", innerException)
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;

    /// <summary>What is wrong with it, as a clause.</summary>
    public string What { get; } = what;
}
