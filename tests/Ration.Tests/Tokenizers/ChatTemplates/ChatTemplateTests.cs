using System.Text.Json;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Tests.Tokenizers.ChatTemplates;

public sealed class ChatTemplateTests
{
    private static readonly ChatTemplateInputs s_greeting = new()
    {
        Messages = [new("system", "Be kind."), new("user", "Hi")],
        AddGenerationPrompt = true,
    };

    [Fact]
    public void The_template_of_models_without_one_is_ChatMl()
    {
        Assert.Equal("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", ChatTemplate.Default.Render(s_greeting));
        Assert.Equal("<|im_start|>user\nHi<|im_end|>\n", ChatTemplate.Default.Render(new() { Messages = [new("user", "Hi")] }));
    }

    [Fact]
    public void Messages_have_the_fields_that_are_given()
    {
        ChatTemplateMessage message = new("assistant", null)
        {
            Name = "n",
            ReasoningContent = "r",
            ToolCalls = Json("[{\"id\": 1}]"),
            ToolCallId = "t",
            Fields = new Dictionary<string, JsonElement> { ["extra"] = Json("1.5"), ["name"] = Json("\"other\"") },
        };
        Assert.Equal(
            "[{\"role\": \"assistant\", \"content\": null, \"name\": \"other\", \"reasoning_content\": \"r\", \"tool_calls\": [{\"id\": 1}], \"tool_call_id\": \"t\", \"extra\": 1.5}]",
            ChatTemplate.Parse("{{ messages | tojson }}").Render(new() { Messages = [message] }));
        Assert.Equal(
            "[{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"}, {\"type\": \"text\", \"text\": \"b\"}]}]",
            ChatTemplate.Parse("{{ messages | tojson }}").Render(new() { Messages = [new("user", null) { TextParts = ["a", "b"] }] }));
    }

    [Fact]
    public void Variables_are_there_as_Hugging_Face_gives_them()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ tools }} {{ documents }} {{ add_generation_prompt }} {{ bos_token is defined }} {{ date_string is defined }} {{ more | tojson }}");
        Assert.Equal("None None False False False ",
            ChatTemplate.Parse("{{ tools }} {{ documents }} {{ add_generation_prompt }} {{ bos_token is defined }} {{ date_string is defined }} {{ more }}").Render(new() { Messages = [] }));
        ChatTemplateInputs full = s_greeting with
        {
            BosToken = "<s>",
            EosToken = "</s>",
            DateString = "d",
            Tools = [Json("{}")],
            Variables = new Dictionary<string,
            JsonElement>
            { ["more"] = Json("[true]") }
        };
        Assert.Equal("[{}] None True True True [true]", template.Render(full));
        Assert.Equal("<s></s>d", ChatTemplate.Parse("{{ bos_token }}{{ eos_token }}{{ date_string }}").Render(full));
    }

    [Theory]
    [InlineData("a\nb\n{{ x + }}", 3, "unexpected '}}'")]
    [InlineData("a\n{% if x %}\n", 2, "'{% endif %}' is missing")]
    [InlineData("\n\n{{ x.y }}", 3, "'x' is undefined")]
    [InlineData("{% macro m() %}\n{{ 1 / 0 }}\n{% endmacro %}\n\n{{ m() }}", 2, "division by zero")]
    [InlineData("{% macro m() %}\n\n{% endmacro %}\n{{ m() + 1 }}", 4, "cannot be applied")]
    [InlineData("{% for x in [1] %}\n{{ x | nope }}\n{% endfor %}", 2, "no filter 'nope'")]
    [InlineData("\n{{ raise_exception('no system') }}", 2, "the template refuses this conversation: no system")]
    [InlineData("{{ messages.append(1) }}", 1, "would change a list")]
    [InlineData("\n{{ 'a\nb' }}{{ 'c", 3, "does not end")]
    [InlineData("{% for x in [] recursive %}{% endfor %}", 1, "recursive loops are not supported")]
    public void A_fault_says_what_is_wrong_and_in_which_line(string source, int line, string what)
    {
        InvalidInputException fault = Assert.Throws<InvalidInputException>(() => ChatTemplate.Parse(source).Render(s_greeting));
        Assert.StartsWith($"chat template, line {line}: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_is_cut_to_a_readable_length()
    {
        InvalidInputException fault = Assert.Throws<InvalidInputException>(static () => ChatTemplate.Parse("{{ raise_exception('no' * 1000000) }}").Render(s_greeting));
        Assert.InRange(fault.Message.Length, 1000, 1200);
        Assert.EndsWith("nono… (2000000 characters)", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_renders_the_same_again_and_on_many_threads()
    {
        ChatTemplate template = ChatTemplate.Parse("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{{ m.role }}{% endfor %}");
        string[] texts = new string[64];
        Parallel.For(0, texts.Length, i => texts[i] = template.Render(s_greeting));
        Assert.All(texts, static t => Assert.Equal("1system2user", t));
    }

    [Fact]
    public void Messages_from_JSON_need_a_role()
    {
        Assert.Equal("user", ChatTemplateMessage.FromJson(Json("{\"role\": \"user\", \"content\": \"x\"}")).Role);
        Assert.Throws<InvalidInputException>(static () => ChatTemplateMessage.FromJson(Json("[]")));
        Assert.Throws<InvalidInputException>(static () => ChatTemplateMessage.FromJson(Json("{\"role\": 1}")));
        ChatTemplateMessage broken = ChatTemplateMessage.FromJson(Json("{\"role\": \"user\", \"content\": \"\\ud800\"}"));
        Assert.Throws<InvalidInputException>(() => ChatTemplate.Default.Render(new() { Messages = [broken] }));
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
