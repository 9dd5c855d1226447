using System.Text;

namespace Ration.Training;

/// <summary>Writes a plan's report as text for terminals and logs.</summary>
internal static class PlanTable
{
    private const int NameWidth = 20;
    private const int BarWidth = 30;
    private const int LongestChoice = 26;

    // What stands before a bar, and what a reason needs beside a choice; else it has lines to itself.
    private const int BeforeBar = NameWidth + 26, ReasonWidth = 30;

    /// <summary>Columns of a log, and at most of a terminal.</summary>
    public const int Widest = 100;

    private const int Narrowest = BeforeBar + 4;

    /// <summary>The whole report; lines end with a line feed, the last one too.</summary>
    /// <param name="report">The report.</param>
    /// <param name="width">Columns that there are; no more than <see cref="Widest"/> are used, and some 50 are needed.</param>
    public static string Write(PlanReport report, int width = Widest)
    {
        width = Math.Clamp(width, Narrowest, Widest);
        StringBuilder text = new();
        Heading(text, report, width);
        Memory(text, report.Rows, report.PlannedPeakBytes, report.BudgetBytes, width);
        Peak(text, report, width);
        Choices(text, report.Choices, width);
        return text.ToString();
    }

    private static void Heading(StringBuilder text, PlanReport report, int width)
    {
        TrainingOptions options = report.Plan.Options;
        string rows = $"({PlanNumbers.Plural(options.Rows, "row")} of {PlanNumbers.Whole(options.Sequence)})";
        Wrap(text, $"{options.Model.Name}: {PlanNumbers.Count(report.Parameters)} parameters, {PlanNumbers.Plural(report.TokensPerStep, "token")} a step {rows}", 0, width);
        Wrap(text, $"predicted {PlanNumbers.Seconds(report.StepSeconds)} a step, {PlanNumbers.ThreeDigits(report.TokensPerSecond)} tokens/s, from {PlanNumbers.Source(report.Rates)}", 0, width);
        text.Append('\n');
    }

    /// <summary>Bytes by purpose, with their sum and the budget.</summary>
    internal static void Memory(StringBuilder text, IReadOnlyList<PlanRow> rows, long plannedPeakBytes, long budgetBytes, int width = Widest)
    {
        double largest = rows.Max(static r => r.Share);
        Line(text, "memory at the peak", "bytes", "share", "");
        foreach (PlanRow row in rows)
        {
            if (row.Bytes == 0) continue;
            int bar = Math.Max(1, (int)Math.Round(Math.Min(BarWidth, width - BeforeBar) * row.Share / largest));
            Line(text, row.Name, PlanNumbers.Bytes(row.Bytes), PlanNumbers.Share(row.Share), new string('#', bar));
        }

        text.Append("  ").Append('-', NameWidth + 22).Append('\n');
        Line(text, "planned peak", PlanNumbers.Bytes(plannedPeakBytes), "", "");
        Line(text, "budget", PlanNumbers.Bytes(budgetBytes), PlanNumbers.Share((double)plannedPeakBytes / budgetBytes), "used");
        text.Append('\n');
    }

    private static void Peak(StringBuilder text, PlanReport report, int width)
    {
        if (report.Peak is not { } peak) return;
        string pass = peak.Pass.ToString().ToLowerInvariant();
        Wrap(text, $"the peak is reached in the {pass} pass{(peak.Scope.Length > 0 ? " at " + peak.Scope : "")}: {peak.Operation}", 0, width);
        text.Append("the largest that come and go:\n");
        foreach (PlanBuffer buffer in report.Largest.Where(static b => !b.Persistent).Take(6))
        {
            string count = buffer.Count == 1 ? "" : $"{PlanNumbers.Whole(buffer.Count)} x ";
            text.Append("  ").Append(PlanNumbers.Bytes(buffer.Bytes).PadLeft(10)).Append("  ");
            Wrap(text, $"{count}{buffer.Name} ({PlanReport.NameOf(buffer.Kind)})", 14, width);
        }

        text.Append($"lost between buffers: {PlanNumbers.Share(report.Fragmentation)}\n\n");
    }

    /// <summary>Choices with their reasons.</summary>
    internal static void Choices(StringBuilder text, IReadOnlyList<PlanReason> choices, int width = Widest)
    {
        if (choices.Count == 0) return;
        int name = choices.Max(static c => c.Name.Length), choice = choices.Select(static c => c.Choice.Length).Where(static n => n <= LongestChoice).DefaultIfEmpty(0).Max();
        int indent = 2 + name + 2 + choice + 2;
        bool isNarrow = indent > width - ReasonWidth;
        if (isNarrow) indent = 4;
        foreach (PlanReason reason in choices)
        {
            text.Append("  ").Append(reason.Name.PadRight(name + 2));
            // One that is long has lines to itself.
            if (isNarrow || reason.Choice.Length > choice)
            {
                Wrap(text, reason.Choice, 2 + name + 2, width);
                text.Append(' ', indent);
            }
            else
            {
                text.Append(reason.Choice.PadRight(choice + 2));
            }

            Wrap(text, reason.Reason, indent, width);
        }
    }

    private static void Wrap(StringBuilder text, string sentence, int indent, int width)
    {
        int column = indent;
        foreach (string word in sentence.Split(' '))
        {
            if (column > indent && column + word.Length > width)
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
