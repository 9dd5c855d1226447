namespace Ration.Tokenizers.PreTokenizers;

/// <summary>Reads the characters of a text, and notes whether an answer hung on where the text ends.</summary>
/// <param name="text">All that may be seen; what is before it was not there.</param>
/// <param name="isFinal">Whether the text ends there, or goes on unseen.</param>
internal ref struct TextCursor(ReadOnlySpan<byte> text, bool isFinal)
{
    /// <summary>The text.</summary>
    public readonly ReadOnlySpan<byte> Text = text;
    private readonly bool _isFinal = isFinal;

    /// <summary>Whether something beyond the text was asked for that may yet come.</summary>
    public bool SawOpenEnd { get; set; }

    /// <summary>The classes of the character at an offset, and its length: <see cref="CharacterClasses.End"/> and 0 at the end.</summary>
    public CharacterClasses Peek(int at, out int length)
    {
        if ((uint)at < (uint)Text.Length)
        {
            byte first = Text[at];
            if (first < 0x80)
            {
                length = 1;
                return CharacterTable.OfAscii(first);
            }

            if (CharacterTable.TryFirst(Text[at..], out CharacterClasses classes, out length) || _isFinal) return classes;
        }

        SawOpenEnd |= !_isFinal;
        length = 0;
        return CharacterClasses.End;
    }

    /// <summary>The byte at an offset; −1 at the end.</summary>
    public int PeekByte(int at)
    {
        if ((uint)at < (uint)Text.Length) return Text[at];
        SawOpenEnd |= !_isFinal;
        return -1;
    }

    /// <summary>Where a run of characters of a set ends.</summary>
    public int EndOfRun(int at, CharacterSet set)
    {
        while (set.Contains(Peek(at, out int length))) at += length;
        return at;
    }
}
