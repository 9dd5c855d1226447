using System.Text;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Tests.Tokenizers.ChatTemplates;

/// <summary>Templates written to harm: each ends soon, with a message.</summary>
public sealed class ChatTemplateLimitTests
{
    private const string Nested = "{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}";
    private const string Doubled = "{% set ns = namespace(x=['a']) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";

    [Theory]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}", "")]
    [InlineData("{{ 'x' * 99999999999 }}", "longer than")]
    [InlineData("{{ ('x' * 9999999) * 9999999 }}", "longer than")]
    [InlineData("{{ [1, 2, 3] * 99999999 }}", "too long")]
    [InlineData("{{ ([1] * 999999) * 999999 }}", "steps")]
    [InlineData("{{ range(100000000000) }}", "range")]
    [InlineData("{{ 9 ** 999999999 }}", "64 bits")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "64 bits")]
    [InlineData("{{ (-9223372036854775807 - 1) // -1 }}", "64 bits")]
    [InlineData("{{ '%999999999d' % 1 }}", "width")]
    [InlineData("{{ '%.999999999f' % 1.0 }}", "width")]
    [InlineData("{{ '{:999999999}'.format(1) }}", "width")]
    [InlineData("{{ 'x' | center(999999999) }}", "width")]
    [InlineData("{{ 'x'.ljust(9999999999) }}", "width")]
    [InlineData("{{ 'x' | indent(999999999) }}", "width")]
    [InlineData("{{ [1] | batch(999999999, 0) | list }}", "batch")]
    [InlineData("{{ [1] | slice(999999999) | list }}", "slice")]
    [InlineData("{{ ('a' * 999999).replace('a', 'b' * 999999) }}", "longer than")]
    [InlineData("{{ ('b' * 999999).join('a' * 999999) }}", "longer than")]
    [InlineData("{{ ['b' * 999999] * 99999 }}", "longer than")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "deep")]
    [InlineData("{% macro m() %}{% call n() %}{{ m() }}{% endcall %}{% endmacro %}{% macro n() %}{{ caller() }}{% endmacro %}{{ m() }}", "deep")]
    [InlineData(Nested + "{{ ns.x }}", "deep")]
    [InlineData(Nested + "{{ ns.x | tojson }}", "deep")]
    [InlineData(Nested + "{% set a = ns.x %}" + Nested + "{{ a == ns.x }}", "deep")]
    [InlineData(Nested + "{% set a = ns.x %}" + Nested + "{{ a < ns.x }}", "deep")]
    [InlineData(Doubled + "{{ ns.x }}", "longer than")]
    [InlineData(Doubled + "{{ ns.x | tojson }}", "longer than")]
    [InlineData(Doubled + "{{ ns.x | tojson(indent=100) }}", "")]
    [InlineData(Doubled + "{% set a = ns.x %}" + Doubled + "{{ a == ns.x }}", "steps")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "longer than")]
    [InlineData("{% set ns = namespace(s='') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ 'xxxxxxxxxxxxxxxxxxxx' %}{% endfor %}", "steps")]
    [InlineData("{% set ns = namespace(n=0) %}{% for c in 'a' * 9999999 %}{% endfor %}{% for c in 'a' * 9999999 %}{% endfor %}", "steps")]
    [InlineData("{{ range(100000) | map('center', 1000000) | list | length }}", "steps")]
    [InlineData("{% for i in range(99999) %}{% set x = 'x'.center(999999) %}{% endfor %}", "steps")]
    [InlineData("{% for i in range(99999) %}{% set x = 'x'.ljust(999999) %}{% endfor %}", "steps")]
    [InlineData("{% for i in range(99999) %}{% set x = 'x'.rjust(999999) %}{% endfor %}", "steps")]
    [InlineData("{% for i in range(99999) %}{% set x = 'x'.zfill(999999) %}{% endfor %}", "steps")]
    [InlineData("{{ (['X' * 99999] * 99999) | sort | length }}", "steps")]
    [InlineData("{{ (['X' * 99999] * 99999) | unique | list | length }}", "steps")]
    [InlineData("{% set x = 'x' * 9999999 %}{% for i in range(99999) %}{% if x | length == 0 %}{% endif %}{% endfor %}", "steps")]
    public void A_template_cannot_take_more_than_its_share(string source, string what)
    {
        InvalidInputException fault = Assert.Throws<InvalidInputException>(() => ChatTemplate.Parse(source).Render(new() { Messages = [] }));
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "1", "]", " }}")]
    [InlineData("{{ ", "{1:", "1", "}", " }}")]
    [InlineData("{{ ", "not ", "1", "", " }}")]
    [InlineData("{{ ", "-", "1", "", " }}")]
    [InlineData("{{ ", "1 if 1 else ", "1", "", " }}")]
    [InlineData("{{ x", "[x", "", "]", " }}")]
    [InlineData("{{ ", "range(", "1", ")", " }}")]
    [InlineData("{{ ", "1 is x([", "1", "])", " }}")]
    [InlineData("{{ 1 ", "| d(1 ", "", ")", " }}")]
    [InlineData("", "{% if 1 %}", "", "{% endif %}", "")]
    [InlineData("", "{% for x in [1] %}", "", "{% endfor %}", "")]
    [InlineData("{% for ", "(", "x", ")", " in y %}{% endfor %}")]
    [InlineData("", "{% set x %}", "", "{% endset %}", "")]
    [InlineData("", "{% macro m() %}", "", "{% endmacro %}", "")]
    public void Nesting_is_bounded(string before, string open, string inner, string close, string after)
    {
        string Source(int times) => before + Repeat(open, times) + inner + Repeat(close, times) + after;
        InvalidInputException fault = Assert.Throws<InvalidInputException>(() => ChatTemplate.Parse(Source(100_000)));
        Assert.Contains("nested", fault.Message, StringComparison.Ordinal);
        ChatTemplate.Parse(Source(40));
    }

    [Theory]
    [InlineData("{{ 1", " + 1", " }}", true)]
    [InlineData("{{ 1", " ~ 1", " }}", true)]
    [InlineData("{{ 1", " and 1", " }}", true)]
    [InlineData("{{ 1", " == 1", " }}", true)]
    [InlineData("{{ 'a'", " 'a'", " }}", true)]
    [InlineData("{% if 0 %}", "{% elif 0 %}", "{% endif %}", true)]
    [InlineData("{% filter e", " | e", " %}x{% endfilter %}", true)]
    [InlineData("{% set x | e", " | e", " %}x{% endset %}", true)]
    [InlineData("{{ x", ".x", " }}", false)]
    [InlineData("{{ 1", " | string", " }}", false)]
    [InlineData("{{ 1", " is odd", " }}", false)]
    [InlineData("{{ 1", " if 1", " }}", false)]
    [InlineData("{{ x", "()", " }}", false)]
    public void Long_chains_neither_overflow_the_stack_nor_take_long(string before, string link, string after, bool renders)
    {
        string source = before + Repeat(link, 100_000) + after;
        string? text = Golden.Render(source, new() { Messages = [] }, out _);
        Assert.Equal(renders, text is not null);
    }

    [Fact]
    public void Text_of_a_conversation_may_be_long()
    {
        string content = Repeat("word ", 1_000_000);
        string text = ChatTemplate.Default.Render(new() { Messages = [new("user", content)] });
        Assert.Equal($"<|im_start|>user\n{content}<|im_end|>\n", text);
        Assert.Equal(content.Trim().Replace('o', '0'), ChatTemplate.Parse("{{ messages[0].content | trim | replace('o', '0') }}").Render(new() { Messages = [new("user", content)] }));
    }

    [Theory]
    [InlineData("{#")]
    [InlineData("{{")]
    [InlineData("{%")]
    [InlineData("{% raw %}")]
    [InlineData("{% raw %}{%")]
    [InlineData("{")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("{{'")]
    [InlineData("{#a#}\n")]
    [InlineData(" {{- 1 -}} ")]
    [InlineData("{% set x = 1 %}")]
    public void Reading_takes_linear_time(string part)
    {
        // Quadratic time would be many minutes; whether it is a template is not asked here.
        Exception? fault = Record.Exception(() => ChatTemplate.Parse(Repeat(part, 400_000)));
        Assert.True(fault is null or InvalidInputException, $"{fault}");
    }

    private static string Repeat(string text, int times) => new StringBuilder().Insert(0, text, times).ToString();
}
