namespace Ration.Cli.Output;

/// <summary>Everything that is not a result goes to standard error, through here.</summary>
internal static class Log
{
    /// <summary>Standard error.</summary>
    public static TextWriter Writer => Console.Error;

    /// <summary>Writes a line; on a terminal that is narrower, several.</summary>
    public static void Line(string line) => Console.Error.WriteLine(WordWrap.ForError(line));
}
