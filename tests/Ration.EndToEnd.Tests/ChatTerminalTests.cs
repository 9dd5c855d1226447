using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>What somebody sees who types. A command that does not exist is named in full, and so shows which message was read.</summary>
public sealed class ChatTerminalTests(TrainedModel trained)
{
    private const string Backspace = "\u007F", Left = "\u001B[D", Up = "\u001B[A", Down = "\u001B[B", PasteBegins = "\u001B[200~", PasteEnds = "\u001B[201~";

    [Fact]
    public void A_message_is_edited_by_what_looks_like_one_character()
    {
        using TerminalSession session = Chat();
        AssertRead(session, $"/é日本👩‍👩‍👧x{Backspace}{Backspace}\r", "/é日本");
        AssertRead(session, $"{Up}{Left}語\r", "/é日語本");
        AssertRead(session, $"/draft{Up}{Up}{Down}{Down}+\r", "/draft+");
        AssertRead(session, $"/{string.Concat(Enumerable.Repeat("長い", 60))}\r", $"/{string.Concat(Enumerable.Repeat("長い", 60))}");
        session.Send("\u0004");
        session.AssertEnded(0);
    }

    [Fact]
    public void A_message_has_several_lines_where_they_are_pasted_or_end_in_a_backslash()
    {
        using TerminalSession session = Chat();
        AssertRead(session, $"{PasteBegins}/a\rb{PasteEnds}\r", "/a\\nb");
        AssertRead(session, "/c\\\rd\r", "/c\\nd");
        AssertRead(session, $"{Up}e\r", "/c\\nde");
        AssertRead(session, "/x\r", "/x");
        session.Send("/exit\r");
        session.AssertEnded(0);
    }

    [Fact]
    public void An_answer_comes_between_messages()
    {
        using TerminalSession session = Chat();
        session.Send("the old man\r");
        session.WaitFor("> ");
        session.Send("/stats\r");
        session.WaitFor("answer: ");
        session.Send("\u0004");
        session.AssertEnded(0);
    }

    [Fact]
    public void Control_C_ends_it_at_once()
    {
        using TerminalSession session = Chat();
        session.Send("something\u0003");
        session.AssertEnded(130);
    }

    [Fact]
    public void A_request_to_terminate_ends_it_at_once()
    {
        using TerminalSession session = Chat();
        session.Send("something");
        session.WaitFor("something");
        Signals.Send(session.Id, Signals.Terminate);
        session.AssertEnded(143);
    }

    [Fact]
    public void A_terminal_that_cannot_place_its_cursor_gives_whole_lines()
    {
        using TerminalSession session = Chat("dumb");
        AssertRead(session, "/é日\r", "/é日");
        session.Send("/exit\r");
        session.AssertEnded(0);
        Assert.DoesNotContain("\u001B[?2004h", session.Output, StringComparison.Ordinal);
    }

    private static void AssertRead(TerminalSession session, string keys, string message)
    {
        session.Send(keys);
        // It may go on in other rows; the messages here have no spaces.
        Assert.Equal(message, string.Concat(session.WaitFor("there is no command", ";").Where(static c => !char.IsWhiteSpace(c))));
        session.WaitFor("> ");
    }

    private TerminalSession Chat(string type = "xterm-256color")
    {
        trained.Result.AssertDone();
        TerminalSession session = new(type, "chat", "--model", trained.Output, "--max-tokens", "10", "--temperature", "0", "--threads", "1");
        session.WaitFor("/help lists commands");
        session.WaitFor("> ");
        return session;
    }
}
