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

    /// <summary>Whether it ended by Ctrl-C.</summary>
    public bool IsInterrupted => _editor?.IsInterrupted == true;

    /// <summary>What keys do, for people.</summary>
    public string Help => _editor is null
        ? "Ctrl-C stops an answer, and otherwise ends. A line that ends in \\ goes on in the next one."
        : """
          Ctrl-C stops an answer; at the prompt it drops the line, and twice where nothing is written it ends.
          A line that ends in \ goes on in the next one. Up and Down bring back what was written before.
          """;

    /// <summary>The next message that is not empty; null at the end.</summary>
    public string? Read()
    {
        while (true)
        {
            string? line = _editor is null ? ReadLine() : _editor.Read();
            if (line is null || !string.IsNullOrWhiteSpace(line)) return line?.Trim();
        }
    }

    /// <summary>Leaves the terminal as it was, because the process ends.</summary>
    public void Leave() => _editor?.Leave();

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
