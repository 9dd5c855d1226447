using System.Text;

namespace Ration.Training;

/// <summary>Writes a plan's report as text of fixed width, for terminals and logs.</summary>
internal static class PlanTable
{
    private const int NameWidth = 20;
    private const int BarWidth = 30;
    private const int LineWidth = 100;
    private const int LongestChoice = 26;

    /// <summary>The whole report; lines end with a line feed, the last one too.</summary>
    public static string Write(PlanReport report)
    {
        StringBuilder text = new();
        Heading(text, report);
        Memory(text, report.Rows, report.PlannedPeakBytes, report.BudgetBytes);
        Peak(text, report);
        Choices(text, report.Choices);
        return text.ToString();
    }

    private static void Heading(StringBuilder text, PlanReport report)
    {
        TrainingOptions options = report.Plan.Options;
        text.Append($"{options.Model.Name}: {PlanNumbers.Count(report.Parameters)} parameters, {PlanNumbers.Plural(report.TokensPerStep, "token")} a step")
            .Append($" ({PlanNumbers.Plural(options.Rows, "row")} of {PlanNumbers.Whole(options.Sequence)})\n");
        Wrap(text, $"predicted {PlanNumbers.Seconds(report.StepSeconds)} a step, {PlanNumbers.ThreeDigits(report.TokensPerSecond)} tokens/s, from {PlanNumbers.Source(report.Rates)}", 0);
        text.Append('\n');
    }

    /// <summary>Bytes by purpose, with their sum and the budget.</summary>
    internal static void Memory(StringBuilder text, IReadOnlyList<PlanRow> rows, long plannedPeakBytes, long budgetBytes)
    {
        double largest = rows.Max(static r => r.Share);
        Line(text, "memory at the peak", "bytes", "share", "");
        foreach (PlanRow row in rows)
        {
            if (row.Bytes == 0) continue;
            int bar = Math.Max(1, (int)Math.Round(BarWidth * row.Share / largest));
            Line(text, row.Name, PlanNumbers.Bytes(row.Bytes), PlanNumbers.Share(row.Share), new string('#', bar));
        }

        text.Append("  ").Append('-', NameWidth + 22).Append('\n');
        Line(text, "planned peak", PlanNumbers.Bytes(plannedPeakBytes), "", "");
        Line(text, "budget", PlanNumbers.Bytes(budgetBytes), PlanNumbers.Share((double)plannedPeakBytes / budgetBytes), "used");
        text.Append('\n');
    }

    private static void Peak(StringBuilder text, PlanReport report)
    {
        if (report.Peak is not { } peak) return;
        string pass = peak.Pass.ToString().ToLowerInvariant();
        Wrap(text, $"the peak is reached in the {pass} pass{(peak.Scope.Length > 0 ? " at " + peak.Scope : "")}: {peak.Operation}", 0);
        text.Append("the largest that come and go:\n");
        foreach (PlanBuffer buffer in report.Largest.Where(static b => !b.Persistent).Take(6))
        {
            string count = buffer.Count == 1 ? "" : $"{PlanNumbers.Whole(buffer.Count)} x ";
            text.Append("  ").Append(PlanNumbers.Bytes(buffer.Bytes).PadLeft(10)).Append("  ").Append(count).Append(buffer.Name)
                .Append(" (").Append(PlanReport.NameOf(buffer.Kind)).Append(")\n");
        }

        text.Append($"lost between buffers: {PlanNumbers.Share(report.Fragmentation)}\n\n");
    }

    /// <summary>Choices with their reasons.</summary>
    internal static void Choices(StringBuilder text, IReadOnlyList<PlanReason> choices)
    {
        if (choices.Count == 0) return;
        int name = choices.Max(static c => c.Name.Length), choice = choices.Select(static c => c.Choice.Length).Where(static n => n <= LongestChoice).DefaultIfEmpty(0).Max();
        int indent = 2 + name + 2 + choice + 2;
        foreach (PlanReason reason in choices)
        {
            text.Append("  ").Append(reason.Name.PadRight(name + 2));
            // One that is long has lines to itself.
            if (reason.Choice.Length > choice)
            {
                Wrap(text, reason.Choice, 2 + name + 2);
                text.Append(' ', indent);
            }
            else
            {
                text.Append(reason.Choice.PadRight(choice + 2));
            }

            Wrap(text, reason.Reason, indent);
        }
    }

    private static void Wrap(StringBuilder text, string sentence, int indent)
    {
        int column = indent;
        foreach (string word in sentence.Split(' '))
        {
            if (column > indent && column + word.Length > LineWidth)
            {
                text.Length--;
                text.Append('\n').Append(' ', indent);
                column = indent;
            }

            text.Append(word).Append(' ');
            column += word.Length + 1;
        }

        text.Length--;
        text.Append('\n');
    }

    private static void Line(StringBuilder text, string name, string bytes, string share, string bar) =>
        text.Append($"  {name.PadRight(NameWidth)}{bytes,12}{share,10}  {bar}".TrimEnd()).Append('\n');
}
