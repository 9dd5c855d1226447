using System.Globalization;
using System.Text;
using Ration.Files;
using Ration.Files.Gguf;

namespace Ration.Cli.Inspection;

/// <summary>Metadata values of GGUF files in words.</summary>
internal static class GgufValue
{
    // Of long arrays, the first few say what they hold.
    private const int Shown = 4;

    // More than is shown of any text, however long it is.
    private const int LongestText = 8192;

    /// <summary>The value; of an array the first elements and how many there are.</summary>
    public static string Describe(GgufMetadata metadata, GgufEntry entry)
    {
        if (entry.Type != GgufType.Array)
        {
            string text = metadata.Describe(entry.Key);
            return text.Length > LongestText ? text[..LongestText] : text;
        }

        try
        {
            string first = First(metadata, entry);
            return entry.Count > Shown ? $"{first}, … ({entry.Count.ToString("N0", CultureInfo.InvariantCulture)} × {entry.ElementType})]" : $"{first}]";
        }
        catch (FileFormatException)
        {
            // The elements are of a kind that no reader asks for, such as arrays.
            return metadata.Describe(entry.Key);
        }
    }

    private static string First(GgufMetadata metadata, GgufEntry entry)
    {
        int count = Math.Min(Shown, entry.Count);
        StringBuilder text = new("[");
        Func<int, string> element = Elements(metadata, entry);
        for (int i = 0; i < count; i++) text.Append(i > 0 ? ", " : "").Append(element(i));
        return text.ToString();
    }

    private static Func<int, string> Elements(GgufMetadata metadata, GgufEntry entry)
    {
        switch (entry.ElementType)
        {
            case GgufType.String:
                metadata.TryGetStrings(entry.Key, out GgufStrings? strings);
                return i => Encoding.UTF8.GetString(strings!.Utf8(i)[..Math.Min(strings.Utf8(i).Length, LongestText)]);
            case GgufType.Float32 or GgufType.Float64:
                metadata.TryGetSingles(entry.Key, out float[]? singles);
                return i => singles![i].ToString(CultureInfo.InvariantCulture);
            case GgufType.Bool:
                metadata.TryGetBooleans(entry.Key, out bool[]? flags);
                return i => flags![i] ? "true" : "false";
            default:
                metadata.TryGetInt32s(entry.Key, int.MinValue, int.MaxValue, out int[]? numbers);
                return i => numbers![i].ToString(CultureInfo.InvariantCulture);
        }
    }
}
