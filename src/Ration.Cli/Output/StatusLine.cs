using System.Diagnostics;

namespace Ration.Cli.Output;

/// <summary>
/// One line on standard error that is overwritten in place, on a terminal; nothing elsewhere. The cursor is never hidden and nothing else
/// of the terminal is changed, so there is nothing to restore however the process ends.
/// </summary>
internal sealed class StatusLine : IDisposable
{
    private const int UsualColumns = 80, Narrowest = 20;

    private static readonly long s_interval = Stopwatch.Frequency / 5;
    private long _last;
    private bool _shown;

    /// <summary>Whether standard error is a terminal that can overwrite a line.</summary>
    public static bool IsTerminal { get; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";

    /// <summary>Whether it is time for another text: at most five are shown a second.</summary>
    public bool IsDue => IsTerminal && Stopwatch.GetTimestamp() - _last >= s_interval;

    /// <summary>Shows a text, if it is time.</summary>
    public void Show(Func<string> text)
    {
        if (IsDue) Replace(text());
    }

    /// <summary>Shows a text in place of the last.</summary>
    public void Replace(string text)
    {
        _last = Stopwatch.GetTimestamp();
        Console.Error.Write($"\r{Fit(text, Console.WindowWidth)}\u001b[K");
        _shown = true;
    }

    /// <summary>As much of a text as there is room for. A terminal that does not know its width says 0, and is taken to have 80 columns.</summary>
    internal static string Fit(string text, int columns)
    {
        int width = columns <= 0 ? UsualColumns - 1 : Math.Max(Narrowest, columns - 1);
        return text.Length > width ? text[..width] : text;
    }

    /// <summary>Takes the line away.</summary>
    public void Dispose()
    {
        if (_shown) Console.Error.Write("\r\u001b[K");
        _shown = false;
    }
}
