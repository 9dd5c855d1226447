using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

public sealed class InputHistoryTests
{
    [Fact]
    public void Entries_come_back_and_so_does_the_draft()
    {
        InputHistory history = new();
        Assert.Null(history.Older("draft"));
        foreach (string entry in (string[])["one", "two", "two", " "]) history.Add(entry);
        Assert.Null(history.Newer());
        Assert.Equal("two", history.Older("draft"));
        Assert.Equal("one", history.Older("two"));
        Assert.Null(history.Older("one"));
        Assert.Equal("two", history.Newer());
        Assert.Equal("draft", history.Newer());
        Assert.Null(history.Newer());
    }

    [Fact]
    public void Entering_something_leaves_the_history()
    {
        InputHistory history = new();
        foreach (string entry in (string[])["one", "two"]) history.Add(entry);
        history.Older("");
        history.Older("");
        history.Add("");
        Assert.Equal("two", history.Older(""));
    }

    [Fact]
    public void The_oldest_go_when_there_are_too_many()
    {
        InputHistory history = new();
        for (int i = 0; i < 5000; i++) history.Add($"{i}");
        int entries = 0;
        while (history.Older("") is { } entry) Assert.Equal($"{4999 - entries++}", entry);
        Assert.InRange(entries, 100, 4999);
    }
}
