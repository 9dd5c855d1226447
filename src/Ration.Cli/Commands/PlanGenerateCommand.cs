using System.CommandLine;
using Ration.Cli.Output;
using Ration.Devices.Cpu;
using Ration.Inference;
using Ration.Planning;

namespace Ration.Cli.Commands;

/// <summary><c>ration plan generate</c>: says what generating would take, and starts nothing.</summary>
internal static class PlanGenerateCommand
{
    private const int DefaultPromptTokens = 512;
    private static readonly Option<int?> s_promptTokens = OptionFactory.Number<int>("--prompt-tokens", "N", "Tokens of the prompt (default 512, or fewer where --context is short).");
    private static readonly Option<int?> s_maxTokens = OptionFactory.Number<int>("--max-tokens", "N", "Tokens to generate after it (default 200).");

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
        int most = parsed.GetValue(s_maxTokens) ?? GenerateCommand.DefaultMaxTokens;
        int prompt = parsed.GetValue(s_promptTokens) ?? (inference.ReadContext(parsed) is not { } room ? DefaultPromptTokens
            : Math.Clamp(parsed.GetValue(s_maxTokens) is null ? room / 2 : room - most, 1, DefaultPromptTokens));
        if (prompt is < 1 or > 1 << 24) throw new InvalidInputException($"--prompt-tokens {prompt}: give 1 to 16,777,216");
        if (most is < 1 or > 1 << 24) throw new InvalidInputException($"--max-tokens {most}: give 1 to 16,777,216");
        LanguageModelOptions options = inference.Read(parsed);
        InferenceArguments.RequireRoom(options.Context, prompt);
        options = options with { PromptTokens = prompt, MaxTokens = most };
        GenerationPlan plan;
        MemoryBudgetException? refusal = null;
        try
        {
            plan = Make(parsed, options);
        }
        catch (MemoryBudgetException e)
        {
            // What is shown instead is the plan of the smallest budget.
            refusal = e;
            plan = Make(parsed, options with { Memory = e.Smallest });
        }

        InferenceArguments.NoteRoom(plan.Options.Model, options.Context, prompt, most);
        MachineRates rates = KeptRates.Measure(options.Threads);
        if (parsed.GetValue(CommonOptions.Json)) GenerationPlanOutput.WriteJson(plan, rates, refusal);
        else if (refusal is null) GenerationPlanOutput.WriteText(plan, rates);
        return refusal is null ? ExitCode.Done : throw refusal;
    }

    // A preset has no files; its weights are as training would save them.
    private static GenerationPlan Make(ParseResult parsed, LanguageModelOptions options)
    {
        string model = parsed.GetValue(CommonOptions.Model) ?? throw new InvalidInputException("--model is missing; give a model folder or file, or a preset such as preset:nano");
        if (!model.StartsWith(ModelSource.PresetPrefix, StringComparison.OrdinalIgnoreCase))
        {
            using LanguageModelSource source = CommonOptions.OpenLanguageModel(parsed);
            return source.Plan(options);
        }

        if (parsed.GetValue(CommonOptions.BaseModel) is { } adapted) throw new InvalidInputException($"--base-model {adapted}: {model} is no adapter; leave it out");
        CpuDevice device = new(options.Threads);
        return GenerationPlan.Create(options.ForPlan(ModelSource.Open(model).Configuration), device);
    }
}
