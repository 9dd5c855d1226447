using System.Text.Json;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Tests.Tokenizers.ChatTemplates;

/// <summary>The same text as Jinja, or a fault where Jinja has one.</summary>
public sealed class ChatTemplateGoldenTests
{
    [Fact]
    public void Expressions_have_the_values_that_Jinja_gives_them() =>
        AssertSame(Golden.Expressions.Select(static e => (e.Source, "{{ " + e.Source + " }}", e.Text)), 500);

    [Fact]
    public void Templates_are_written_as_Jinja_writes_them() => AssertSame(Golden.Templates.Select(static t => (t.Source, t.Source, t.Text)), 120);

    [Fact]
    public void Templates_of_models_are_written_as_Jinja_writes_them()
    {
        if (Golden.SharedTemplates is not { } folder)
        {
            Assert.Skip("the models' templates are not beside the repository");
            return;
        }

        List<string> wrong = [];
        int compared = 0;
        foreach ((string file, JsonElement texts) in Golden.Models)
        {
            ChatTemplate template = ChatTemplate.Parse(File.ReadAllText(Path.Combine(folder, file)));
            foreach (JsonProperty expected in texts.EnumerateObject())
            {
                string? text = Golden.Render(template.Source, Golden.Conversation(expected.Name), out string? fault);
                if (text != expected.Value.GetString()) wrong.Add($"{file}, {expected.Name}:\n{fault ?? text}\n--- expected\n{expected.Value}");
                compared++;
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(6 * Golden.Conversations.Count(), compared);
    }

    [Fact]
    public void What_is_not_as_in_Jinja_is_refused_rather_than_written_otherwise()
    {
        foreach (string source in s_refusedHere) Assert.Null(Golden.Render("{{ " + source + " }}", Golden.Variables(), out _));
    }

    // Jinja renders these; here they are refused: integers of more than 64 bits, generators and the like printed, random choice.
    private static readonly string[] s_refusedHere =
    [
        "words | map", "list | map('string')", "range", "text.upper", "text.format", "list | random | string | length", "99999999999999999999", "big + 0.0",
    ];

    private static void AssertSame(IEnumerable<(string Name, string Source, string? Text)> cases, int atLeast)
    {
        List<string> wrong = [];
        int compared = 0;
        foreach ((string name, string source, string? expected) in cases.Where(static c => !s_refusedHere.Contains(c.Name)))
        {
            string? text = Golden.Render(source, Golden.Variables(), out string? fault);
            if (text != expected) wrong.Add($"{name}\n    is       {fault ?? Quoted(text)}\n    expected {Quoted(expected)}");
            compared++;
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n" + string.Join('\n', wrong));
        Assert.InRange(compared, atLeast, 10_000);
    }

    private static string Quoted(string? text) => text is null ? "a fault" : JsonSerializer.Serialize(text);
}
