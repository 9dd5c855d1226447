using System.CommandLine;
using Ration.Cli.Output;
using Ration.Devices.Cpu;
using Ration.Inference;
using Ration.Models;
using Ration.Planning;

namespace Ration.Cli.Commands;

/// <summary><c>ration plan generate</c>: says what generating would take, and starts nothing.</summary>
internal static class PlanGenerateCommand
{
    private const int DefaultPromptTokens = 512;
    private static readonly Option<int?> s_promptTokens = OptionFactory.Number<int>("--prompt-tokens", "N", "Tokens of the prompt (default 512, or fewer where the context is short).");
    private static readonly Option<int?> s_maxTokens = OptionFactory.Number<int>("--max-tokens", "N", "Tokens to generate after it (default 200, or fewer where the context is short).");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        InferenceArguments inference = new();
        GroupedCommand command = new("generate", "Say what ration generate would need and why, without starting it.");
        command.AddGroup("Model and text", CommonOptions.Model, CommonOptions.BaseModel, s_promptTokens, s_maxTokens);
        inference.AddTo(command);
        command.AddGroup("Output", CommonOptions.Json);
        command.SetAction(parsed => Run(parsed, inference));
        return command;
    }

    private static int Run(ParseResult parsed, InferenceArguments inference)
    {
        foreach (Option<int?> option in (Option<int?>[])[s_promptTokens, s_maxTokens])
            if (parsed.GetValue(option) is < 1 or > 1 << 24) throw new InvalidInputException($"{option.Name} {parsed.GetValue(option)}: give 1 to 16,777,216");
        LanguageModelOptions options = inference.Read(parsed);
        string model = parsed.GetValue(CommonOptions.Model) ?? throw new InvalidInputException("--model is missing; give a model folder or file, or a preset such as preset:nano");
        using LanguageModelSource? source = model.StartsWith(ModelSource.PresetPrefix, StringComparison.OrdinalIgnoreCase) ? null : CommonOptions.OpenLanguageModel(parsed);
        ModelConfiguration configuration = source?.Configuration ?? OpenPreset(parsed, model);
        (int prompt, int most) = ReadLengths(parsed, options.Context ?? configuration.Context);
        InferenceArguments.RequireRoom(options.Context, prompt);
        options = options with { PromptTokens = prompt, MaxTokens = most };
        GenerationPlan plan;
        MemoryBudgetException? refusal = null;
        try
        {
            plan = Make(source, configuration, options);
        }
        catch (MemoryBudgetException e)
        {
            // What is shown instead is the plan of the smallest budget.
            refusal = e;
            plan = Make(source, configuration, options with { Memory = e.Smallest });
        }

        InferenceArguments.NoteRoom(configuration, options.Context, prompt, most);
        MachineRates rates = KeptRates.Measure(options.Threads);
        if (parsed.GetValue(CommonOptions.Json)) GenerationPlanOutput.WriteJson(plan, rates, refusal);
        else if (refusal is null) GenerationPlanOutput.WriteText(plan, rates);
        return refusal is null ? ExitCode.Done : throw refusal;
    }

    // What is not named is as usual, or what there is room for.
    private static (int Prompt, int Most) ReadLengths(ParseResult parsed, int room)
    {
        int? most = parsed.GetValue(s_maxTokens);
        int prompt = parsed.GetValue(s_promptTokens) ?? Math.Clamp(most is null ? room / 2 : room - most.Value, 1, DefaultPromptTokens);
        return (prompt, most ?? (room > prompt ? Math.Min(room - prompt, GenerateCommand.DefaultMaxTokens) : GenerateCommand.DefaultMaxTokens));
    }

    private static ModelConfiguration OpenPreset(ParseResult parsed, string model) => parsed.GetValue(CommonOptions.BaseModel) is { } adapted
        ? throw new InvalidInputException($"--base-model {adapted}: {model} is no adapter; leave it out") : ModelSource.Open(model).Configuration;

    // A preset has no files; its weights are as training would save them.
    private static GenerationPlan Make(LanguageModelSource? source, ModelConfiguration configuration, LanguageModelOptions options) =>
        source?.Plan(options) ?? GenerationPlan.Create(options.ForPlan(configuration), new CpuDevice(options.Threads));
}
