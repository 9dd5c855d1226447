using FsCheck;
using FsCheck.Fluent;
using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

/// <summary>Something a person does to a text.</summary>
/// <param name="Key">What is pressed.</param>
/// <param name="Text">What is typed with <see cref="EditKey.Text"/>.</param>
public sealed record RandomEdit(int Key, string Text)
{
    private static readonly string[] s_pieces =
    [
        "a", "b_1", " ", "  ", "\n", "e\u0301", "\u0301", "日", "語", "👩", "\u200D", "👧", "👍🏽", "🇩", "🇪", "\uFE0F", "❤", "한", "ᄒ", "ᅡ", "ᆫ", "คำ", "\t", "\u0007",
    ];

    private static readonly EditKey[] s_keys =
    [
        EditKey.Text, EditKey.Text, EditKey.Text, EditKey.Text, EditKey.Text, EditKey.Text, EditKey.Text, EditKey.Text, EditKey.Backspace, EditKey.Delete, EditKey.Left, EditKey.Left,
        EditKey.Right, EditKey.Home, EditKey.End, EditKey.WordLeft, EditKey.WordRight, EditKey.DeleteToStart, EditKey.DeleteToEnd, EditKey.DeleteToSpace, EditKey.DeleteWordBackward,
        EditKey.DeleteWordForward, EditKey.Up, EditKey.Down,
    ];

    /// <summary>Edits in a row; where a property fails, as few as show it.</summary>
    public static Arbitrary<RandomEdit[]> Sequences { get; } = Arb.From(
        (from key in Gen.Elements(s_keys) from piece in Gen.Elements(s_pieces) select new RandomEdit((int)key, piece)).ArrayOf(),
        static edits => Enumerable.Range(0, edits.Length).Select(i => (RandomEdit[])[.. edits[..i], .. edits[(i + 1)..]]));

    /// <summary>Does it.</summary>
    internal void ApplyTo(EditedText text)
    {
        switch ((EditKey)Key)
        {
            case EditKey.Text: text.Insert(Text); break;
            case EditKey.Backspace: text.DeleteBackward(); break;
            case EditKey.Delete: text.DeleteForward(); break;
            case EditKey.Left: text.MoveLeft(); break;
            case EditKey.Right: text.MoveRight(); break;
            case EditKey.Home: text.MoveToStart(); break;
            case EditKey.End: text.MoveToEnd(); break;
            case EditKey.WordLeft: text.MoveWordLeft(); break;
            case EditKey.WordRight: text.MoveWordRight(); break;
            case EditKey.DeleteToStart: text.DeleteToStart(); break;
            case EditKey.DeleteToEnd: text.DeleteToEnd(); break;
            case EditKey.DeleteToSpace: text.DeleteToSpace(); break;
            case EditKey.DeleteWordBackward: text.DeleteWordBackward(); break;
            case EditKey.DeleteWordForward: text.DeleteWordForward(); break;
            case EditKey.Up: text.MoveUp(); break;
            case EditKey.Down: text.MoveDown(); break;
            default: throw new InvalidOperationException();
        }
    }
}
