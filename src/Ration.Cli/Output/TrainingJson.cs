using System.Text.Json;
using Ration.Memory;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Training;

namespace Ration.Cli.Output;

/// <summary>What a training run came to.</summary>
/// <param name="Plan">Its plan.</param>
/// <param name="Result">Its result.</param>
/// <param name="Output">The folder of the model.</param>
internal sealed record TrainingOutcome(TrainingPlan Plan, TrainingResult Result, string Output)
{
    /// <summary>Peak of the process, read when the run ended.</summary>
    public long MeasuredPeakBytes { get; } = MeasuredMemory.PeakResidentBytes();
}

/// <summary>The JSON of <c>ration train</c>.</summary>
internal static class TrainingJson
{
    /// <summary>Writes it.</summary>
    public static void Write(TrainingOutcome outcome) => StandardOutput.WriteJson(json =>
    {
        (TrainingPlan plan, TrainingResult result) = (outcome.Plan, outcome.Result);
        long parameters = plan.Options.Model.Parameters;
        json.Number("parameters", parameters);
        json.Number("trainableParameters", parameters);
        json.Number("steps", result.StepsDone);
        json.Number("stepsNow", result.StepsNow);
        json.Number("tokens", result.Tokens);
        json.Number("trainLoss", result.TrainLoss);
        json.Number("trainLossSteps", result.TrainLossSteps);
        json.Number("evalLoss", result.EvaluationLoss);
        json.Number("evalPerplexity", Math.Exp(result.EvaluationLoss));
        json.Number("evalTokens", result.EvaluationTokens);
        json.Number("tokensPerSecond", result.TokensPerSecond);
        json.Number("seconds", result.Seconds);
        json.Number("budgetBytes", plan.BudgetBytes);
        json.Number("plannedPeakBytes", plan.PlannedPeakBytes);
        json.Number("measuredPeakBytes", outcome.MeasuredPeakBytes);
        PlanJson.WriteMemory(json, plan.Program.Timeline, plan.RuntimeBytes, plan.PlannedPeakBytes);
        PlanJson.WriteChoices(json, plan);
        json.Flag("interrupted", result.Interrupted);
        json.Text("output", outcome.Output);
    });
}

/// <summary>The JSON of <c>ration plan</c>, and the parts that it shares with others.</summary>
internal static class PlanJson
{
    /// <summary>Writes it.</summary>
    /// <param name="plan">The plan; where nothing fits, that of the smallest budget.</param>
    /// <param name="rates">What the machine does in a second.</param>
    /// <param name="refusal">Why nothing fits, or null.</param>
    public static void Write(TrainingPlan plan, MachineRates rates, MemoryBudgetException? refusal) => StandardOutput.WriteJson(json =>
    {
        double seconds = plan.PredictedStepSeconds(rates);
        json.Flag("fits", refusal is null);
        WriteBudget(json, plan.BudgetBytes, refusal);
        json.Number("plannedPeakBytes", plan.PlannedPeakBytes);
        WriteMemory(json, plan.Program.Timeline, plan.RuntimeBytes, plan.PlannedPeakBytes);
        json.Number("predictedTokensPerSecond", plan.Options.BatchTokens / seconds);
        json.Number("predictedStepSeconds", seconds);
        WriteChoices(json, plan);
        json.Number("parameters", plan.Options.Model.Parameters);
    });

    /// <summary>What there was, and where nothing fits it the smallest budget that something fits.</summary>
    public static void WriteBudget(JsonObject json, long budgetBytes, MemoryBudgetException? refusal)
    {
        if (refusal is not null) json.Number("smallestBudgetBytes", refusal.Smallest.Bytes);
        json.Number("budgetBytes", refusal?.Budget.Bytes ?? budgetBytes);
    }

    /// <summary>Bytes by kind when the step is at its peak, what the process needs besides, and the rest of the planned peak: alignment,
    /// gaps, and what another program needs beyond this one.</summary>
    public static void WriteMemory(JsonObject json, MemoryTimeline timeline, long runtimeBytes, long plannedPeakBytes) => json.Object("memory", memory =>
    {
        long rest = plannedPeakBytes - runtimeBytes;
        foreach (MemoryKind kind in Enum.GetValues<MemoryKind>())
        {
            memory.Number(JsonNamingPolicy.CamelCase.ConvertName(kind.ToString()), timeline.AtPeak(kind));
            rest -= timeline.AtPeak(kind);
        }

        memory.Number("runtime", runtimeBytes);
        memory.Number("other", rest);
    });

    /// <summary>What was decided, by machine-readable names.</summary>
    public static void WriteChoices(JsonObject json, TrainingPlan plan) => json.Object("choices", choices =>
    {
        choices.Number("microBatchRows", plan.Choices.MicroBatchRows);
        choices.Text("recompute", plan.Choices.Recompute.ToString());
        choices.Text("activations", plan.Choices.Activations.Name);
        choices.Number("mlpTiles", plan.Choices.MlpTiles);
        choices.Flag("releaseGradients", plan.Choices.Release);
        choices.Text("headGradient", plan.Choices.HeadGradient.Name());
        choices.Text("optimizer", plan.Options.Optimizer.Name);
        choices.Text("state", plan.StoredState.Name());
        choices.Text("weights", plan.Options.Step.Weights.Name());
        choices.Text("products", plan.Options.Products.Name());
        choices.Number("batch", plan.Options.BatchTokens);
        choices.Number("sequence", plan.Options.Sequence);
        choices.Number("learningRate", plan.Options.PeakLearningRate);
        choices.Number("threads", plan.Options.Threads);
    });
}
