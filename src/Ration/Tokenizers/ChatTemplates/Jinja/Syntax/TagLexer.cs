using System.Globalization;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Syntax;

/// <summary>Reads what is inside one tag: names, numbers, texts, operators, up to the tag's end.</summary>
/// <param name="source">The template.</param>
/// <param name="at">Where the inside starts.</param>
/// <param name="line">The line of that place.</param>
/// <param name="block">Whether the tag ends with <c>%}</c> (else <c>}}</c>).</param>
internal sealed class TagLexer(string source, int at, int line, bool block)
{
    private static readonly string[] s_operators = ["//", "**", "==", "!=", ">=", "<="];

    private readonly Stack<char> _brackets = new();
    private int _at = at;
    private int _line = line;

    /// <summary>Adds the tokens with the end of the tag; returns where the text after the tag starts.</summary>
    public int Read(List<Token> tokens)
    {
        int start = _line;
        while (true)
        {
            SkipSpace();
            if (_at >= source.Length) throw new TemplateFault("a tag does not end", start);
            if (_brackets.Count == 0 && TryEnd(tokens)) return _at;
            tokens.Add(ReadToken());
        }
    }

    private void SkipSpace()
    {
        for (; _at < source.Length && PythonText.IsSpace(source[_at]); _at++)
        {
            if (source[_at] == '\n') _line++;
        }
    }

    private bool TryEnd(List<Token> tokens)
    {
        char sign = source[_at] == '-' || (block && source[_at] == '+') ? source[_at] : '\0';
        int end = sign == '\0' ? _at : _at + 1;
        if (!source.AsSpan(end).StartsWith(block ? "%}" : "}}", StringComparison.Ordinal)) return false;
        tokens.Add(new Token(block ? TokenKind.BlockEnd : TokenKind.VariableEnd, "", _line));
        _at = TemplateLexer.AfterEnd(source, end + 2, sign, trimsNewline: block);
        return true;
    }

    private Token ReadToken()
    {
        char c = source[_at];
        if (char.IsAsciiDigit(c)) return ReadNumber();
        if (c == '_' || char.IsLetter(c)) return ReadName();
        return c is '\'' or '"' ? ReadText(c) : ReadOperator(c);
    }

    private Token ReadName()
    {
        int start = _at;
        while (_at < source.Length && (source[_at] == '_' || char.IsLetterOrDigit(source[_at]))) _at++;
        return new Token(TokenKind.Name, source[start.._at], _line);
    }

    private Token ReadText(char quote)
    {
        int start = _at + 1, line = _line;
        for (_at = start; _at < source.Length && source[_at] != quote; _at++)
        {
            if (source[_at] == '\\') _at++;
            if (_at < source.Length && source[_at] == '\n') _line++;
        }

        if (_at >= source.Length) throw new TemplateFault("a quoted text does not end", line);
        string text = StringLiteral.Unescape(source.AsSpan(start, _at - start), line);
        _at++;
        return new Token(TokenKind.Text, text, line);
    }

    private Token ReadNumber()
    {
        int start = _at;
        int radix = source[_at] != '0' || _at + 1 >= source.Length ? 10 : char.ToLowerInvariant(source[_at + 1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 };
        if (radix != 10) return ReadWithRadix(radix);
        SkipDigits();
        bool real = false;
        if (start == 0 || source[start - 1] != '.')
        {
            real = IsDigitAt(_at + 1) && source[_at] == '.';
            if (real)
            {
                _at++;
                SkipDigits();
            }

            real |= SkipExponent();
        }

        string digits = source[start.._at].Replace("_", "", StringComparison.Ordinal);
        return new Token(TokenKind.Number, digits, _line, real ? double.Parse(digits, CultureInfo.InvariantCulture) : (object)Integer(digits));
    }

    private Token ReadWithRadix(int radix)
    {
        int start = _at;
        long value = 0;
        for (_at += 2; _at < source.Length && (source[_at] == '_' || (char.IsAsciiHexDigit(source[_at]) && Convert.ToInt32(source[_at].ToString(), 16) < radix)); _at++)
        {
            if (source[_at] == '_') continue;
            if (value >= long.MaxValue / 16) throw new TemplateFault("an integer does not fit into 64 bits", _line);
            value = (value * radix) + Convert.ToInt32(source[_at].ToString(), 16);
        }

        if (_at == start + 2) throw new TemplateFault("a number has no digits", _line);
        return new Token(TokenKind.Number, source[start.._at], _line, value);
    }

    private bool SkipExponent()
    {
        if (_at >= source.Length || source[_at] is not ('e' or 'E')) return false;
        int digits = _at + 1 < source.Length && source[_at + 1] is '+' or '-' ? _at + 2 : _at + 1;
        if (!IsDigitAt(digits)) return false;
        _at = digits;
        SkipDigits();
        return true;
    }

    private void SkipDigits()
    {
        while (IsDigitAt(_at) || (_at < source.Length && source[_at] == '_' && IsDigitAt(_at + 1))) _at++;
    }

    private bool IsDigitAt(int at) => at < source.Length && char.IsAsciiDigit(source[at]);

    private long Integer(string digits) =>
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : throw new TemplateFault("an integer does not fit into 64 bits", _line);

    private Token ReadOperator(char c)
    {
        foreach (string two in s_operators)
        {
            if (!source.AsSpan(_at).StartsWith(two, StringComparison.Ordinal)) continue;
            _at += 2;
            return new Token(TokenKind.Operator, two, _line);
        }

        if (!"+-/*%~[](){}><=.:|,;".Contains(c, StringComparison.Ordinal)) throw new TemplateFault($"unexpected character {InvalidInputException.Quote(c.ToString())}", _line);
        if (c is '(' or '[' or '{') _brackets.Push(c);
        if (c is ')' or ']' or '}' && (!_brackets.TryPop(out char open) || open != (c switch { ')' => '(', ']' => '[', _ => '{' })))
        {
            throw new TemplateFault($"unexpected '{c}'", _line);
        }

        _at++;
        return new Token(TokenKind.Operator, c.ToString(), _line);
    }
}
