using Ration.Tokenizers.ChatTemplates.Jinja.Tree;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Syntax;

/// <summary>Reads expressions by recursive descent, in the order of Jinja's precedences.</summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    /// <summary>The names read so far, if someone wants to know.</summary>
    public HashSet<string>? Names { get; set; }

    /// <summary>One expression; <c>a if b else c</c> only where <paramref name="conditional"/>.</summary>
    public Expression Read(bool conditional = true)
    {
        tokens.Enter();
        Expression expression = conditional ? ReadConditional() : ReadOr();
        tokens.Leave();
        return expression;
    }

    /// <summary>One expression, or a tuple without brackets.</summary>
    /// <param name="conditional">Whether <c>if</c> may follow as an operator.</param>
    /// <param name="bracketed">Whether brackets are around, so that it may be empty.</param>
    public Expression ReadTuple(bool conditional = true, bool bracketed = false)
    {
        int line = tokens.Current.Line;
        List<Expression> items = [];
        bool tuple = false;
        while (!EndsTuple())
        {
            items.Add(Read(conditional));
            if (!tokens.SkipOperator(",")) break;
            tuple = true;
        }

        if (!tuple && items.Count == 1) return items[0];
        if (!tuple && !bracketed) throw tokens.Fault($"expected an expression but found {tokens.Current.Describe()}");
        return new SequenceLiteral(SequenceKind.Tuple, items, line);
    }

    /// <summary>The filters after a block's tag, or null where there are none.</summary>
    /// <param name="inline">Whether the first comes without <c>|</c>.</param>
    public FilterCall? ReadFilters(bool inline)
    {
        FilterCall? filter = null;
        while (inline || tokens.Current.IsOperator("|"))
        {
            if (!inline) tokens.Next();
            filter = ReadFilter(filter);
            inline = false;
        }

        return filter;
    }

    /// <summary>A name, literal or bracket, without operators.</summary>
    public Expression ReadPrimary()
    {
        Token token = tokens.Next();
        switch (token.Kind)
        {
            case TokenKind.Name: return NameOrConstant(token);
            case TokenKind.Number: return new Constant(token.Value, token.Line);
            case TokenKind.Text:
                List<string> texts = [token.Text];
                while (tokens.Current.Kind == TokenKind.Text) texts.Add(tokens.Next().Text);
                return new Constant(string.Concat(texts), token.Line);
            case TokenKind.Operator when token.Text == "(":
                Expression inner = ReadTuple(bracketed: true);
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[": return new SequenceLiteral(SequenceKind.List, ReadItems(), token.Line);
            case TokenKind.Operator when token.Text == "{": return ReadDict(token.Line);
            default: throw new TemplateFault($"unexpected {token.Describe()}", token.Line);
        }
    }

    private bool EndsTuple() => tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.VariableEnd || tokens.Current.IsOperator(")");

    private Expression NameOrConstant(Token token)
    {
        switch (token.Text)
        {
            case "true" or "True": return new Constant(true, token.Line);
            case "false" or "False": return new Constant(false, token.Line);
            case "none" or "None": return new Constant(null, token.Line);
            default:
                Names?.Add(token.Text);
                return new Name(token.Text, token.Line);
        }
    }

    private List<Expression> ReadItems()
    {
        List<Expression> items = [];
        while (!tokens.Current.IsOperator("]"))
        {
            items.Add(Read());
            if (!tokens.SkipOperator(",")) break;
        }

        tokens.ExpectOperator("]");
        return items;
    }

    private DictLiteral ReadDict(int line)
    {
        List<(Expression, Expression)> pairs = [];
        while (!tokens.Current.IsOperator("}"))
        {
            Expression key = Read();
            tokens.ExpectOperator(":");
            pairs.Add((key, Read()));
            if (!tokens.SkipOperator(",")) break;
        }

        tokens.ExpectOperator("}");
        return new DictLiteral(pairs, line);
    }

    private Expression ReadConditional()
    {
        Expression value = ReadOr();
        while (tokens.Current.IsName("if"))
        {
            int line = tokens.Next().Line;
            Expression condition = ReadOr();
            value = new Conditional(condition, value, tokens.SkipName("else") ? Read() : null, line);
        }

        return value;
    }

    private Expression ReadOr()
    {
        Expression first = ReadAnd();
        if (!tokens.Current.IsName("or")) return first;
        List<Expression> operands = [first];
        while (tokens.SkipName("or")) operands.Add(ReadAnd());
        return new Logical(and: false, operands, first.Line);
    }

    private Expression ReadAnd()
    {
        Expression first = ReadNot();
        if (!tokens.Current.IsName("and")) return first;
        List<Expression> operands = [first];
        while (tokens.SkipName("and")) operands.Add(ReadNot());
        return new Logical(and: true, operands, first.Line);
    }

    private Expression ReadNot()
    {
        if (!tokens.Current.IsName("not")) return ReadComparison();
        int line = tokens.Next().Line;
        tokens.Enter();
        Expression operand = ReadNot();
        tokens.Leave();
        return new Negation(operand, line);
    }

    private Expression ReadComparison()
    {
        Expression first = ReadSum();
        List<(string, Expression)>? rest = null;
        while (ComparisonOperator() is { } name) (rest ??= []).Add((name, ReadSum()));
        return rest is null ? first : new ComparisonChain(first, rest, first.Line);
    }

    private string? ComparisonOperator()
    {
        if (tokens.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" }) return tokens.Next().Text;
        if (tokens.SkipName("in")) return "in";
        if (!tokens.Current.IsName("not") || !tokens.Following.IsName("in")) return null;
        tokens.Next();
        tokens.Next();
        return "not in";
    }

    private Expression ReadSum() => ReadChain(static p => p.ReadConcatenation(), static o => o is "+" or "-");

    private Expression ReadConcatenation()
    {
        Expression first = ReadProduct();
        if (!tokens.Current.IsOperator("~")) return first;
        List<Expression> parts = [first];
        while (tokens.SkipOperator("~")) parts.Add(ReadProduct());
        return new Concatenation(parts, first.Line);
    }

    private Expression ReadProduct() => ReadChain(static p => p.ReadPower(), static o => o is "*" or "/" or "//" or "%");

    // Jinja takes powers from the left, unlike Python.
    private Expression ReadPower() => ReadChain(static p => p.ReadUnary(filters: true), static o => o == "**");

    private Expression ReadChain(Func<ExpressionParser, Expression> operand, Predicate<string> belongs)
    {
        Expression first = operand(this);
        List<(string, Expression)>? rest = null;
        while (tokens.Current.Kind == TokenKind.Operator && belongs(tokens.Current.Text)) (rest ??= []).Add((tokens.Next().Text, operand(this)));
        return rest is null ? first : new ArithmeticChain(first, rest, first.Line);
    }

    private Expression ReadUnary(bool filters)
    {
        Expression value;
        if (tokens.Current is { Kind: TokenKind.Operator, Text: "-" or "+" })
        {
            Token sign = tokens.Next();
            tokens.Enter();
            value = new Sign(sign.Text == "-", ReadUnary(filters: false), sign.Line);
            tokens.Leave();
        }
        else
        {
            value = ReadPrimary();
        }

        value = ReadPostfix(value);
        return filters ? ReadFiltersAndTests(value) : value;
    }

    private Expression ReadPostfix(Expression value)
    {
        while (tokens.Current.Kind == TokenKind.Operator)
        {
            Token token = tokens.Current;
            if (token.Text == "(") value = new Call(value, ReadArguments(), token.Line);
            else if (tokens.SkipOperator(".")) value = ReadMember(value, token.Line);
            else if (tokens.SkipOperator("[")) value = ReadSubscript(value, token.Line);
            else break;
        }

        return value;
    }

    private Expression ReadMember(Expression value, int line)
    {
        Token token = tokens.Next();
        if (token.Kind == TokenKind.Name) return new MemberAccess(value, token.Text, line);
        if (token is { Kind: TokenKind.Number, Value: long }) return new Item(value, new Constant(token.Value, token.Line), line);
        throw new TemplateFault($"expected a name or a number after '.' but found {token.Describe()}", token.Line);
    }

    private Expression ReadSubscript(Expression value, int line)
    {
        Expression? start = tokens.Current.IsOperator(":") ? null : Read();
        if (!tokens.SkipOperator(":"))
        {
            tokens.ExpectOperator("]");
            return new Item(value, start!, line);
        }

        Expression? stop = tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]") ? null : Read();
        Expression? step = tokens.SkipOperator(":") && !tokens.Current.IsOperator("]") ? Read() : null;
        tokens.ExpectOperator("]");
        return new Slice(value, start, stop, step, line);
    }

    private Expression ReadFiltersAndTests(Expression value)
    {
        while (true)
        {
            if (tokens.SkipOperator("|")) value = ReadFilter(value);
            else if (tokens.Current.IsOperator("(")) value = new Call(value, ReadArguments(), value.Line);
            else if (tokens.Current.IsName("is")) value = ReadTest(value);
            else return value;
        }
    }

    private FilterCall ReadFilter(Expression? input)
    {
        Token name = tokens.Expect(TokenKind.Name);
        return new FilterCall(input, name.Text, tokens.Current.IsOperator("(") ? ReadArguments() : ArgumentList.None, name.Line);
    }

    private Expression ReadTest(Expression value)
    {
        int line = tokens.Next().Line;
        bool negated = tokens.SkipName("not");
        string name = tokens.Expect(TokenKind.Name).Text;
        ArgumentList arguments = ArgumentList.None;
        if (tokens.Current.IsOperator("(")) arguments = ReadArguments();
        else if (StartsTestArgument()) arguments = new ArgumentList([ReadTestArgument()], [], null, null);
        Expression test = new TestCall(value, name, arguments, line);
        return negated ? new Negation(test, line) : test;
    }

    private Expression ReadTestArgument()
    {
        if (tokens.Current.IsName("is")) throw tokens.Fault("tests with 'is' cannot be chained");
        tokens.Enter();
        Expression argument = ReadPostfix(ReadPrimary());
        tokens.Leave();
        return argument;
    }

    private bool StartsTestArgument() => tokens.Current switch
    {
        { Kind: TokenKind.Name, Text: var name } => name is not ("else" or "or" or "and"),
        { Kind: TokenKind.Text or TokenKind.Number } => true,
        { Kind: TokenKind.Operator, Text: "[" or "{" } => true,
        _ => false,
    };

    private ArgumentList ReadArguments()
    {
        tokens.ExpectOperator("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? list = null, dict = null;
        while (!tokens.Current.IsOperator(")"))
        {
            if (dict is not null) throw tokens.Fault("arguments follow '**'");
            if (tokens.SkipOperator("**")) dict = Read();
            else if (tokens.SkipOperator("*")) list = list is null ? Read() : throw tokens.Fault("'*' stands twice in one call");
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Following.IsOperator("=")) named.Add(ReadNamed());
            else if (list is null && named.Count == 0) positional.Add(Read());
            else throw tokens.Fault("arguments by place follow arguments by name");
            if (!tokens.SkipOperator(",")) break;
        }

        tokens.ExpectOperator(")");
        return new ArgumentList(positional, named, list, dict);
    }

    private (string Name, Expression Value) ReadNamed()
    {
        string name = tokens.Next().Text;
        tokens.Next();
        return (name, Read());
    }
}
