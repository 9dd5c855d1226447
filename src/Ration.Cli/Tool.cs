using System.CommandLine;
using System.CommandLine.Parsing;
using Ration.Cli.Commands;
using Ration.Cli.Output;
using Ration.Planning;

namespace Ration.Cli;

/// <summary>The tool as a whole: its commands, and what becomes of whatever they throw.</summary>
internal static class Tool
{
    /// <summary>Why a result has ended, in JSON, where it was interrupted.</summary>
    public const string Interrupted = "interrupted";

    /// <summary>How words are read: all as they are. The library would take one that begins with an @ for the name of a file with more of them.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs one command line.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static int Run(string[] arguments)
    {
        _ = RuntimeFootprint.BaselineBytes;
        Console.SetError(StandardOutput.Open(StandardStream.OpenError()));
        // Not a RootCommand, which would call itself by the name of the assembly.
        Command root = new("ration", "Train, fine-tune and run language models in the memory you have.")
        {
            GroupedCommand.HelpOption(), new VersionOption(),
            TrainCommand.Create(), PlanCommand.Create(), EvalCommand.Create(), GenerateCommand.Create(), ChatCommand.Create(),
            TokenizeCommand.Create(), ConvertCommand.Create(), InspectCommand.Create(), BenchCommand.Create(),
        };
        ParseResult parsed = root.Parse(arguments.Length == 0 ? ["--help"] : arguments, Parsing);
        // What such a value leaves over is no mistake of its own.
        if (OptionFactory.WithoutValue(parsed) is { } lacking) return Complain(lacking, ExitCode.BadInput);
        if (parsed.UnmatchedTokens.Count > 0) return Complain(UnknownWord.Complaint(parsed, arguments), ExitCode.BadInput);
        if (parsed.Errors.Count > 0) return Complain(MistakenOption(parsed) ?? parsed.Errors[0].Message, ExitCode.BadInput);
        try
        {
            using StreamWriter help = StandardOutput.Open();
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = help });
        }
        catch (InvalidInputException e)
        {
            return Complain(e.Message, ExitCode.BadInput);
        }
        catch (MemoryBudgetException e)
        {
            return Complain(e.Message, ExitCode.OverBudget);
        }
        catch (OutOfMemoryException)
        {
            return Complain("the machine has not the memory that the plan needs; give a smaller --memory, or end other programs", ExitCode.OverBudget);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Complain(e.Message, ExitCode.BadInput);
        }
        catch (OperationCanceledException)
        {
            return EndInterrupted(parsed);
        }
#pragma warning disable CA1031 // The last resort: whatever else comes is a defect, and should be reported with its trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Complain($"this is a defect in Ration; please report it with the lines below and the command line: {e.Message}", ExitCode.Defect);
            Console.Error.WriteLine(e);
            return ExitCode.Defect;
        }
    }

    // The library's own words for these do not say what to do.
    private static string? MistakenOption(ParseResult parsed)
    {
        foreach (OptionResult given in parsed.CommandResult.Children.OfType<OptionResult>().Where(static o => o.IdentifierTokenCount > 0))
        {
            Option option = given.Option;
            if (given.IdentifierTokenCount > 1 && option.Arity.MaximumNumberOfValues == 1) return $"{option.Name} is given {given.IdentifierTokenCount} times; give it once";
            if (given.Tokens.Count < option.Arity.MinimumNumberOfValues) return OptionFactory.NoValue(option);
        }

        return null;
    }

    /// <summary>Says that an interruption came before there was a result.</summary>
    /// <returns>The exit code.</returns>
    public static int EndInterrupted(ParseResult parsed)
    {
        if (parsed.GetValue(CommonOptions.Json)) StandardOutput.WriteJson(static json => json.Text("finish", Interrupted));
        return Complain($"{Interrupted}; nothing was changed", ExitCode.Interrupted);
    }

    /// <summary>Says in one line what was wrong.</summary>
    /// <returns>The exit code that is given.</returns>
    public static int Complain(string message, int code)
    {
        Log.Line($"ration: {message.ReplaceLineEndings(" ")}");
        return code;
    }
}
