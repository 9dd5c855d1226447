using System.CommandLine;
using System.CommandLine.Parsing;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary>
/// The options that a training run was started with, as words that its checkpoint keeps. <c>--resume</c> reads them back, so that nobody has to
/// remember them; what is given again beside it counts instead. How many cores a run may use is a matter of each start: its files are the same for any.
/// </summary>
internal static class RunArguments
{
    private const char Separator = '\0';

    /// <summary>The options that were given, in order of their names, without those that say where the run lies and what is done with it now.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="passing">Options of this start alone.</param>
    public static string Of(ParseResult parsed, IReadOnlyCollection<Option> passing) =>
        string.Join(Separator, Given(parsed).Where(o => !passing.Contains(o.Option)).OrderBy(static o => o.Option.Name, StringComparer.Ordinal).SelectMany(Lasting).Concat(DataOfThisFolder(parsed)));

    /// <summary>A command line with the options of the run that lies in a folder, where they are not given.</summary>
    /// <exception cref="InvalidInputException">There is no usable checkpoint, or its options are not known to this version.</exception>
    public static ParseResult Resumed(ParseResult parsed, string output)
    {
        Command command = parsed.CommandResult.Command;
        string[] kept = TrainingCheckpoint.ReadHeader(output).Arguments.Split(Separator, StringSplitOptions.RemoveEmptyEntries);
        ParseResult started = command.Parse(kept, Tool.Parsing);
        if (started.Errors.Count > 0)
            throw new InvalidInputException(
                $"the run in {output} was started with options that this version does not take ({started.Errors[0].Message}); resume with the version that began it, "
                + "or give --overwrite instead of --resume to start anew");
        HashSet<Option> given = [.. Given(parsed).Select(static o => o.Option)];
        return command.Parse([.. Given(started).Where(o => !given.Contains(o.Option)).Concat(Given(parsed)).SelectMany(Words)], Tool.Parsing);
    }

    private static IEnumerable<OptionResult> Given(ParseResult parsed) => parsed.CommandResult.Children.OfType<OptionResult>().Where(static o => !o.Implicit);

    // The run may be resumed from another folder.
    private static IEnumerable<string> Lasting(OptionResult option) =>
        option.Option == CommonOptions.Data || option.Option == CommonOptions.Model ? Words(option).Select(static word => Path.Exists(word) ? Path.GetFullPath(word) : word) : Words(option);

    private static string[] DataOfThisFolder(ParseResult parsed) => parsed.GetValue(CommonOptions.Data) is { Length: > 0 } ? [] : [CommonOptions.Data.Name, Path.GetFullPath(".")];

    // A name before each value: not every option with several takes them all after one.
    private static IEnumerable<string> Words(OptionResult option) => option.Tokens.Count == 0
        ? [option.Option.Name]
        : option.Tokens.SelectMany(t => (string[])[option.Option.Name, t.Value]);
}
