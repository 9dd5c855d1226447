using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Ration.Memory;

namespace Ration.Cli.Commands;

/// <summary>Makes options whose complaints say what to write instead.</summary>
internal static class OptionFactory
{
    // More words than this would make the column of names in the help too wide to read.
    private const int MostInName = 7;

    /// <summary>A number; null where it is not given.</summary>
    public static Option<T?> Number<T>(string name, string placeholder, string description)
        where T : struct, INumberBase<T>, IMinMaxValue<T> => new(name)
        {
            Description = description,
            HelpName = placeholder,
            CustomParser = result =>
            {
                string text = Text(result);
                if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && T.IsFinite(value)) return value;
                result.AddError($"{name} '{text}': give {Wanted<T>(text)}");
                return null;
            },
        };

    /// <summary>A size such as 512MiB; null where it is not given.</summary>
    public static Option<ByteSize?> Size(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            bool isNumber = long.TryParse(Text(result), NumberStyles.None, CultureInfo.InvariantCulture, out long number);
            if (isNumber && number is > 0 and < 1 << 20) result.AddError($"{name} {number} is {number} bytes; write {number}MiB if that is what you mean");
            else if (ByteSize.TryParse(Text(result), out ByteSize size) && size.Bytes > 0) return size;
            else result.AddError($"{name} '{Text(result)}' is not a memory size; write a number and a unit, such as 512MiB or 4GiB");
            return null;
        },
    };

    /// <summary>One of some words; the default of its type where it is not given.</summary>
    public static Option<T?> Choice<T>(string name, string description, params (string Word, T Meaning)[] choices) => new(name)
    {
        Description = choices.Length <= MostInName ? description : $"{description} One of {string.Join(", ", choices.Select(static c => c.Word))}.",
        HelpName = choices.Length <= MostInName ? string.Join('|', choices.Select(static c => c.Word)) : "NAME",
        CustomParser = result =>
        {
            foreach ((string word, T meaning) in choices)
            {
                if (string.Equals(word, Text(result), StringComparison.OrdinalIgnoreCase)) return meaning;
            }

            result.AddError(
                $"{name} '{Text(result)}'{Spelling.Suggestion(Text(result), choices.Select(static c => c.Word))}; "
                + $"give {string.Join(", ", choices[..^1].Select(static c => c.Word))} or {choices[^1].Word}");
            return choices[0].Meaning;
        },
    };

    /// <summary>One of some words, or <c>auto</c>, which is to leave the choice open as if it were not given.</summary>
    public static Option<OpenChoice<T>?> ChoiceOrAuto<T>(string name, string description, params (string Word, T Meaning)[] choices)
        where T : struct => Choice<OpenChoice<T>?>(name, description, [("auto", new OpenChoice<T>(null)), .. choices.Select(static c => (c.Word, new OpenChoice<T>(c.Meaning)))]);

    /// <summary>A text; null where it is not given.</summary>
    public static Option<string?> Word(string name, string placeholder, string description) => new(name)
    {
        Description = description,
        HelpName = placeholder,
        CustomParser = static result => Text(result),
    };

    /// <summary>A file or folder; null where it is not given.</summary>
    public static Option<string?> Path(string name, string placeholder, string description) => new(name)
    {
        Description = description,
        HelpName = placeholder,
        CustomParser = result =>
        {
            if (Text(result) is { Length: > 0 } path) return path;
            result.AddError($"{name} is empty; name a file or folder, or leave the option out");
            return null;
        },
    };

    /// <summary>Texts, of which each is given with the option's name before it, or many after one; none where it is not given.</summary>
    public static Option<string[]> Words(string name, string placeholder, string description, bool manyAfterOne = false) => new(name)
    {
        Description = description,
        HelpName = placeholder,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = manyAfterOne,
        CustomParser = static result => [.. result.Tokens.Select(static t => t.Value)],
    };

    /// <summary>The complaint about an option that has the name of another where its value should be: the parser takes whatever word comes next. Null where none has.</summary>
    public static string? WithoutValue(ParseResult parsed)
    {
        HashSet<string> names = [.. parsed.CommandResult.Command.Options.SelectMany(static o => (string[])[o.Name, .. o.Aliases])];
        return parsed.CommandResult.Children.OfType<OptionResult>()
            .SelectMany(given => given.Tokens.Where(token => names.Contains(token.Value)).Select(token => NoValue(given.Option, token.Value))).FirstOrDefault();
    }

    /// <summary>The complaint that an option has no value.</summary>
    /// <param name="option">The option.</param>
    /// <param name="next">The word after it; null for none.</param>
    public static string NoValue(Option option, string? next = null) => $"{option.Name} has no value{(next is null ? "" : $" before {next}")}; write {option.Name} {option.HelpName}";

    /// <summary>A switch.</summary>
    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    // What is a number, but none of this kind, is out of its range.
    private static string Wanted<T>(string text)
        where T : struct, INumberBase<T>, IMinMaxValue<T>
    {
        if (typeof(T) == typeof(float) || typeof(T) == typeof(double)) return "a number";
        bool isOutside = BigInteger.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out BigInteger number) && (number > BigInteger.CreateChecked(T.MaxValue) || number < 0);
        if (!isOutside) return "a whole number";
        string most = T.MaxValue.ToString("N0", CultureInfo.InvariantCulture);
        return number < 0 ? $"a whole number from 0 to {most}" : $"a whole number, {most} at the most";
    }

    private static string Text(ArgumentResult result) => result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
}

/// <summary>What was chosen, or that nothing was: the parser of a word has no null to say so.</summary>
/// <param name="Choice">Null for open.</param>
internal sealed record OpenChoice<T>(T? Choice)
    where T : struct;
