namespace Ration.Tokenizers.ChatTemplates.Jinja.Syntax;

/// <summary>Tokens, one after another, the last being <see cref="TokenKind.End"/>.</summary>
internal sealed class TokenStream(List<Token> tokens)
{
    private int _at;
    private int _depth;

    /// <summary>The token to be read next.</summary>
    public Token Current => tokens[_at];

    /// <summary>The token after <see cref="Current"/>.</summary>
    public Token Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Reads a token.</summary>
    public Token Next()
    {
        Token token = tokens[_at];
        if (_at < tokens.Count - 1) _at++;
        return token;
    }

    /// <summary>Reads the operator if it is next.</summary>
    public bool SkipOperator(string text)
    {
        if (!Current.IsOperator(text)) return false;
        Next();
        return true;
    }

    /// <summary>Reads the name if it is next.</summary>
    public bool SkipName(string text)
    {
        if (!Current.IsName(text)) return false;
        Next();
        return true;
    }

    /// <summary>Reads a token of this kind, or fails.</summary>
    public Token Expect(TokenKind kind) => Current.Kind == kind ? Next() : throw Fault($"expected {Name(kind)} but found {Current.Describe()}");

    /// <summary>Reads this operator, or fails.</summary>
    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text)) throw Fault($"expected '{text}' but found {Current.Describe()}");
    }

    /// <summary>Enters something that may hold its like; <see cref="Leave"/> follows.</summary>
    public void Enter()
    {
        if (++_depth > Limits.Nesting) throw Fault($"more than {Limits.Nesting} expressions or tags are nested");
    }

    /// <summary>Leaves what <see cref="Enter"/> entered.</summary>
    public void Leave() => _depth--;

    /// <summary>A fault at the current line.</summary>
    public TemplateFault Fault(string what) => new(what, Current.Line);

    private static string Name(TokenKind kind) => kind switch
    {
        TokenKind.BlockEnd => "'%}'",
        TokenKind.VariableEnd => "'}}'",
        TokenKind.Name => "a name",
        _ => "something else",
    };
}
