using System.Globalization;
using System.Text;

namespace Ration;

/// <summary>
/// Something the user gave (a path, a file, a setting) cannot be used. The message is one line that says what is wrong, where, and how to
/// mend it; the tool prints it as it is and exits with 2.
/// </summary>
public class InvalidInputException : Exception
{
    private const int LongestQuote = 120;

    /// <summary>A fault with no cause beneath it. Control characters in <paramref name="message"/> are escaped, so that it stays one
    /// line.</summary>
    public InvalidInputException(string message)
        : base(OneLine(message))
    {
    }

    /// <summary>A fault found through another exception.</summary>
    public InvalidInputException(string message, Exception? cause)
        : base(OneLine(message), cause)
    {
    }

    /// <summary>Complains where a condition does not hold; numbers are written the same under every culture.</summary>
    /// <exception cref="InvalidInputException">It does not.</exception>
    internal static void Require(bool condition, FormattableString complaint)
    {
        if (!condition) throw new InvalidInputException(FormattableString.Invariant(complaint));
    }

    /// <summary>A name that came from outside, in quotes and cut to a readable length.</summary>
    internal static string Quote(string name) =>
        name.Length <= LongestQuote ? $"'{name}'" : $"'{name.AsSpan(0, LongestQuote)}…' ({name.Length} characters)";

    private static string OneLine(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!message.Any(char.IsControl)) return message;
        var line = new StringBuilder(message.Length + 16);
        foreach (char c in message)
        {
            if (char.IsControl(c)) line.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else line.Append(c);
        }

        return line.ToString();
    }
}
