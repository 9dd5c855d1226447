namespace Ration.Cli.Output;

/// <summary>Everything that is not a result goes to standard error, through here.</summary>
internal static class Log
{
    /// <summary>Standard error.</summary>
    public static TextWriter Writer => Console.Error;

    /// <summary>Writes a line.</summary>
    public static void Line(string line) => Console.Error.WriteLine(line);
}
