using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Syntax;

/// <summary>
/// Cuts a template into text, tags and what is in the tags, with the whitespace rules of Jinja's <c>trim_blocks</c> and
/// <c>lstrip_blocks</c>: a newline after a block or comment goes away, and so do the blanks between the start of a line and a block
/// or comment; <c>-</c> takes all whitespace on its side, <c>+</c> leaves it all.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _counted;

    // Whether what came before the current text ended a line.
    private bool _lineStarts = true;

    private TemplateLexer(string source) => _source = source;

    /// <summary>The tokens of <paramref name="source"/>.</summary>
    /// <exception cref="TemplateFault">A tag, comment or text does not end, or holds a character that no token starts with.</exception>
    public static List<Token> Read(string source)
    {
        if (source.Length > Limits.Source) throw new TemplateFault($"it is longer than {Limits.Source} characters");
        string lines = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (lines.EndsWith('\n')) lines = lines[..^1];
        TemplateLexer lexer = new(lines);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (_at < _source.Length)
        {
            int tag = FindTag(_at);
            if (tag < 0)
            {
                AddData(_source[_at..]);
                _at = _source.Length;
                break;
            }

            ReadTag(tag);
            _lineStarts = _source[_at - 1] == '\n';
        }

        _tokens.Add(new Token(TokenKind.End, "", LineAt(_source.Length)));
    }

    private int FindTag(int from)
    {
        for (int i = from; i < _source.Length - 1; i++)
        {
            int brace = _source.IndexOf('{', i);
            if (brace < 0 || brace == _source.Length - 1) return -1;
            if (_source[brace + 1] is '{' or '%' or '#') return brace;
            i = brace;
        }

        return -1;
    }

    private void ReadTag(int tag)
    {
        char kind = _source[tag + 1], sign = SignAt(tag + 2);
        AddData(Stripped(_source[_at..tag], sign, strip: kind != '{'));
        int line = LineAt(tag);
        int inside = tag + 2 + (sign == '\0' ? 0 : 1);
        if (kind == '#')
        {
            ReadComment(inside, line);
        }
        else if (kind == '%' && EndOfRawBegin(inside) is int raw and >= 0)
        {
            ReadRaw(raw, line);
        }
        else
        {
            bool block = kind == '%';
            _tokens.Add(new Token(block ? TokenKind.BlockBegin : TokenKind.VariableBegin, "", line));
            TagLexer lexer = new(_source, inside, line, block);
            _at = lexer.Read(_tokens);
        }
    }

    private char SignAt(int at) => at < _source.Length && _source[at] is '-' or '+' ? _source[at] : '\0';

    private string Stripped(string text, char sign, bool strip)
    {
        if (sign == '-') return PythonText.TrimEnd(text);
        if (sign == '+' || !strip) return text;
        int start = text.LastIndexOf('\n') + 1;
        if (start == 0 && !_lineStarts) return text;
        return start < text.Length && PythonText.IsBlank(text.AsSpan(start)) ? text[..start] : text;
    }

    private void ReadComment(int inside, int line)
    {
        int end = _source.IndexOf("#}", inside, StringComparison.Ordinal);
        if (end < 0) throw new TemplateFault("a comment does not end", line);
        char sign = end > inside && _source[end - 1] is '-' or '+' ? _source[end - 1] : '\0';
        _at = AfterEnd(_source, end + 2, sign, trimsNewline: true);
    }

    // {% raw %} takes no newline with it; {% endraw %} does.
    private int EndOfRawBegin(int inside) => EndOfTag(inside, "raw", trimsNewline: false, plus: false);

    private int EndOfTag(int inside, string name, bool trimsNewline, bool plus)
    {
        int at = SkipSpace(_source, inside);
        if (!_source.AsSpan(at).StartsWith(name, StringComparison.Ordinal)) return -1;
        at = SkipSpace(_source, at + name.Length);
        char sign = SignAt(at);
        if (sign == '+' && !plus) return -1;
        if (sign != '\0') at++;
        return _source.AsSpan(at).StartsWith("%}", StringComparison.Ordinal) ? AfterEnd(_source, at + 2, sign, trimsNewline) : -1;
    }

    private void ReadRaw(int start, int line)
    {
        _lineStarts = _source[start - 1] == '\n';
        for (int begin = start; (begin = _source.IndexOf("{%", begin, StringComparison.Ordinal)) >= 0; begin += 2)
        {
            char sign = SignAt(begin + 2);
            int end = EndOfTag(begin + 2 + (sign == '\0' ? 0 : 1), "endraw", trimsNewline: true, plus: true);
            if (end < 0) continue;
            AddData(Stripped(_source[start..begin], sign, strip: true), LineAt(start));
            _at = end;
            return;
        }

        throw new TemplateFault("a raw block does not end", line);
    }

    /// <summary>Where reading goes on after the end of a tag at <paramref name="at"/>.</summary>
    internal static int AfterEnd(string source, int at, char sign, bool trimsNewline)
    {
        if (sign == '-') return SkipSpace(source, at);
        return sign == '\0' && trimsNewline && at < source.Length && source[at] == '\n' ? at + 1 : at;
    }

    /// <summary>The first position from <paramref name="at"/> that is not whitespace.</summary>
    internal static int SkipSpace(string source, int at)
    {
        while (at < source.Length && PythonText.IsSpace(source[at])) at++;
        return at;
    }

    private void AddData(string text) => AddData(text, LineAt(_at));

    private void AddData(string text, int line)
    {
        if (text.Length > 0) _tokens.Add(new Token(TokenKind.Data, text, line));
    }

    // Positions come in rising order but for a few steps back, so counting goes on from the last one.
    private int LineAt(int at)
    {
        if (at < _counted) return _line - _source.AsSpan(at, _counted - at).Count('\n');
        _line += _source.AsSpan(_counted, at - _counted).Count('\n');
        _counted = at;
        return _line;
    }
}
