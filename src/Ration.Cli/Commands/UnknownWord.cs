using System.CommandLine;
using System.CommandLine.Parsing;
using Ration.Files;

namespace Ration.Cli.Commands;

/// <summary>What is said of a word on the command line that means nothing there.</summary>
internal static class UnknownWord
{
    // The ones that are meant by a letter with which several begin.
    private static readonly string[] s_meantByLetter = ["--model", "--output", "--prompt", "--data", "--sequence"];

    /// <summary>The complaint, with the command or option that may have been meant.</summary>
    /// <param name="command">The command that the word was given to.</param>
    /// <param name="word">The word.</param>
    public static string Complaint(Command command, string word) => Complaint(command, word, word.StartsWith('-') ? OptionFor(command, word, null) : null);

    /// <summary>The complaint about the first word of a command line that means nothing.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="arguments">Its words as they were written.</param>
    public static string Complaint(ParseResult parsed, string[] arguments)
    {
        Command command = parsed.CommandResult.Command;
        string word = parsed.UnmatchedTokens[0], next = parsed.UnmatchedTokens.ElementAtOrDefault(1) ?? "";
        if (command.Options.FirstOrDefault(o => o.Arity.MaximumNumberOfValues <= 1 && o.ValueType == typeof(bool) && arguments.Contains($"{o.Name}={word}")) is { } onOff)
            return $"{onOff.Name} takes no value; write {onOff.Name} alone";
        if (TakenForArgument(parsed) is { } option) return Complaint(command, option, $"{FullName(command)} {Quoted(word)}");
        if (word.StartsWith('-')) return Complaint(command, word, OptionFor(command, word, next));
        if (string.Equals(word, "help", StringComparison.OrdinalIgnoreCase)) return Complaint(command, word, HelpFor(command, next));
        string? missing = MissingOption(command, word, option => parsed.GetResult(option) is not null);
        return Complaint(command, word, missing is null ? null : $"{missing} {Quoted(word)}");
    }

    private static string Complaint(Command command, string word, string? meant)
    {
        string suggestion = meant is not null ? $" (did you mean {meant}?)" : word.StartsWith('-') ? "" : Spelling.Suggestion(word, command.Subcommands.Select(static c => c.Name));
        return $"there is no command or option '{word}'{suggestion}; {FullName(command)} --help lists them";
    }

    // A command that takes a path takes an option that it does not have for one, and what was meant to be the path is left over.
    private static string? TakenForArgument(ParseResult parsed) => parsed.CommandResult.Children.OfType<ArgumentResult>()
        .SelectMany(static argument => argument.Tokens).Select(static token => token.Value).FirstOrDefault(static text => text.StartsWith("--", StringComparison.Ordinal));

    private static string? OptionFor(Command command, string word, string? next)
    {
        string[] names = [.. command.Options.Select(static o => o.Name)];
        if (word.Length != 2 || !char.IsAsciiLetter(word[1])) return Shortened(word, names) ?? Spelling.Nearest(word, names);
        string[] same = [.. names.Where(name => name.StartsWith($"--{char.ToLowerInvariant(word[1])}", StringComparison.Ordinal))];
        string? name = same.Length == 1 ? same[0] : s_meantByLetter.FirstOrDefault(same.Contains);
        return name is null || string.IsNullOrEmpty(next) || next.StartsWith('-') ? name : $"{name} {Quoted(next)}";
    }

    // As other tools shorten them: to the beginning of a name, or to the first letters of its words.
    private static string? Shortened(string word, string[] names)
    {
        string[] longer = [.. names.Where(name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase))];
        if (longer.Length == 1) return longer[0];
        string[] initials = [.. names.Where(name => string.Equals(word,
            $"--{string.Concat(name.Split('-', StringSplitOptions.RemoveEmptyEntries).Select(static part => part[0]))}", StringComparison.OrdinalIgnoreCase))];
        return initials.Length == 1 ? initials[0] : null;
    }

    private static string HelpFor(Command command, string next) => $"{FullName(command.Subcommands.FirstOrDefault(c => c.Name == next) ?? command)} --help";

    // The option that takes such a word and was not given.
    private static string? MissingOption(Command command, string word, Func<Option, bool> isGiven)
    {
        bool Is(Option option, string name) => option.Name == name && !isGiven(option);
        bool Lacks(string name) => command.Options.Any(option => Is(option, name));
        bool isModel = word.StartsWith(ModelSource.PresetPrefix, StringComparison.OrdinalIgnoreCase) || word.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            || File.Exists(Path.Combine(word, HuggingFaceFolder.ConfigName));
        if (isModel && Lacks("--model")) return "--model";
        if (Path.Exists(word)) return Lacks("--data") ? "--data" : Lacks("--model") ? "--model" : null;
        // Where the model is named, what is left to name is the text.
        bool isText = word.Contains(' ', StringComparison.Ordinal) || !Lacks("--model");
        return !isText ? null : Lacks("--prompt") ? "--prompt" : Lacks("--text") ? "--text" : null;
    }

    private static string Quoted(string word) => word.Any(char.IsWhiteSpace) ? $"\"{word}\"" : word;

    private static string FullName(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{FullName(parent)} {command.Name}" : command.Name;
}
