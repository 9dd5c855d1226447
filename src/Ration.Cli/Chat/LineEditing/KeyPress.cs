namespace Ration.Cli.Chat.LineEditing;

/// <summary>What keys do, whatever a terminal sends for them.</summary>
internal enum EditKey
{
    /// <summary>Characters that are typed.</summary>
    Text,

    /// <summary>Text that is pasted as a whole.</summary>
    Paste,

    /// <summary>The line is done.</summary>
    Enter,

    /// <summary>Deletes what is before the cursor.</summary>
    Backspace,

    /// <summary>Deletes what is after the cursor.</summary>
    Delete,

    /// <summary>Left.</summary>
    Left,

    /// <summary>Right.</summary>
    Right,

    /// <summary>A line up, or to the entry before.</summary>
    Up,

    /// <summary>A line down, or to the entry after.</summary>
    Down,

    /// <summary>To the start of the line.</summary>
    Home,

    /// <summary>To the end of the line.</summary>
    End,

    /// <summary>A word to the left.</summary>
    WordLeft,

    /// <summary>A word to the right.</summary>
    WordRight,

    /// <summary>Deletes to the start of the line.</summary>
    DeleteToStart,

    /// <summary>Deletes to the end of the line.</summary>
    DeleteToEnd,

    /// <summary>Deletes back to white space.</summary>
    DeleteToSpace,

    /// <summary>Deletes the word before the cursor.</summary>
    DeleteWordBackward,

    /// <summary>Deletes the word after the cursor.</summary>
    DeleteWordForward,

    /// <summary>Clears the screen.</summary>
    ClearScreen,

    /// <summary>Ctrl-D: deletes what is after the cursor; where nothing is written, the end of all input.</summary>
    DeleteOrEnd,

    /// <summary>Ctrl-C.</summary>
    Interrupt,

    /// <summary>Ctrl-\.</summary>
    Quit,

    /// <summary>Ctrl-Z.</summary>
    Suspend,
}

/// <summary>A key that was pressed.</summary>
/// <param name="Key">What it does.</param>
/// <param name="Text">The text of <see cref="EditKey.Text"/> and <see cref="EditKey.Paste"/>.</param>
internal readonly record struct KeyPress(EditKey Key, string Text = "");
