using Ration.Tokenizers.ChatTemplates.Jinja.Tree;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Syntax;

/// <summary>Reads text and tags into statements.</summary>
internal sealed class TemplateParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;

    // Loops around the current place, within the innermost macro: only there may stand break and continue.
    private int _loops;

    private TemplateParser(List<Token> tokens)
    {
        _tokens = new TokenStream(tokens);
        _expressions = new ExpressionParser(_tokens);
    }

    /// <summary>The statements of a template.</summary>
    /// <exception cref="TemplateFault">It is no template.</exception>
    public static List<Statement> Parse(string source)
    {
        TemplateParser parser = new(TemplateLexer.Read(source));
        return parser.ReadBody([]);
    }

    // Reads up to the tag with one of these names; that name is the next token.
    private List<Statement> ReadBody(ReadOnlySpan<string> ends)
    {
        _tokens.Enter();
        List<Statement> body = [];
        while (true)
        {
            Token token = _tokens.Next();
            if (token.Kind == TokenKind.Data) body.Add(new TextStatement(token.Text, token.Line));
            else if (token.Kind == TokenKind.VariableBegin) body.Add(ReadPrint(token.Line));
            else if (token.Kind == TokenKind.End && ends.Length > 0) throw new TemplateFault($"the template ends where '{{% {ends[^1]} %}}' is missing", token.Line);
            else if (token.Kind == TokenKind.End || (_tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Text))) break;
            else body.Add(ReadTag());
        }

        _tokens.Leave();
        return body;
    }

    // After the start tag: its end, the body, the name of the end tag, which is returned.
    private List<Statement> ReadBlock(out string end, params ReadOnlySpan<string> ends)
    {
        _tokens.SkipOperator(":");
        _tokens.Expect(TokenKind.BlockEnd);
        List<Statement> body = ReadBody(ends);
        end = _tokens.Next().Text;
        return body;
    }

    private PrintStatement ReadPrint(int line)
    {
        Expression value = _expressions.ReadTuple();
        _tokens.Expect(TokenKind.VariableEnd);
        return new PrintStatement(value, line);
    }

    private Statement ReadTag()
    {
        Token tag = _tokens.Expect(TokenKind.Name);
        Statement statement = tag.Text switch
        {
            "if" => ReadIf(tag.Line),
            "for" => ReadFor(tag.Line),
            "set" => ReadSet(tag.Line),
            "macro" => new MacroStatement(ReadMacro(), tag.Line),
            "call" => ReadCall(tag.Line),
            "filter" => new Capture(null, _expressions.ReadFilters(inline: true), OutsideLoops("endfilter"), tag.Line),
            "with" => ReadWith(tag.Line),
            "generation" => new With([], ReadGeneration(), tag.Line),
            "break" or "continue" when _loops == 0 => throw new TemplateFault($"'{tag.Text}' stands outside of a loop", tag.Line),
            "break" => new Jump(Flow.Break, tag.Line),
            "continue" => new Jump(Flow.Continue, tag.Line),
            _ => throw new TemplateFault($"unknown tag {InvalidInputException.Quote(tag.Text)}", tag.Line),
        };
        _tokens.Expect(TokenKind.BlockEnd);
        return statement;
    }

    private If ReadIf(int line)
    {
        List<(Expression, List<Statement>)> branches = [];
        List<Statement> otherwise = [];
        string end;
        do
        {
            Expression condition = _expressions.ReadTuple(conditional: false);
            branches.Add((condition, ReadBlock(out end, "elif", "else", "endif")));
        }
        while (end == "elif");

        if (end == "else") otherwise = ReadBlock(out _, "endif");
        return new If(branches, otherwise, line);
    }

    private For ReadFor(int line)
    {
        Target target = ReadTarget(namespaces: false);
        if (!_tokens.SkipName("in")) throw _tokens.Fault($"expected 'in' but found {_tokens.Current.Describe()}");
        Expression values = _expressions.ReadTuple(conditional: false);
        Expression? condition = _tokens.SkipName("if") ? _expressions.Read() : null;
        if (_tokens.Current.IsName("recursive")) throw _tokens.Fault("recursive loops are not supported");
        _loops++;
        List<Statement> body = ReadBlock(out string end, "else", "endfor");
        _loops--;
        List<Statement> otherwise = end == "else" ? ReadBlock(out _, "endfor") : [];
        return new For(target, values, condition, body, otherwise, line);
    }

    private Statement ReadSet(int line)
    {
        Target target = ReadTarget(namespaces: true);
        if (_tokens.SkipOperator("=")) return new Set(target, _expressions.ReadTuple(), line);
        FilterCall? filter = _expressions.ReadFilters(inline: false);
        return new Capture(target, filter, OutsideLoops("endset"), line);
    }

    private List<Statement> ReadGeneration() => OutsideLoops("endgeneration");

    // What these blocks write is caught, so that a jump out of them would lose it.
    private List<Statement> OutsideLoops(string end)
    {
        int loops = _loops;
        _loops = 0;
        List<Statement> body = ReadBlock(out _, end);
        _loops = loops;
        return body;
    }

    private With ReadWith(int line)
    {
        List<(Target, Expression)> variables = [];
        while (_tokens.Current.Kind != TokenKind.BlockEnd && !_tokens.Current.IsOperator(":"))
        {
            if (variables.Count > 0) _tokens.ExpectOperator(",");
            Target target = ReadSingleTarget(namespaces: false);
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.Read()));
        }

        return new With(variables, ReadBlock(out _, "endwith"), line);
    }

    private MacroDefinition ReadMacro()
    {
        string name = ReadName();
        List<(string, Expression?)> parameters = ReadParameters();
        return ReadMacroBody(name, parameters, "endmacro");
    }

    private CallBlock ReadCall(int line)
    {
        List<(string, Expression?)> parameters = _tokens.Current.IsOperator("(") ? ReadParameters() : [];
        if (_expressions.Read() is not Call call) throw new TemplateFault("expected a call of a macro", line);
        return new CallBlock(call, ReadMacroBody(null, parameters, "endcall"), line);
    }

    private MacroDefinition ReadMacroBody(string? name, List<(string, Expression?)> parameters, string end)
    {
        HashSet<string>? outer = _expressions.Names;
        HashSet<string> names = _expressions.Names = new(StringComparer.Ordinal);
        List<Statement> body = OutsideLoops(end);
        outer?.UnionWith(names);
        _expressions.Names = outer;
        return new MacroDefinition(name, parameters, body, names);
    }

    private List<(string Name, Expression? Default)> ReadParameters()
    {
        List<(string Name, Expression? Default)> parameters = [];
        _tokens.ExpectOperator("(");
        while (!_tokens.Current.IsOperator(")"))
        {
            if (parameters.Count > 0) _tokens.ExpectOperator(",");
            string name = ReadName();
            if (parameters.Exists(p => p.Name == name)) throw _tokens.Fault($"there are two parameters '{name}'");
            Expression? otherwise = _tokens.SkipOperator("=") ? _expressions.Read() : null;
            if (otherwise is null && parameters.Count > 0 && parameters[^1].Default is not null) throw _tokens.Fault($"the parameter '{name}' without a default follows one with a default");
            parameters.Add((name, otherwise));
        }

        _tokens.ExpectOperator(")");
        return parameters;
    }

    private Target ReadTarget(bool namespaces)
    {
        List<Target> targets = [ReadSingleTarget(namespaces)];
        bool tuple = false;
        while (_tokens.SkipOperator(","))
        {
            tuple = true;
            if (_tokens.Current.Kind is not TokenKind.Name && !_tokens.Current.IsOperator("(") || _tokens.Current.IsName("in")) break;
            targets.Add(ReadSingleTarget(namespaces));
        }

        return tuple ? new TupleTarget(targets) : targets[0];
    }

    private Target ReadSingleTarget(bool namespaces)
    {
        if (_tokens.SkipOperator("("))
        {
            _tokens.Enter();
            Target inner = ReadTarget(namespaces);
            _tokens.Leave();
            _tokens.ExpectOperator(")");
            return inner;
        }

        string name = ReadName();
        return namespaces && _tokens.SkipOperator(".") ? new NamespaceTarget(name, _tokens.Expect(TokenKind.Name).Text) : new NameTarget(name);
    }

    private string ReadName()
    {
        string name = _tokens.Expect(TokenKind.Name).Text;
        return name is "true" or "false" or "none" or "True" or "False" or "None" ? throw _tokens.Fault($"'{name}' cannot be assigned to") : name;
    }
}
