using System.CommandLine;

namespace Ration.Cli.Commands;

/// <summary>What is said of a word on the command line that means nothing there.</summary>
internal static class UnknownWord
{
    /// <summary>The complaint, with the command or option that may have been meant.</summary>
    /// <param name="command">The command that the word was given to.</param>
    /// <param name="word">The word.</param>
    public static string Complaint(Command command, string word)
    {
        bool isOption = word.StartsWith('-');
        IEnumerable<string> known = isOption ? command.Options.Select(static o => o.Name) : command.Subcommands.Select(static c => c.Name);
        return $"there is no command or option '{word}'{Spelling.Suggestion(word, known)}; {FullName(command)} --help lists them";
    }

    private static string FullName(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{FullName(parent)} {command.Name}" : command.Name;
}
