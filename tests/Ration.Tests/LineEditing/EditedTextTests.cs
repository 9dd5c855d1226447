using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

public sealed class EditedTextTests
{
    private const string Family = "👩‍👩‍👧";

    [Fact]
    public void Edits_are_those_of_a_list_of_clusters() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(RandomEdit.Sequences, static edits =>
    {
        EditedText text = new();
        ClusterList expected = new();
        foreach (RandomEdit edit in edits)
        {
            edit.ApplyTo(text);
            expected.Apply(edit);
            if ((text.Text, text.Cursor) != (expected.Text, expected.Cursor)) return false;
        }

        return true;
    }));

    [Fact]
    public void The_cursor_is_always_at_the_edge_of_a_cluster() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(RandomEdit.Sequences, static edits =>
    {
        EditedText text = new();
        foreach (RandomEdit edit in edits)
        {
            edit.ApplyTo(text);
            if (text.Cursor != text.Text.Length && !StringInfo.ParseCombiningCharacters(text.Text).Contains(text.Cursor)) return false;
        }

        return true;
    }));

    [Theory]
    [InlineData("x" + Family)]
    [InlineData("xe\u0301")]
    [InlineData("x日")]
    [InlineData("x🇩🇪")]
    [InlineData("x👍🏽")]
    [InlineData("x각")]
    public void What_looks_like_one_character_is_deleted_as_one(string text)
    {
        EditedText edited = Edited(text);
        edited.DeleteBackward();
        Assert.Equal("x", edited.Text);
        edited.Replace(text);
        edited.MoveLeft();
        Assert.Equal(1, edited.Cursor);
        edited.DeleteForward();
        Assert.Equal("x", edited.Text);
    }

    [Fact]
    public void Words_end_at_spaces_and_signs()
    {
        EditedText edited = Edited("one two-three  ");
        edited.MoveWordLeft();
        Assert.Equal(8, edited.Cursor);
        edited.DeleteWordBackward();
        Assert.Equal("one three  ", edited.Text);
        edited.MoveToEnd();
        edited.DeleteToSpace();
        Assert.Equal("one ", edited.Text);
    }

    [Fact]
    public void Up_and_down_stay_in_the_column_of_wide_characters()
    {
        EditedText edited = Edited("日本語\nabcdef\nx");
        Assert.True(edited.MoveUp());
        Assert.Equal(5, edited.Cursor);
        edited.MoveToEnd();
        edited.MoveLeft();
        Assert.True(edited.MoveUp());
        Assert.Equal(2, edited.Cursor);
        Assert.False(edited.MoveUp());
        Assert.True(edited.MoveDown());
        Assert.Equal(8, edited.Cursor);
    }

    private static EditedText Edited(string text)
    {
        EditedText edited = new();
        edited.Replace(text);
        return edited;
    }
}
