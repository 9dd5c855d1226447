namespace Ration.Cli.Chat.LineEditing;

/// <summary>What terminals send for which key; null for what has no meaning here.</summary>
internal static class KeySequences
{
    /// <summary>Of a control character.</summary>
    public static EditKey? OfControl(char c) => c switch
    {
        '\r' or '\n' => EditKey.Enter,
        '\b' or '\u007F' => EditKey.Backspace,
        _ => (char)(c + '@') switch
        {
            'A' => EditKey.Home,
            'B' => EditKey.Left,
            'C' => EditKey.Interrupt,
            'D' => EditKey.DeleteOrEnd,
            'E' => EditKey.End,
            'F' => EditKey.Right,
            'K' => EditKey.DeleteToEnd,
            'L' => EditKey.ClearScreen,
            'N' => EditKey.Down,
            'P' => EditKey.Up,
            'U' => EditKey.DeleteToStart,
            'W' => EditKey.DeleteToSpace,
            'Z' => EditKey.Suspend,
            '\\' => EditKey.Quit,
            _ => null,
        },
    };

    /// <summary>Of a character after Escape, or with Alt.</summary>
    public static EditKey? OfMeta(char c) => c switch
    {
        'b' or 'B' => EditKey.WordLeft,
        'f' or 'F' => EditKey.WordRight,
        'd' or 'D' => EditKey.DeleteWordForward,
        '\b' or '\u007F' => EditKey.DeleteWordBackward,
        < ' ' => OfControl(c),
        _ => null,
    };

    /// <summary>Of what comes after Escape and [: a number and ~, or a letter; before it may be a modifier, such as 5 for Ctrl in <c>1;5C</c>.</summary>
    public static EditKey? OfControlSequence(string sequence)
    {
        int parameter = sequence.IndexOf(';', StringComparison.Ordinal);
        bool isModified = parameter >= 0;
        if (sequence[^1] != '~') return OfLetter(sequence[^1], isModified);
        return (isModified ? sequence[..parameter] : sequence[..^1]) switch
        {
            "1" or "7" => EditKey.Home,
            "3" => isModified ? EditKey.DeleteWordForward : EditKey.Delete,
            "4" or "8" => EditKey.End,
            _ => null,
        };
    }

    /// <summary>Of the letter of a cursor key.</summary>
    public static EditKey? OfLetter(char letter, bool isModified = false) => letter switch
    {
        'A' => EditKey.Up,
        'B' => EditKey.Down,
        'C' => isModified ? EditKey.WordRight : EditKey.Right,
        'D' => isModified ? EditKey.WordLeft : EditKey.Left,
        'F' => EditKey.End,
        'H' => EditKey.Home,
        _ => null,
    };
}
