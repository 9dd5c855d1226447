using System.Text.Json;

namespace Ration.Files;

/// <summary>What is said of a file that should be JSON and is not.</summary>
public static class JsonFault
{
    /// <summary>The complaint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="fault">What the class library's reader threw: <see cref="JsonException"/>, or <see cref="InvalidOperationException"/> for text that is no
    /// valid Unicode and for values of another kind than was asked for.</param>
    /// <param name="howToMend">What the reader of the message can do, as a clause.</param>
    public static FileFormatException Of(string path, Exception fault, string howToMend)
    {
        ArgumentNullException.ThrowIfNull(fault);
        string where = fault is JsonException { LineNumber: { } line, BytePositionInLine: { } position }
            ? $"it breaks off, or breaks the rules, at byte {position + 1:N0} of line {line + 1:N0}"
            : fault.Message.TrimEnd('.');
        return new FileFormatException(path, $"the file is not valid JSON ({where})", howToMend, fault);
    }
}
