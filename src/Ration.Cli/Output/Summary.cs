using Ration.Memory;
using Ration.Training;

namespace Ration.Cli.Output;

/// <summary>The end of a training run in a few lines.</summary>
internal static class Summary
{
    /// <summary>Writes it to standard error.</summary>
    public static void Write(TrainingOutcome outcome)
    {
        (TrainingPlan plan, TrainingResult result) = (outcome.Plan, outcome.Result);
        string evaluation = result.EvaluationTokens == 0
            ? "no held-out text to evaluate on"
            : $"held-out loss {result.EvaluationLoss:0.0000}, perplexity {Math.Exp(result.EvaluationLoss):0.000} on {Counted.Of(result.EvaluationTokens, "token")}";
        if (result.StepsNow == 0)
        {
            Log.Line($"the run was complete already ({Counted.Of(result.StepsDone, "step")}): nothing was trained; --model {outcome.Output} with another --output trains the model further");
            Log.Line(evaluation);
            return;
        }

        string resumed = result.StepsNow < result.StepsDone ? $", {result.StepsNow:N0} of them now" : "";
        Log.Line(
            $"done: {Counted.Of(result.StepsDone, "step")}{resumed}, {Counted.Of(result.Tokens, "token")} in {Duration.Of(TimeSpan.FromSeconds(result.Seconds))}, "
            + $"{result.TokensPerSecond:N0} tokens/s in the median step");
        Log.Line($"training loss {result.TrainLoss:0.0000} over the last {(result.TrainLossSteps == 1 ? "step" : Counted.Of(result.TrainLossSteps, "step"))}; {evaluation}");
        Log.Line($"peak memory {new ByteSize(outcome.MeasuredPeakBytes)}, planned {new ByteSize(plan.PlannedPeakBytes)}, budget {new ByteSize(plan.BudgetBytes)}");
        Log.Line($"saved to {outcome.Output}");
    }
}

/// <summary>Times for people.</summary>
internal static class Duration
{
    /// <summary>Such as <c>42 s</c>, <c>3 min 5 s</c> or <c>2 h 40 min</c>.</summary>
    public static string Of(TimeSpan time) => time switch
    {
        { TotalSeconds: < 10 } => $"{time.TotalSeconds:0.0} s",
        { TotalSeconds: < 60 } => $"{time.TotalSeconds:0} s",
        { TotalMinutes: < 60 } => $"{(int)time.TotalMinutes} min {time.Seconds} s",
        _ => $"{(int)time.TotalHours} h {time.Minutes} min",
    };
}
