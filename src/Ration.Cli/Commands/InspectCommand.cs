using System.CommandLine;
using Ration.Cli.Inspection;
using Ration.Cli.Output;

namespace Ration.Cli.Commands;

/// <summary><c>ration inspect</c>: what is in the files of a model.</summary>
internal static class InspectCommand
{
    private static readonly Argument<string?> s_path = new("DIR|FILE")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = "A model folder, a GGUF file (of several, the first), a safetensors file, a llama2.c checkpoint, or an adapter folder.",
        HelpName = "DIR|FILE",
    };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("inspect", "Show what is in the files of a model: architecture, tokenizer, metadata and tensors.") { s_path, CommonOptions.Json };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        if (parsed.GetValue(s_path) is not { Length: > 0 } path) throw new InvalidInputException("there is nothing to inspect; give a model folder or file, for example the --output of ration train");
        if (path.StartsWith(ModelSource.PresetPrefix, StringComparison.OrdinalIgnoreCase))
            throw new InvalidInputException($"{path}: a preset is a shape without files; ration plan --model {path} tells of it");
        InspectedModel model = ModelInspector.Open(path);
        if (parsed.GetValue(CommonOptions.Json)) InspectionJson.Write(model);
        else WriteText(model);
        return ExitCode.Done;
    }

    private static void WriteText(InspectedModel model)
    {
        using StreamWriter stdout = StandardOutput.OpenBuffered();
        new InspectionText(stdout).Write(model);
    }
}
