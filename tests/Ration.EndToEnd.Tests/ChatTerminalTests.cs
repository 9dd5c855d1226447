using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>What somebody sees who types. A command that does not exist is named in full, and so shows which message was read.</summary>
public sealed class ChatTerminalTests(TrainedModel trained)
{
    private const string Backspace = "\u007F", Left = "\u001B[D", Up = "\u001B[A", Down = "\u001B[B", PasteBegins = "\u001B[200~", PasteEnds = "\u001B[201~", PastesAreMarked = "\u001B[?2004h";

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
    public void Control_C_drops_what_is_written_and_twice_after_nothing_ends_it()
    {
        using TerminalSession session = Chat();
        AssertRead(session, "/first\r", "/first");
        session.Send("something\u0003");
        session.WaitFor("something");
        session.WaitFor("> ");
        AssertRead(session, $"{Up}+\r", "/first+");
        session.Send("\u0003");
        session.WaitFor("Ctrl-D or /exit ends");
        session.WaitFor("> ");
        AssertRead(session, "/second\r", "/second");
        session.Send("\u0003");
        session.WaitFor("Ctrl-D or /exit ends");
        session.Send("\u0003");
        session.AssertEnded(130);
    }

    [Fact]
    public void Help_says_what_Control_C_does()
    {
        using TerminalSession session = Chat();
        session.Send("/help\r");
        session.WaitFor("Ctrl-C stops an answer; at the prompt it drops the line");
        session.Send("\u0004");
        session.AssertEnded(0);
    }

    [Fact]
    public void What_is_typed_while_an_answer_comes_is_not_shown_in_it_and_stands_at_the_next_prompt()
    {
        using TerminalSession session = LongAnswer();
        session.Send($"/typed{PasteBegins}\rahead{PasteEnds}");
        session.Send("\u0003");
        string answer = session.WaitFor("", "> /typed");
        Assert.DoesNotContain("/typed", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("^", answer, StringComparison.Ordinal);
        AssertRead(session, "\r", "/typed\\nahead");
        session.Send("\u0004");
        session.AssertEnded(0);
    }

    [Theory]
    [InlineData(Signals.HangUp)]
    [InlineData(Signals.Interrupt)]
    [InlineData(Signals.Terminate)]
    public void A_signal_while_an_answer_comes_leaves_the_terminal_as_it_was(int signal)
    {
        Signals.StopIgnoring(signal);
        using TerminalSession session = LongAnswer();
        Signals.Send(session.Id, signal);
        if (signal == Signals.Interrupt)
        {
            // It ends the answer; at the prompt, it ends the process.
            session.WaitFor("> ");
            Signals.Send(session.Id, signal);
        }

        session.AssertEnded(128 + signal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Control_Z_gives_the_terminal_back_until_it_goes_on(bool whileAnswering)
    {
        using TerminalSession session = whileAnswering ? LongAnswer() : Chat();
        session.Send(whileAnswering ? "\u001A" : "draft\u001A");
        session.AssertEnded(148);
        if (whileAnswering)
        {
            // Once where it was stopped, and once because it goes on.
            session.WaitFor(PastesAreMarked);
            session.WaitFor(PastesAreMarked);
            session.Send("draft\u0003");
        }

        session.WaitFor("> draft");
        session.Send("\u0003\u0004");
        session.AssertEnded(0);
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

    private TerminalSession Chat(string type = "xterm-256color", params string[] more)
    {
        trained.Result.AssertDone();
        string[] length = more.Length > 0 ? more : ["--max-tokens", "10"];
        TerminalSession session = new(type, ["chat", "--model", trained.Output, "--temperature", "0", "--threads", "1", .. length]);
        session.WaitFor("/help lists commands");
        session.WaitFor("> ");
        return session;
    }

    // One that takes minutes, and has begun.
    private TerminalSession LongAnswer()
    {
        TerminalSession session = Chat(more: ["--context", "65536", "--max-tokens", "65000", "--ignore-end"]);
        session.Send("the old man\r");
        session.WaitFor("the old man\r\n");
        session.WaitForMore();
        return session;
    }
}
