using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Ration.Cli.Commands;

/// <summary>A command with so many options that its help lists them under headings.</summary>
internal sealed class GroupedCommand(string name, string description) : Command(name, description)
{
    private readonly Dictionary<string, string> _headings = [];

    /// <summary>Adds options that belong together.</summary>
    /// <param name="heading">What they are about.</param>
    /// <param name="options">The options.</param>
    public void AddGroup(string heading, params ReadOnlySpan<Option> options)
    {
        _headings.Add(options[0].Name, heading);
        foreach (Option option in options) Options.Add(option);
    }

    /// <summary>The usual help with a heading before the first option of each group.</summary>
    /// <param name="help">The usual help, of which an option begins a line with two spaces.</param>
    public string WithHeadings(string help)
    {
        List<string> lines = [];
        foreach (string line in help.ReplaceLineEndings("\n").Split('\n'))
        {
            bool isOption = line.StartsWith("  --", StringComparison.Ordinal);
            if (isOption && _headings.TryGetValue(line.Trim().Split(' ')[0], out string? heading))
            {
                // The first heading stands for the one of all options.
                if (lines[^1].StartsWith(' ')) lines.Add("");
                else lines.RemoveAt(lines.Count - 1);
                lines.Add($"{heading}:");
            }

            lines.Add(line);
        }

        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>The option that shows help, for all commands.</summary>
    public static HelpOption HelpOption()
    {
        HelpOption option = new();
        option.Action = new Help((SynchronousCommandLineAction)option.Action!);
        return option;
    }

    private sealed class Help(SynchronousCommandLineAction usual) : SynchronousCommandLineAction
    {
        public override bool Terminating => usual.Terminating;

        public override int Invoke(ParseResult parseResult)
        {
            if (parseResult.CommandResult.Command is not GroupedCommand command) return usual.Invoke(parseResult);
            InvocationConfiguration configuration = parseResult.InvocationConfiguration;
            TextWriter output = configuration.Output;
            using StringWriter text = new();
            configuration.Output = text;
            int code = usual.Invoke(parseResult);
            configuration.Output = output;
            output.Write(command.WithHeadings(text.ToString()));
            return code;
        }
    }
}
