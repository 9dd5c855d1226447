namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>A function, filter, test or method.</summary>
/// <param name="name">Its name.</param>
/// <param name="signature">Its parameters, with blanks between: <c>value count?</c>; <c>?</c> marks those that may be left out,
/// <c>*</c> takes all further values by place, <c>**</c> all that are given by name.</param>
/// <param name="body">What it does.</param>
internal sealed class Function(string name, string signature, Func<Invocation, object?> body) : ICallable
{
    private readonly string[] _parameters = [.. signature.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(static p => p[0] != '*').Select(static p => p.TrimEnd('?'))];
    private readonly int _required = signature.Split(' ', StringSplitOptions.RemoveEmptyEntries).Count(static p => p[0] != '*' && p[^1] != '?');
    private readonly bool _rest = signature.Split(' ').Contains("*");
    private readonly bool _names = signature.Split(' ').Contains("**");

    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public object? Call(Rendering rendering, Arguments arguments)
    {
        object?[] values = new object?[_parameters.Length];
        Array.Fill(values, Invocation.Missing);
        int places = Math.Min(arguments.Places.Count, values.Length);
        for (int i = 0; i < places; i++) values[i] = arguments.Places[i];
        if (arguments.Places.Count > places && !_rest) throw new TemplateFault($"'{Name}' takes no more than {values.Length} arguments");
        List<(string, object?)> names = [];
        foreach ((string parameter, object? value) in arguments.Named)
        {
            int index = _names ? -1 : Array.IndexOf(_parameters, parameter);
            if (_names) names.Add((parameter, value));
            else if (index < 0) throw new TemplateFault($"'{Name}' has no parameter {InvalidInputException.Quote(parameter)}");
            else if (values[index] != Invocation.Missing) throw new TemplateFault($"'{parameter}' is given twice to '{Name}'");
            else values[index] = value;
        }

        for (int i = 0; i < _required; i++)
        {
            if (values[i] == Invocation.Missing) throw new TemplateFault($"'{Name}' needs the argument '{_parameters[i]}'");
        }

        IReadOnlyList<object?> rest = arguments.Places.Count > places ? [.. arguments.Places.Skip(places)] : [];
        return body(new Invocation(rendering, values, rest, names));
    }
}
