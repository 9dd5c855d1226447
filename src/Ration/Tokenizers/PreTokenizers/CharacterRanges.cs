namespace Ration.Tokenizers.PreTokenizers;

/// <summary>Sets of characters that published pre-tokenizers list one by one, as they write them between brackets.</summary>
internal static class CharacterRanges
{
    /// <summary>DeepSeek LLM's letters.</summary>
    public const string DeepSeekLetters =
        "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373\u0376\u0377" +
        "\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F\u0531-\u0556" +
        "\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15" +
        "\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE" +
        "\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113" +
        "\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184" +
        "\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E" +
        "\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3" +
        "\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943";

    /// <summary>DeepSeek LLM's punctuation.</summary>
    public const string DeepSeekPunctuation = "!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002";

    /// <summary>The ideographs and syllables of DeepSeek LLM and Coder.</summary>
    public const string DeepSeekIdeographs = "\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF";

    /// <summary>The ideographs and kana of DeepSeek V3.</summary>
    public const string DeepSeekKana = "\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF";

    /// <summary>What no word of BLOOM's contains, besides spaces.</summary>
    public const string BloomBreaks = "(|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)";

    /// <summary>The first and the last character of each range; a character by itself is both.</summary>
    public static IEnumerable<(int First, int Last)> Parse(string ranges)
    {
        int[] runes = [.. ranges.EnumerateRunes().Select(static r => r.Value)];
        for (int i = 0; i < runes.Length; i++)
        {
            bool isRange = i + 2 < runes.Length && runes[i + 1] == '-';
            yield return (runes[i], runes[isRange ? i + 2 : i]);
            if (isRange) i += 2;
        }
    }
}
