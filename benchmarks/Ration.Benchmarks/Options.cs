using System.Globalization;

namespace Ration.Benchmarks;

/// <summary>Options of the form --name value.</summary>
internal static class Options
{
    /// <summary>The text after the name, or what is given here.</summary>
    public static string Text(string[] arguments, string name, string otherwise)
    {
        int at = Array.IndexOf(arguments, name);
        return at >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : otherwise;
    }

    /// <summary>The number after the name, or what is given here.</summary>
    public static int Number(string[] arguments, string name, int otherwise) =>
        Text(arguments, name, "") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
