using System.Text;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Tests.Tokenizers.ChatTemplates;

/// <summary>Templates with random faults: what is thrown is always the fault that the tool prints.</summary>
public sealed class ChatTemplateFuzzTests
{
    private const string Pieces = "{}%#[]()|.,:=+-*/~<>!'\"\\ \n0179aexr_";

    private static readonly string[] s_words =
    [
        "{{ ", " }}", "{% ", " %}", "{%- ", "{# ", " #}", "if ", "else", "endif", "for x in ", "endfor", "set ", "macro m(", "raw", "is ", "not ", "in ", "loop", "none", "true",
        "messages", "| tojson", "| list", "| join", "| length", "| sort", "| map('upper')", ".split()", "[::-1]", "[-1]", "** 9", "* 99", "// 0", "% (1,)", "'%5d%s' % ",
            ".format(1)", "| indent(9)", "range(9)",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_damaged_template_is_refused_or_renders_and_soon(int seed)
    {
        Random random = new(seed);
        string[] sources = [.. Golden.Templates.Select(static t => t.Source), .. Golden.Expressions.Select(static e => "{{ " + e.Source + " }}"), ChatTemplate.ChatMl];
        ChatTemplateInputs inputs = Golden.Variables() with { Messages = [new("system", "x"), new("user", "y 😀")] };
        int rendered = 0, refused = 0;
        for (int i = 0; i < 3000; i++)
        {
            string source = Damage(sources, random);
            try
            {
                if (Golden.Render(source, inputs, out _) is null) refused++;
                else rendered++;
            }
            catch (Exception other)
            {
                throw new InvalidOperationException($"seed {seed}, template {i}: {source}", other);
            }
        }

        Assert.InRange(rendered, 100, 2900);
        Assert.InRange(refused, 100, 2900);
    }

    private static string Damage(string[] sources, Random random)
    {
        StringBuilder text = new(sources[random.Next(sources.Length)]);
        if (random.Next(3) == 0) text.Append(sources[random.Next(sources.Length)]);
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            int at = random.Next(text.Length + 1), length = Math.Min(random.Next(1, 6), text.Length - at);
            switch (random.Next(5))
            {
                case 0: text.Remove(at, length); break;
                case 1: text.Insert(at, Pieces[random.Next(Pieces.Length)]); break;
                case 2: text.Insert(at, s_words[random.Next(s_words.Length)]); break;
                case 3: text.Insert(random.Next(text.Length + 1), text.ToString(at, length)); break;
                default: text.Length = random.Next(8) == 0 ? at : text.Length; break;
            }
        }

        return text.ToString();
    }
}
