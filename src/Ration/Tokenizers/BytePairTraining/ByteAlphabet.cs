namespace Ration.Tokenizers.BytePairTraining;

/// <summary>The printable characters by which byte-level vocabularies write bytes (Radford et al. 2019, the released <c>encoder.py</c>):
/// printable Latin-1 stands for itself, the other bytes for U+0100 ….</summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_characters = Characters();

    /// <summary>All bytes in the order of their characters.</summary>
    public static IReadOnlyList<byte> InOrder { get; } = [.. Enumerable.Range(0, 256).Select(static b => (byte)b).OrderBy(static b => s_characters[b])];

    /// <summary>The characters of some bytes.</summary>
    public static string Write(ReadOnlySpan<byte> bytes)
    {
        char[] text = new char[bytes.Length];
        for (int i = 0; i < text.Length; i++) text[i] = s_characters[bytes[i]];
        return new string(text);
    }

    private static char[] Characters()
    {
        char[] characters = new char[256];
        char next = (char)256;
        for (int value = 0; value < 256; value++)
            characters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : next++;
        return characters;
    }
}
