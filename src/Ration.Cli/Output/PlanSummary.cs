using Ration.Memory;
using Ration.Planning;
using Ration.Training;

namespace Ration.Cli.Output;

/// <summary>A plan in a few lines.</summary>
internal static class PlanSummary
{
    private static readonly (MemoryKind Kind, string Name)[] s_kinds =
    [
        (MemoryKind.Weights, "weights"), (MemoryKind.Gradients, "gradients"), (MemoryKind.OptimizerState, "optimizer state"),
        (MemoryKind.Activations, "activations"), (MemoryKind.KvCache, "KV cache"), (MemoryKind.Inputs, "inputs"), (MemoryKind.Workspace, "workspace"),
    ];

    /// <summary>What is said before a run.</summary>
    public static void Write(TrainingPlan plan)
    {
        TrainingOptions options = plan.Options;
        Log.Line(
            $"{options.Model.Name}: {options.Model.Parameters:N0} parameters, {Counted.Of(options.Steps, "step")} of {Counted.Of(options.BatchTokens, "token")} in "
            + $"rows of {options.Sequence:N0}, {plan.Device.Description}");
        Log.Line($"memory: {new ByteSize(plan.PlannedPeakBytes)} of {new ByteSize(plan.BudgetBytes)} ({Parts(plan.Program.Timeline, plan.RuntimeBytes)})");
        foreach (PlanReason reason in plan.Reasons) Log.Line($"  {reason.Name}: {reason.Choice}; {reason.Reason}");
    }

    /// <summary>What is in memory at the peak, by kind.</summary>
    public static string Parts(MemoryTimeline timeline, long runtimeBytes)
    {
        IEnumerable<string> parts = s_kinds.Where(k => timeline.AtPeak(k.Kind) > 0).Select(k => $"{k.Name} {new ByteSize(timeline.AtPeak(k.Kind))}");
        return string.Join(", ", parts.Append($"runtime {new ByteSize(runtimeBytes)}"));
    }
}
