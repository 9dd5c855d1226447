using System.Text;

namespace Ration.Tests.Tokenizers;

/// <summary>Texts of the characters on which tokenizers differ, and of any others.</summary>
internal static class RandomTexts
{
    private static readonly string[] s_parts =
    [
        " ", " ", " ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", "\u00A0", "\u3000", "\u0085", "\u2028", "a", "b", "e", "the", "Word", "HTTP", "McD", "s", "t", "re", "ll",
        "'s", "'T", "'Re", "'ll", "'VE", "'x", "'", "\u2019", "1", "23", "456", "7890", "\u00B2", "\u0663", "\u2167", "!", "...", "?!", "/", "//", "$", "+", "^~", "|", "`", "_", "-",
        "(", ")", ",", "\u060C", "\u3002", "\uFF01", "\u4E2D", "\u6587\u5B57", "\u3042", "\u30AB\u30CA", "\uD55C\uAE00", "\u00E9", "e\u0301", "\u0301", "\u0915\u094D\u0937", "\u01C5", "\u02B0",
        "<sentinel:", "7>", "IMGIMG", "BIZ", "\u00AA", "\u0411\u0430", "\u0393\u03B5", "\u10D0\u10D1", "\u05D0", "\u0E01\u0E33", "\u1F00", "\u2581", "\u2581\u2581", "\0",
            "\u200B", "\uFFFD", "\uFE0F", "\u2764", "\U0001F600",
        "\U0001F468\u200D\U0001F469", "\U00010400", "\U00020000", "\U0001D400", "\U0001D7CE", "\U000E0100",
    ];

    /// <summary>A text of so many parts; one in eight is any character.</summary>
    public static string Text(Random random, int parts)
    {
        var text = new StringBuilder();
        for (int i = 0; i < parts; i++)
        {
            if (random.Next(8) != 0) text.Append(s_parts[random.Next(s_parts.Length)]);
            else text.Append(AnyRune(random));
        }

        return text.ToString();
    }

    /// <summary>Bytes that are UTF-8 here and there only.</summary>
    public static byte[] Bytes(Random random, int parts)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Text(random, parts));
        for (int i = 0; i < bytes.Length / 8; i++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }

    private static Rune AnyRune(Random random)
    {
        while (true)
        {
            int scalar = random.Next(4) == 0 ? random.Next(0x10000, 0x110000) : random.Next(0x10000);
            if (Rune.IsValid(scalar)) return new Rune(scalar);
        }
    }
}
