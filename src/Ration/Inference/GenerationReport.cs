using System.Text;
using Ration.Memory;
using Ration.Planning;
using Ration.Training;

namespace Ration.Inference;

/// <summary>A plan of generation in numbers, for people and for tools. Bytes are exact; times are predicted.</summary>
public sealed class GenerationReport
{
    private GenerationReport(GenerationPlan plan, MachineRates rates)
    {
        (Plan, Rates, Rows) = (plan, rates, RowsOf(plan));
        (PrefillTokensPerSecond, DecodeTokensPerSecond) = (plan.PrefillTokensPerSecond(rates), plan.DecodeTokensPerSecond(rates));
    }

    /// <summary>The plan.</summary>
    public GenerationPlan Plan { get; }

    /// <summary>Speeds that times are predicted from.</summary>
    public MachineRates Rates { get; }

    /// <summary>Bytes by purpose at the peak of the program that needs most; they add up to the planned peak.</summary>
    public IReadOnlyList<PlanRow> Rows { get; }

    /// <summary>Predicted tokens a second of long prompts, all texts together.</summary>
    public double PrefillTokensPerSecond { get; }

    /// <summary>Predicted tokens a second after the prompt with a full cache, all texts together.</summary>
    public double DecodeTokensPerSecond { get; }

    /// <summary>A report of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="rates">Speeds of the machine, measured or nominal.</param>
    public static GenerationReport Of(GenerationPlan plan, MachineRates rates) => new(plan, rates);

    /// <summary>The plan as a table of fixed width.</summary>
    public override string ToString()
    {
        GenerationOptions options = Plan.Options;
        StringBuilder text = new();
        text.Append(
            $"{options.Model.Name}: {PlanNumbers.Count(options.Model.Parameters)} parameters, {PlanNumbers.Plural(options.Rows, "text")} of up to "
            + $"{PlanNumbers.Plural(Plan.Choices.Context, "token")}\n");
        text.Append($"predicted {PlanNumbers.ThreeDigits(PrefillTokensPerSecond)} tokens/s of the prompt, {PlanNumbers.ThreeDigits(DecodeTokensPerSecond)} tokens/s after it\n\n");
        PlanTable.Memory(text, Rows, Plan.PlannedPeakBytes, Plan.BudgetBytes);
        PlanTable.Choices(text, Plan.Reasons);
        return text.ToString();
    }

    private static List<PlanRow> RowsOf(GenerationPlan plan)
    {
        StepProgram largest = plan.Programs.All.MaxBy(static p => p.ArenaBytes)!;
        double whole = plan.PlannedPeakBytes;
        PlanRow Row(string name, MemoryKind? kind, long bytes) => new(name, kind, bytes, whole > 0 ? bytes / whole : 0);
        List<PlanRow> rows = [.. Enum.GetValues<MemoryKind>().Select(kind => Row(PlanReport.NameOf(kind), kind, largest.Timeline.AtPeak(kind)))];
        rows.Add(Row("alignment and gaps", null, largest.ArenaBytes - rows.Sum(static r => r.Bytes)));
        rows.Add(Row("runtime", null, plan.RuntimeBytes));
        return rows;
    }
}
