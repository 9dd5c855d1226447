using System.Text.Json;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class ChatTests(TrainedModel trained)
{
    [Fact]
    public void Piped_messages_get_answers_and_nothing_else_on_standard_output()
    {
        string once = Chat("the old man\n").Output;
        Assert.EndsWith("\n", once, StringComparison.Ordinal);
        ToolResult twice = Chat("the old man\n/reset\n\nthe old man\n/exit\nnever\n");
        Assert.Equal(once + once, twice.Output);
        Assert.DoesNotContain("> ", twice.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_whole_conversation_comes_as_one_object()
    {
        JsonElement json = Chat("the old man\nand the séa\n", "--system", "be quiet", "--json").Json();
        JsonElement[] messages = [.. json.GetProperty("messages").EnumerateArray()];
        Assert.Equal(["system", "user", "assistant", "user", "assistant"], messages.Select(static m => m.GetProperty("role").GetString()));
        Assert.Equal("be quiet", messages[0].GetProperty("content").GetString());
        Assert.Equal("and the séa", messages[3].GetProperty("content").GetString());
        Assert.False(json.GetProperty("interrupted").GetBoolean());
        Assert.Equal(20, json.GetProperty("generatedTokens").GetInt64());
    }

    [Fact]
    public void Commands_are_obeyed()
    {
        JsonElement json = Chat("one\n/system be loud\ntwo\n/stats\n", "--json").Json();
        Assert.Equal(["be loud", "two"], json.GetProperty("messages").EnumerateArray().Take(2).Select(static m => m.GetProperty("content").GetString()));
        Assert.Contains("context:", Chat("one\n/stats\n").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_that_cuts_answers_short_is_told_of()
    {
        trained.Result.AssertDone();
        ToolResult result = ToolRun.RunWithInput("/exit\n", "chat", "--model", trained.Output, "--context", "64", "--max-tokens", "100").AssertDone();
        Assert.Contains("room for 64 tokens of messages and answers together, and --max-tokens is 100", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("room for", Chat("/exit\n").Error, StringComparison.Ordinal);
    }

    private ToolResult Chat(string input, params string[] more)
    {
        trained.Result.AssertDone();
        return ToolRun.RunWithInput(input, ["chat", "--model", trained.Output, "--max-tokens", "10", "--temperature", "0", "--threads", "1", .. more]).AssertDone();
    }
}
