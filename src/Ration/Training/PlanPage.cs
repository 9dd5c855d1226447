using System.Net;
using System.Text;
using Ration.Training.Page;

namespace Ration.Training;

/// <summary>
/// Writes a plan's report as one page that needs nothing else: no network, no script library, no font. It can be mailed, kept with a
/// run, and read without scripts.
/// </summary>
public static class PlanPage
{
    // The legend leaves out what is thinner than this share of the thickest area; the table and the pointer still tell it.
    private const double Visible = 0.001;

    /// <summary>Writes the page. Memory is proportional to the length of the page, well under a megabyte for any model.</summary>
    /// <param name="writer">Where to; encode it as UTF-8.</param>
    /// <param name="report">The plan.</param>
    public static void Write(TextWriter writer, PlanReport report)
    {
        PlanLayers? layers = report.Peak is null ? null : new PlanLayers(report);
        string name = Escape(report.Plan.Options.Model.Name);
        StringBuilder page = new();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n")
            .Append($"<title>{name}: memory plan</title>\n<style>\n").Append(Resource("PlanPage.css")).Append("</style>\n</head>\n<body>\n<main>\n");
        Heading(page, report, name);
        Whole(page, report);
        Kinds(page, report);
        if (layers is not null)
        {
            Charts(page, report, layers);
            Peak(page, report);
        }

        Choices(page, report);
        Footer(page, report);
        page.Append("</main>\n");
        if (layers is not null)
        {
            page.Append("<div id=\"tip\" role=\"status\"></div>\n<script type=\"application/json\" id=\"moments\">").Append(PlanData.Write(report, layers))
                .Append("</script>\n<script>/*<![CDATA[*/\n").Append(Resource("PlanPage.js")).Append("/*]]>*/</script>\n");
        }

        page.Append("</body>\n</html>\n");
        writer.Write(page);
    }

    /// <summary>Text that is safe between tags and in quoted attributes, in HTML and in XML.</summary>
    internal static string Escape(string text)
    {
        if (text.Any(static c => char.IsControl(c) || c is '\uFFFE' or '\uFFFF')) text = string.Concat(text.Select(static c => char.IsControl(c) || c is '\uFFFE' or '\uFFFF' ? '\uFFFD' : c));
        return WebUtility.HtmlEncode(text);
    }

    private static void Heading(StringBuilder page, PlanReport report, string name)
    {
        TrainingOptions options = report.Plan.Options;
        double used = (double)report.PlannedPeakBytes / report.BudgetBytes;
        page.Append("<header>\n<p class=\"eyebrow\">Ration · memory plan of a training step</p>\n").Append($"<h1>{name}</h1>\n")
            .Append($"<p class=\"quiet\">{PlanNumbers.Plural(report.TokensPerStep, "token")} a step in {PlanNumbers.Plural(options.Rows, "row")} of {PlanNumbers.Whole(options.Sequence)}, ")
            .Append($"{Escape(options.Optimizer.Name)}, {Escape(report.Plan.Device.Description)}</p>\n</header>\n<dl class=\"figures\">\n");
        Figure(page, "Planned peak", PlanNumbers.Bytes(report.PlannedPeakBytes), $"{PlanNumbers.Share(used)} of the budget of {PlanNumbers.Bytes(report.BudgetBytes)}");
        Figure(page, "Predicted step", PlanNumbers.Seconds(report.StepSeconds), $"{PlanNumbers.Whole(report.Plan.Options.Steps)} steps: {PlanNumbers.Seconds(report.StepSeconds * options.Steps)}");
        Figure(page, "Predicted speed", PlanNumbers.ThreeDigits(report.TokensPerSecond), "tokens a second");
        Figure(page, "Parameters", PlanNumbers.Count(report.Parameters), $"{PlanNumbers.Plural(options.Model.Layers, "block")}, {PlanNumbers.Whole(options.Model.Width)} wide");
        page.Append("</dl>\n");
    }

    private static void Figure(StringBuilder page, string name, string number, string note) =>
        page.Append($"<div><dt>{name}</dt><dd>{number}<small>{note}</small></dd></div>\n");

    // The budget as one bar, filled by purpose.
    private static void Whole(StringBuilder page, PlanReport report)
    {
        long scale = Math.Max(report.BudgetBytes, report.PlannedPeakBytes);
        page.Append("<div class=\"whole\" role=\"img\" aria-label=\"the budget and what fills it\">");
        foreach (PlanRow row in report.Rows.Where(static r => r.Bytes > 0))
            page.Append(
                $"<i title=\"{row.Name} {PlanNumbers.Bytes(row.Bytes)}\" "
                + $"style=\"width:{PlanNumbers.Invariant($"{100.0 * row.Bytes / scale:0.###}")}%;background:var(--{PlanLayer.KeyOf(row.Name)})\"></i>");
        long free = report.BudgetBytes - report.PlannedPeakBytes;
        page.Append($"</div>\n<div class=\"ends\"><span>0</span><span>{PlanNumbers.Bytes(free)} of {PlanNumbers.Bytes(report.BudgetBytes)} left free</span></div>\n");
    }

    private static void Kinds(StringBuilder page, PlanReport report)
    {
        double largest = report.Rows.Max(static r => r.Share);
        page.Append("<table>\n<thead><tr><th>At the peak</th><th class=\"number\">Memory</th><th class=\"number\">Share</th><th class=\"bar\"></th></tr></thead>\n<tbody>\n");
        foreach (PlanRow row in report.Rows.Where(static r => r.Bytes > 0).OrderByDescending(static r => r.Bytes))
        {
            string colour = $"background:var(--{PlanLayer.KeyOf(row.Name)})";
            page.Append(
                $"<tr><td><span class=\"swatch\" style=\"{colour}\"></span>{Title(row.Name)}</td><td class=\"number\" title=\"{PlanNumbers.Whole(row.Bytes)} "
                + $"bytes\">{PlanNumbers.Bytes(row.Bytes)}</td>")
                .Append(
                    $"<td class=\"number\">{Escape(PlanNumbers.Share(row.Share))}</td><td class=\"bar\"><i "
                    + $"style=\"width:{PlanNumbers.Invariant($"{100 * row.Share / largest:0.##}")}%;{colour}\"></i></td></tr>\n");
        }

        page.Append(
            $"</tbody>\n<tfoot><tr><td>Planned peak</td><td class=\"number\" title=\"{PlanNumbers.Whole(report.PlannedPeakBytes)} "
            + $"bytes\">{PlanNumbers.Bytes(report.PlannedPeakBytes)}</td><td class=\"number\">100 %</td><td class=\"bar\"></td></tr></tfoot>\n</table>\n");
    }

    private static void Charts(StringBuilder page, PlanReport report, PlanLayers layers)
    {
        PlanChart chart = new(report, layers);
        PlanLayer[] varying = [.. layers.All.Where(static l => l.Varies)];
        int repetitions = report.Plan.Program.Graph.Repetitions;
        page.Append(
            "<h2>Memory through one step</h2>\n<p class=\"quiet\">Every byte in use, against predicted time. Point at the chart, or use the arrow keys, "
            + "to see what runs and what it holds.</p>\n<figure>\n");
        chart.Write(page, layers.All, true, "memory in use through one step, by purpose");
        Legend(page, layers.All);
        if (repetitions > 1)
            page.Append(
                $"<figcaption>A step runs the forward and backward pass {PlanNumbers.Whole(repetitions)} times, "
                + $"once for each micro-batch of {PlanNumbers.Plural(report.Plan.Choices.MicroBatchRows, "row")}; they are drawn once.</figcaption>\n");
        page.Append("</figure>\n");
        if (varying.Length == 0) return;
        page.Append("<h2>What comes and goes</h2>\n<p class=\"quiet\">The same step without what stays the same from beginning to end.</p>\n<figure>\n");
        chart.Write(page, varying, false, "memory that comes and goes within the step, by purpose");
        Legend(page, varying);
        page.Append("</figure>\n");
    }

    private static void Legend(StringBuilder page, IReadOnlyList<PlanLayer> layers)
    {
        page.Append("<ul class=\"legend\">");
        long most = layers.Max(static l => l.Bytes.Max());
        foreach (PlanLayer layer in layers.Where(l => l.Bytes.Max() > most * Visible).Reverse())
            page.Append($"<li><span class=\"swatch\" style=\"background:var(--{layer.Key})\"></span>{Title(layer.Name)}</li>");
        page.Append("</ul>\n");
    }

    private static void Peak(StringBuilder page, PlanReport report)
    {
        PlanPeak peak = report.Peak!;
        string where = peak.Scope.Length > 0 ? $" at {peak.Scope}" : "";
        page.Append("<h2>At the peak</h2>\n")
            .Append(
                $"<p class=\"quiet\">{Escape($"Reached in the {peak.Pass.ToString().ToLowerInvariant()} pass{where}, by {peak.Operation}, {PlanNumbers.Seconds(peak.Seconds)} into the step. "
                + "The largest things in memory then:")}</p>\n<table>\n");
        Buffers(page, "Comes and goes", report.Largest.Where(static b => !b.Persistent));
        Buffers(page, "Stays from step to step", report.Largest.Where(static b => b.Persistent));
        page.Append("</table>\n");
    }

    private static void Buffers(StringBuilder page, string heading, IEnumerable<PlanBuffer> buffers)
    {
        page.Append($"<tbody>\n<tr><th>{heading}</th><th class=\"number\">How many</th><th class=\"number\">Memory</th></tr>\n");
        foreach (PlanBuffer buffer in buffers)
        {
            string key = PlanLayer.KeyOf(PlanReport.NameOf(buffer.Kind));
            page.Append(
                $"<tr><td class=\"name\"><span class=\"swatch\" style=\"background:var(--{key})\" "
                + $"title=\"{PlanReport.NameOf(buffer.Kind)}\"></span>{Escape(buffer.Name).Replace(".", ".<wbr/>", StringComparison.Ordinal)}</td>")
                .Append(
                    $"<td class=\"number\">{PlanNumbers.Whole(buffer.Count)}</td><td class=\"number\" title=\"{PlanNumbers.Whole(buffer.Bytes)} bytes\">{PlanNumbers.Bytes(buffer.Bytes)}</td></tr>\n");
        }

        page.Append("</tbody>\n");
    }

    private static void Choices(StringBuilder page, PlanReport report)
    {
        page.Append("<h2>Why this plan</h2>\n<dl class=\"choices\">\n");
        foreach (PlanReason reason in report.Choices)
            page.Append($"<div><dt>{Escape(Title(reason.Name))}</dt><dd class=\"choice\">{Escape(reason.Choice)}</dd><dd>{Escape(reason.Reason)}</dd></div>\n");
        page.Append("</dl>\n");
    }

    private static void Footer(StringBuilder page, PlanReport report) => page
        .Append($"<footer>Bytes are placed before the step runs and are exact; {Escape(PlanNumbers.Share(report.Fragmentation))} of what comes and goes is lost between buffers. ")
        .Append($"Times are predicted from {PlanNumbers.Source(report.Rates)}.</footer>\n");

    /// <summary>With a capital first.</summary>
    internal static string Title(string name) => name.Length == 0 ? name : char.ToUpperInvariant(name[0]) + name[1..];

    private static string Resource(string name)
    {
        using Stream stream = typeof(PlanPage).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"the library lacks its resource {name}");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
