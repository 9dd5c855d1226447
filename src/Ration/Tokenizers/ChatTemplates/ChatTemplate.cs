using Ration.Tokenizers.ChatTemplates.Jinja;
using Ration.Tokenizers.ChatTemplates.Jinja.Syntax;
using Ration.Tokenizers.ChatTemplates.Jinja.Tree;

namespace Ration.Tokenizers.ChatTemplates;

/// <summary>
/// How a model wants a conversation to be written as text: a template in Jinja, as models ship it (<c>chat_template</c> in
/// <c>tokenizer_config.json</c>, <c>tokenizer.chat_template</c> in GGUF). Renders what Jinja 3.1 does in the sandbox that Hugging Face
/// transformers sets up (<c>trim_blocks</c>, <c>lstrip_blocks</c>, loop controls, <c>raise_exception</c>, <c>strftime_now</c>,
/// <c>tojson</c> without escapes for HTML); integers are of 64 bits, and <c>safe</c> does not mark a text. Time, depth and length are
/// bounded, whatever the template. Instances never change and may be used by many threads.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The template of models that bring none: ChatML, with the texts of the special tokens <c>&lt;|im_start|&gt;</c> and
    /// <c>&lt;|im_end|&gt;</c>.</summary>
    public const string ChatMl =
        "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    // A template may refuse with the whole conversation.
    private const int LongestRefusal = 1000;

    private readonly List<Statement> _body;

    private ChatTemplate(string source, List<Statement> body) => (Source, _body) = (source, body);

    /// <summary>The built-in <see cref="ChatMl"/>.</summary>
    public static ChatTemplate Default { get; } = Parse(ChatMl);

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <exception cref="InvalidInputException">It is no template, or uses what is not supported; the message names the line.</exception>
    public static ChatTemplate Parse(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        try
        {
            return new ChatTemplate(source, TemplateParser.Parse(source));
        }
        catch (TemplateFault fault)
        {
            throw Invalid(fault, fault.Line);
        }
    }

    /// <summary>Writes a conversation.</summary>
    /// <returns>The text, special tokens included in it as text.</returns>
    /// <exception cref="InvalidInputException">The template fails, or refuses the conversation; the message names the line.</exception>
    public string Render(ChatTemplateInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Rendering rendering = new(TemplateVariables.Create(inputs), inputs.Now ?? DateTime.Now);
        try
        {
            return rendering.Render(_body);
        }
        catch (TemplateFault fault)
        {
            throw Invalid(fault, rendering.Line);
        }
    }

    private static string Cut(string refusal) =>
        refusal.Length <= LongestRefusal ? refusal : $"{refusal.AsSpan(0, LongestRefusal)}… ({refusal.Length} characters)";

    private static InvalidInputException Invalid(TemplateFault fault, int line)
    {
        string where = line > 0 ? $"chat template, line {line}" : "chat template";
        return new(fault.Refused ? $"{where}: the template refuses this conversation: {Cut(fault.Message)}" : $"{where}: {fault.Message}; correct the template or choose another", fault);
    }
}
