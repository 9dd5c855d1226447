using System.Runtime.CompilerServices;
using System.Text;
using Ration.Tokenizers.ChatTemplates.Jinja.Library;
using Ration.Tokenizers.ChatTemplates.Jinja.Tree;
using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja;

/// <summary>One rendering of a template: its variables, its text so far, and what it has used up.</summary>
/// <param name="variables">The template's variables.</param>
/// <param name="now">The time that <c>strftime_now</c> tells.</param>
internal sealed class Rendering(Scope variables, DateTime now)
{
    private StringBuilder _output = new();
    private int _depth;

    /// <summary>Work left.</summary>
    public Budget Budget { get; } = new();

    /// <summary>The time that <c>strftime_now</c> tells.</summary>
    public DateTime Now { get; } = now;

    /// <summary>The variables of the innermost block.</summary>
    public Scope Scope { get; set; } = variables;

    /// <summary>The line of what is being evaluated, from 1; after a fault, where it happened.</summary>
    public int Line { get; private set; } = 1;

    /// <summary>The text of the whole template.</summary>
    public string Render(List<Statement> body)
    {
        Execute(body);
        return _output.ToString();
    }

    /// <summary>The value of an expression.</summary>
    public object? Evaluate(Expression expression)
    {
        Budget.Steps(1);
        if (++_depth > Limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateFault($"macros or expressions are more than {Limits.Depth} deep");
        int line = Line;
        Line = expression.Line;
        object? value = expression.Evaluate(this);
        Line = line;
        _depth--;
        return value;
    }

    /// <summary>Executes statements until one jumps.</summary>
    public Flow Execute(List<Statement> body)
    {
        if (++_depth > Limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateFault($"blocks are more than {Limits.Depth} deep");
        Flow flow = Flow.Next;
        int line = Line;
        foreach (Statement statement in body)
        {
            Budget.Steps(1);
            Line = statement.Line;
            flow = statement.Execute(this);
            if (flow != Flow.Next) break;
        }

        Line = line;
        _depth--;
        return flow;
    }

    /// <summary>What <paramref name="body"/> writes with <paramref name="scope"/> as its variables.</summary>
    public string Capture(Scope scope, List<Statement> body)
    {
        (StringBuilder outerOutput, Scope outerScope) = (_output, Scope);
        (_output, Scope) = (new StringBuilder(), scope);
        Execute(body);
        string text = _output.ToString();
        (_output, Scope) = (outerOutput, outerScope);
        return text;
    }

    /// <summary>Adds to the text.</summary>
    public void Write(string text)
    {
        Budget.Characters(text.Length);
        if (_output.Length + (long)text.Length > Limits.Text) throw new TemplateFault($"it writes more than {Limits.Text} characters");
        _output.Append(text);
    }

    /// <summary>A value as <c>{{ }}</c> prints it.</summary>
    public string Print(object? value) => value as string ?? PythonRepresentation.Print(value, Budget);

    /// <summary>The value of a variable: the template's, else a function that all templates have, else undefined.</summary>
    public object? Lookup(string name)
    {
        if (Scope.TryGet(name, out object? value)) return value;
        return Globals.Find(name) is { } global ? global : new Undefined($"'{name}' is undefined");
    }
}
