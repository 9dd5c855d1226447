using System.Globalization;
using Ration.Inference;
using Ration.Memory;
using Ration.Planning;
using Ration.Training;

namespace Ration.Cli.Output;

/// <summary>What <c>ration plan generate</c> says.</summary>
internal static class GenerationPlanOutput
{
    /// <summary>Writes the plan for people.</summary>
    public static void WriteText(GenerationPlan plan, MachineRates rates)
    {
        using StreamWriter stdout = StandardOutput.OpenBuffered();
        void Line(string line) => stdout.WriteLine(WordWrap.ForOutput(line));
        GenerationOptions options = plan.Options;
        Line(
            $"{options.Model.Name}: {Number(options.Model.Parameters)} parameters, a prompt of {Counted.Of(options.PromptTokens, "token")} and {options.MaxTokens:N0} "
            + $"after it, {plan.Choices.Context:N0} of context, {plan.Device.Description}");
        Line($"predicted: prompt {Rate(plan.PrefillTokensPerSecond(rates))} tokens/s, then {Rate(plan.DecodeTokensPerSecond(rates))} tokens/s");
        Line($"memory: {new ByteSize(plan.PlannedPeakBytes)} of {new ByteSize(plan.BudgetBytes)} ({PlanSummary.Parts(Peak(plan), plan.RuntimeBytes)})");
        foreach (PlanReason reason in plan.Reasons) Line($"  {reason.Name}: {reason.Choice}; {reason.Reason}");
    }

    /// <summary>Writes the plan for programs.</summary>
    /// <param name="plan">The plan; where nothing fits, that of the smallest budget.</param>
    /// <param name="rates">What the machine does in a second.</param>
    /// <param name="refusal">Why nothing fits, or null.</param>
    public static void WriteJson(GenerationPlan plan, MachineRates rates, MemoryBudgetException? refusal) => StandardOutput.WriteJson(json =>
    {
        double decode = plan.DecodeTokensPerSecond(rates);
        json.Flag("fits", refusal is null);
        PlanJson.WriteBudget(json, plan.BudgetBytes, refusal);
        json.Number("plannedPeakBytes", plan.PlannedPeakBytes);
        PlanJson.WriteMemory(json, Peak(plan), plan.RuntimeBytes, plan.PlannedPeakBytes);
        json.Number("predictedTokensPerSecond", decode);
        json.Number("predictedStepSeconds", plan.Options.Rows / decode);
        json.Number("predictedPrefillTokensPerSecond", plan.PrefillTokensPerSecond(rates));
        json.Object("choices", choices =>
        {
            choices.Number("chunk", plan.Choices.Chunk);
            choices.Text("cache", plan.Choices.CacheType.ToString());
            choices.Text("weights", plan.Choices.WeightType?.ToString() ?? "stored");
            choices.Number("context", plan.Choices.Context);
            choices.Number("streamedBlocks", plan.Choices.StreamedBlocks);
            choices.Number("threads", plan.Options.Threads);
        });
        json.Counts("otherTypes", plan.OtherWeightTypes);
        json.Number("parameters", plan.Options.Model.Parameters);
    });

    private static MemoryTimeline Peak(GenerationPlan plan) => plan.Programs.All.MaxBy(static p => p.ArenaBytes)!.Timeline;

    private static string Rate(double rate) => rate.ToString(rate < 10 ? "0.##" : "N0", CultureInfo.InvariantCulture);

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
