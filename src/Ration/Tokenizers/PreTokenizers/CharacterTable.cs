using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ration.Tokenizers.PreTokenizers;

/// <summary>The classes of every character, in blocks of 256 of which equal ones are stored once.</summary>
internal static class CharacterTable
{
    private const int BlockSize = 256;
    private const int Characters = 0x110000;
    private static readonly ushort[] s_blocks = new ushort[Characters / BlockSize];
    private static readonly CharacterClasses[] s_classes = Make();

    /// <summary>The classes of a Unicode scalar value.</summary>
    public static CharacterClasses Of(int scalar) => s_classes[(s_blocks[scalar >> 8] << 8) | (scalar & 0xFF)];

    /// <summary>The classes of an ASCII character.</summary>
    // The first block is the first one stored.
    public static CharacterClasses OfAscii(byte ascii) => s_classes[ascii];

    /// <summary>The classes of the character at the start of some text and its length in bytes; bytes that are no UTF-8 are as U+FFFD.</summary>
    /// <returns>False if the text ends inside of what could be a character, or is empty.</returns>
    public static bool TryFirst(ReadOnlySpan<byte> text, out CharacterClasses classes, out int length)
    {
        OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out length);
        classes = Of(rune.Value);
        return status != OperationStatus.NeedMoreData;
    }

    private static CharacterClasses[] Make()
    {
        var all = new CharacterClasses[Characters];
        for (int scalar = 0; scalar < all.Length; scalar++) all[scalar] = Classify(scalar);
        Add(all, CharacterRanges.BloomBreaks, CharacterClasses.BloomBreak);
        Add(all, CharacterRanges.DeepSeekLetters, CharacterClasses.DeepSeekLetter);
        Add(all, CharacterRanges.DeepSeekPunctuation, CharacterClasses.DeepSeekPunctuation);
        Add(all, CharacterRanges.DeepSeekIdeographs, CharacterClasses.DeepSeekIdeograph);
        Add(all, CharacterRanges.DeepSeekKana, CharacterClasses.DeepSeekKana);

        int stored = 0;
        for (int block = 0; block < s_blocks.Length; block++)
        {
            // Stored blocks gather at the start of the table itself, which has been read up to here.
            ReadOnlySpan<CharacterClasses> classes = all.AsSpan(block * BlockSize, BlockSize);
            int same = 0;
            while (same < stored && !classes.SequenceEqual(all.AsSpan(same * BlockSize, BlockSize))) same++;
            if (same == stored) classes.CopyTo(all.AsSpan(stored++ * BlockSize, BlockSize));
            s_blocks[block] = (ushort)same;
        }

        return all[..(stored * BlockSize)];
    }

    private static CharacterClasses Classify(int scalar)
    {
        CharacterClasses classes = CharUnicodeInfo.GetUnicodeCategory(scalar) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharacterClasses.Upper,
            UnicodeCategory.LowercaseLetter => CharacterClasses.Lower,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterClasses.Caseless,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharacterClasses.Mark,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClasses.Number,
            >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation => CharacterClasses.Punctuation,
            >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol => CharacterClasses.Symbol,
            _ => CharacterClasses.None,
        };
        if (scalar <= char.MaxValue && char.IsWhiteSpace((char)scalar)) classes |= CharacterClasses.Space;
        if (scalar is '\r' or '\n') classes |= CharacterClasses.LineBreak;
        if (scalar is '\t' or '\n') classes |= CharacterClasses.TabOrLineFeed;
        if (scalar == ' ') classes |= CharacterClasses.Blank;
        if (scalar == '/') classes |= CharacterClasses.Slash;
        if (scalar is >= '0' and <= '9') classes |= CharacterClasses.AsciiDigit;
        if (scalar is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z')) classes |= CharacterClasses.AsciiLetter;
        if (scalar is > ' ' and < 0x7F && (classes & (CharacterClasses.AsciiDigit | CharacterClasses.AsciiLetter)) == 0) classes |= CharacterClasses.AsciiPunctuation;
        if (scalar is '$' or '+' or '<' or '=' or '>' or '^' or '~' or '|') classes |= CharacterClasses.Operator;
        if (scalar == '`') classes |= CharacterClasses.Backtick;
        return classes;
    }

    private static void Add(CharacterClasses[] classes, string ranges, CharacterClasses listed)
    {
        foreach ((int first, int last) in CharacterRanges.Parse(ranges))
            for (int scalar = first; scalar <= last; scalar++) classes[scalar] |= listed;
    }
}
