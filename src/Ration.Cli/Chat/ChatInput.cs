using System.Text;
using Ration.Cli.Output;

namespace Ration.Cli.Chat;

/// <summary>
/// Messages from standard input, one a line. The terminal itself lets the line be edited; a line that ends in a backslash goes on in the
/// next one there.
/// </summary>
internal sealed class ChatInput : IDisposable
{
    private const int LongestMessage = 16 << 20;
    private readonly StreamReader _reader = new(Console.OpenStandardInput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), detectEncodingFromByteOrderMarks: true, bufferSize: 4096);

    /// <summary>Whether somebody types.</summary>
    public static bool IsTerminal { get; } = !Console.IsInputRedirected;

    /// <summary>The next message that is not empty; null at the end.</summary>
    public string? Read()
    {
        while (true)
        {
            if (IsTerminal) Log.Writer.Write("> ");
            string? line = ReadLine();
            if (line is null && IsTerminal) Log.Writer.WriteLine();
            if (line is null || !string.IsNullOrWhiteSpace(line)) return line?.Trim();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private string? ReadLine()
    {
        string? line = _reader.ReadLine();
        while (IsTerminal && line is not null && line.EndsWith('\\') && line.Length < LongestMessage)
        {
            Log.Writer.Write(". ");
            line = $"{line[..^1]}\n{_reader.ReadLine()}";
        }

        return line is null || line.Length <= LongestMessage ? line : throw new InvalidInputException($"a message has {line.Length} characters; give at most {LongestMessage}");
    }
}
