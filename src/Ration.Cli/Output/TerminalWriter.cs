using System.Text;

namespace Ration.Cli.Output;

/// <summary>Writes text to a terminal with its control characters shown as pictures, but for line ends and tabs.</summary>
internal sealed class TerminalWriter(TextWriter writer) : TextWriter
{
    private const char FirstPicture = '\u2400', PictureOfDelete = '\u2421', Replacement = '\uFFFD';

    /// <inheritdoc/>
    public override Encoding Encoding => writer.Encoding;

    /// <summary>A character as it is shown.</summary>
    public static char Shown(char c) => c switch
    {
        '\n' or '\t' => c,
        < ' ' => (char)(FirstPicture + c),
        '\u007F' => PictureOfDelete,
        >= '\u0080' and < '\u00A0' => Replacement,
        _ => c,
    };

    /// <inheritdoc/>
    public override void Write(char value) => writer.Write(Shown(value));

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        // A piece goes out in one write, so that no character is ever half on the screen.
        if (value is { Length: > 0 }) writer.Write(value.Any(static c => Shown(c) != c) ? string.Create(value.Length, value, static (span, text) => Show(text, span)) : value);
    }

    /// <inheritdoc/>
    public override void WriteLine() => writer.Write('\n');

    /// <inheritdoc/>
    public override void Flush() => writer.Flush();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) writer.Dispose();
        base.Dispose(disposing);
    }

    private static void Show(string text, Span<char> shown)
    {
        for (int i = 0; i < text.Length; i++) shown[i] = Shown(text[i]);
    }
}
