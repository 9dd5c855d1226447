using System.Globalization;

namespace Ration.Cli.Output;

/// <summary>How many there are of something.</summary>
internal static class Counted
{
    /// <summary>Such as <c>1 file</c> or <c>2,000 files</c>.</summary>
    public static string Of(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");
}
