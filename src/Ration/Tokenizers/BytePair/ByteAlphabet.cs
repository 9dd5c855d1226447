using System.Text;

namespace Ration.Tokenizers.BytePair;

/// <summary>
/// The letters in which files write the bytes of byte-level tokens, so that a token is printable: printable Latin-1 as itself, the others
/// as the letters from U+0100 on. Source: Radford et al., 2019, the <c>bytes_to_unicode</c> of GPT-2's encoder.
/// </summary>
public static class ByteAlphabet
{
    private static readonly char[] s_letters = MakeLetters();
    private static readonly short[] s_bytes = MakeBytes();

    /// <summary>The letter for a byte.</summary>
    public static char Letter(byte value) => s_letters[value];

    /// <summary>The bytes that a token's letters stand for; false if one of them is no such letter.</summary>
    public static bool TryDecode(ReadOnlySpan<char> letters, Span<byte> bytes, out int count)
    {
        count = 0;
        foreach (char letter in letters)
        {
            int value = letter < s_bytes.Length ? s_bytes[letter] : -1;
            if (value < 0) return false;
            bytes[count++] = (byte)value;
        }

        return true;
    }

    /// <summary>The bytes that a token's letters stand for, or its own UTF-8 where one of them is no such letter.</summary>
    public static byte[] Decode(ReadOnlySpan<char> letters)
    {
        byte[] bytes = new byte[letters.Length];
        if (TryDecode(letters, bytes, out _)) return bytes;
        bytes = new byte[Encoding.UTF8.GetByteCount(letters)];
        Encoding.UTF8.GetBytes(letters, bytes);
        return bytes;
    }

    /// <summary>The letters for some bytes.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        char[] letters = new char[bytes.Length];
        for (int i = 0; i < bytes.Length; i++) letters[i] = s_letters[bytes[i]];
        return new string(letters);
    }

    private static char[] MakeLetters()
    {
        char[] letters = new char[256];
        int others = 0;
        for (int value = 0; value < letters.Length; value++)
        {
            bool isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            letters[value] = (char)(isPrintable ? value : 256 + others++);
        }

        return letters;
    }

    private static short[] MakeBytes()
    {
        short[] bytes = new short[s_letters.Max() + 1];
        bytes.AsSpan().Fill(-1);
        for (int value = 0; value < s_letters.Length; value++) bytes[s_letters[value]] = (short)value;
        return bytes;
    }
}
