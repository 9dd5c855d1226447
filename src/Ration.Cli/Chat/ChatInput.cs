using System.Text;
using Ration.Cli.Chat.LineEditing;
using Ration.Cli.Output;

namespace Ration.Cli.Chat;

/// <summary>
/// Messages from standard input, one a line. On a terminal they can be edited, and a line that ends in a backslash goes on in the next one.
/// </summary>
internal sealed class ChatInput : IDisposable
{
    private const int LongestMessage = 16 << 20;
    private readonly StreamReader _reader = new(Console.OpenStandardInput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), detectEncodingFromByteOrderMarks: true, bufferSize: 4096);
    private readonly LineEditor? _editor = RawTerminal.IsSupported ? new LineEditor(LongestMessage) : null;

    /// <summary>Whether somebody types.</summary>
    public static bool IsTerminal { get; } = !Console.IsInputRedirected;

    /// <summary>The next message that is not empty; null at the end.</summary>
    public string? Read()
    {
        while (true)
        {
            string? line = _editor is null ? ReadLine() : _editor.Read();
            if (line is null || !string.IsNullOrWhiteSpace(line)) return line?.Trim();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _editor?.Dispose();
        _reader.Dispose();
    }

    // As the terminal gives them, where it cannot place its cursor.
    private string? ReadLine()
    {
        if (IsTerminal) Log.Writer.Write("> ");
        string? line = _reader.ReadLine();
        while (IsTerminal && line is not null && line.EndsWith('\\') && line.Length < LongestMessage)
        {
            Log.Writer.Write(". ");
            line = $"{line[..^1]}\n{_reader.ReadLine()}";
        }

        if (line is null && IsTerminal) Log.Writer.WriteLine();
        return line is null || line.Length <= LongestMessage ? line : throw new InvalidInputException($"a message has {line.Length} characters; give at most {LongestMessage}");
    }
}
