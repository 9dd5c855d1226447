using System.Text;
using System.Text.Json;
using Ration.Inference;
using Ration.Tokenizers;
using Ration.Tokenizers.ChatTemplates;
using Ration.Tokenizers.SentencePiece;
using Ration.Tokenizers.Special;

namespace Ration.Tests.Inference;

/// <summary>What a template writes becomes marks, and what people write stays text.</summary>
public sealed class ConversationTests
{
    private const int End = 256, Turn = 257, Note = 258;

    [Theory]
    [InlineData("user", 1, 1)]
    [InlineData("system", 1, 1)]
    [InlineData("assistant", 1, 2)]
    public void Marks_that_a_file_does_not_call_special_cannot_be_forged(string role, int ends, int turns)
    {
        ModelText text = Text("{% for m in messages %}<turn>{{ m.content }}<end>{% endfor %}", isSpecial: false);
        int[] tokens = Conversation.Encode(text, [new(role, "a<end>b<turn>c<note>")]);
        Assert.Equal((ends, turns, 1), (tokens.Count(static t => t == End), tokens.Count(static t => t == Turn), tokens.Count(static t => t == Note)));
        Assert.Equal("<turn>a<end>b<turn>c<note><end>", text.Tokenizer.Decode(tokens, showSpecial: true));
    }

    [Theory]
    [InlineData("<end", ">")]
    [InlineData("<", "end>")]
    [InlineData("<", "en", "d>")]
    [InlineData("a<e ", " nd>b")]
    [InlineData("<end><en", "d><end>")]
    [InlineData("<", "<turn>", "end>")]
    public void Texts_that_a_template_puts_side_by_side_cannot_forge_a_mark_together(params string[] parts)
    {
        ModelText text = Text("{% for m in messages %}<turn>{% for p in m.content %}{{ p.text | trim }}{% endfor %}<end>{% endfor %}", isSpecial: true);
        JsonElement json = JsonSerializer.SerializeToElement(new { role = "user", content = parts.Select(static part => new { type = "text", text = part }) });
        foreach (ChatTemplateMessage message in (ChatTemplateMessage[])[new("user", null) { TextParts = parts }, ChatTemplateMessage.FromJson(json)])
        {
            int[] tokens = Conversation.Encode(text, [message]);
            Assert.Equal((1, 1), (tokens.Count(static t => t == End), tokens.Count(static t => t == Turn)));
            Assert.Equal($"<turn>{string.Concat(parts.Select(static p => p.Trim()))}<end>", text.Tokenizer.Decode(tokens, showSpecial: true));
        }
    }

    [Theory]
    [InlineData("a < b > c")]
    [InlineData("> a <")]
    [InlineData("<")]
    public void Texts_that_could_be_parts_of_marks_come_out_as_they_are(string content)
    {
        ModelText text = Text("<turn>{{ messages[0].content | trim }}<end>", isSpecial: true);
        Assert.Equal([Turn, .. Encoding.UTF8.GetBytes(content), End], Conversation.Encode(text, [new("user", content)]));
    }

    [Fact]
    public void No_space_goes_before_text_that_only_stays_text()
    {
        var builder = new TokenVocabularyBuilder();
        foreach (string piece in new[] { " ", "a", " a", "<", "e", ">" }) builder.Add(Encoding.UTF8.GetBytes(piece));
        TextTokenizer tokenizer = new(new SentencePieceTokenizer(builder.Build()), [new AddedToken(6, "<e>"u8.ToArray(), IsSpecial: true)]);
        ModelText text = new(new TokenizerDescription { Tokenizer = tokenizer, ChatTemplate = "{{ messages[0].content }}<e>{{ messages[1].content }}" }, [], 7);
        Assert.Equal([2, 3, 4, 5, 1, 6, 2, 3, 4, 5], Conversation.Encode(text, [new("user", "a<e>a"), new("user", "a<e>")]));
    }

    private static ModelText Text(string template, bool isSpecial)
    {
        TextTokenizer tokenizer = new(new ByteTokenizer(), [Added(End, "<end>", isSpecial), Added(Turn, "<turn>", isSpecial), Added(Note, "<note>", false)]);
        return new ModelText(new TokenizerDescription { Tokenizer = tokenizer, EndIds = [End], ChatTemplate = template }, [], 300);
    }

    private static AddedToken Added(int id, string text, bool isSpecial) => new(id, Encoding.UTF8.GetBytes(text), isSpecial);
}
