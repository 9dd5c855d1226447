using System.Globalization;
using System.Text;

namespace Ration.Training.Page;

/// <summary>
/// Draws memory over time: areas in a stretched SVG, and text in HTML above it, so that letters keep their size on any screen.
/// </summary>
/// <param name="report">The plan.</param>
/// <param name="all">Its moments.</param>
internal sealed class PlanChart(PlanReport report, PlanLayers all)
{
    private const int Width = 1000;
    private const int Height = 400;
    private const double LabelWidth = 0.16;
    private const double LabelHeight = 0.055;

    // A pass narrower than this has no room for its name; the last one's name then ends where the chart ends.
    private const double NarrowPass = 0.06;

    // A budget far above the peak would flatten the chart; then it is told in words.
    private const double FarAbove = 2;

    /// <summary>A chart of some layers.</summary>
    /// <param name="page">Where to write.</param>
    /// <param name="layers">From the bottom up.</param>
    /// <param name="whole">Whether these are all layers, so that the budget and the peak mean something.</param>
    /// <param name="description">What is to be seen, for those who do not see it.</param>
    public void Write(StringBuilder page, IReadOnlyList<PlanLayer> layers, bool whole, string description)
    {
        long most = Enumerable.Range(0, all.Moments.Count).Max(m => PlanLayers.SumAt(layers, m));
        bool showsBudget = whole && report.BudgetBytes <= FarAbove * most;
        double top = Math.Max(most, showsBudget ? report.BudgetBytes : 0) * (whole ? 1.1 : 1.04);
        page.Append("<div class=\"axes\">");
        Passes(page);
        page.Append(CultureInfo.InvariantCulture, $"<div class=\"plot{(whole ? "" : " small")}\" tabindex=\"0\">\n<svg viewBox=\"0 0 {Width} {Height}\" preserveAspectRatio=\"none\" role=\"img\">")
            .Append("<title>").Append(PlanPage.Escape(description)).Append("</title>\n");
        foreach ((double at, _) in PlanNumbers.ByteTicks((long)top)) Line(page, "", 0, Width, Y(at, top), Y(at, top));
        Areas(page, layers, top);
        foreach (PlanSpan pass in report.Moments.Passes().Skip(1)) Line(page, "pass", pass.Start * Width, pass.Start * Width, 0, Height);
        if (showsBudget) Line(page, "budget", 0, Width, Y(report.BudgetBytes, top), Y(report.BudgetBytes, top));
        double peakX = (all.Moments[all.Peak].X + all.EndOf(all.Peak)) / 2, peakBytes = PlanLayers.SumAt(layers, all.Peak);
        if (whole) Line(page, "peak", peakX * Width, peakX * Width, Y(peakBytes, top), Height);
        page.Append("</svg>\n");
        foreach ((double at, string label) in PlanNumbers.ByteTicks((long)top)) page.Append($"<span class=\"tick\" style=\"bottom:{Percent(at / top)}\">{label}</span>");
        foreach (PlanLayer layer in layers) Label(page, layers, layer, top);
        if (whole) Notes(page, showsBudget, peakX, peakBytes, top);
        page.Append("<div class=\"cross\"></div></div>\n<div class=\"times\">");
        foreach ((double at, string label) in PlanNumbers.TimeTicks(report.Moments.End))
        {
            if (at < 0.97 * report.Moments.End) page.Append($"<span style=\"left:{Percent(at / report.Moments.End)}\">{label}</span>");
        }

        page.Append("</div></div>\n");
    }

    private void Passes(StringBuilder page)
    {
        page.Append("<div class=\"passes\">");
        foreach (PlanSpan pass in report.Moments.Passes())
        {
            double share = pass.End - pass.Start;
            bool tail = share < NarrowPass && pass.End > 1 - (NarrowPass / 2);
            string place = tail ? "right:0" : $"left:{Percent(pass.Start)};width:{Percent(share)}";
            page.Append($"<span{(tail ? " class=\"tail\"" : "")} style=\"{place}\" title=\"{PlanPage.Escape(pass.Name)}\">{(share < NarrowPass && !tail ? "" : PlanPage.Escape(pass.Name))}</span>");
        }

        page.Append("</div>");
        IReadOnlyList<PlanSpan> blocks = report.Moments.Blocks();
        if (blocks.Count is < 2 or > 800) return;
        page.Append(CultureInfo.InvariantCulture, $"<svg class=\"blocks\" viewBox=\"0 0 {Width} 1\" preserveAspectRatio=\"none\" role=\"img\"><title>blocks of the model</title>");
        foreach (PlanSpan block in blocks)
        {
            double gap = Math.Min(1.6, 0.3 * Width * (block.End - block.Start));
            page.Append($"<rect x=\"{Number(block.Start * Width)}\" y=\"0\" width=\"{Number((block.End - block.Start) * Width - gap)}\" height=\"1\"><title>block {block.Name}</title></rect>");
        }

        page.Append("</svg>\n");
    }

    private void Areas(StringBuilder page, IReadOnlyList<PlanLayer> layers, double top)
    {
        double[] floor = new double[all.Moments.Count];
        foreach (PlanLayer layer in layers)
        {
            double[] ceiling = new double[floor.Length];
            for (int i = 0; i < floor.Length; i++) ceiling[i] = floor[i] + layer.Bytes[i];
            page.Append($"<path class=\"area\" fill=\"var(--{layer.Key})\" d=\"M0 {Number(Y(ceiling[0], top))}");
            for (int i = 0; i < floor.Length; i++) Corner(page, ceiling, i, i + 1, all.EndOf(i), top);
            page.Append($"V{Number(Y(floor[^1], top))}");
            for (int i = floor.Length - 1; i >= 0; i--) Corner(page, floor, i, i - 1, all.Moments[i].X, top);
            page.Append("Z\"/>\n");
            floor = ceiling;
        }
    }

    // Along one moment to its end, then up or down to the next; levels that go on unchanged need no corner.
    private static void Corner(StringBuilder page, double[] level, int at, int next, double x, double top)
    {
        bool last = next < 0 || next >= level.Length;
        if (!last && Number(Y(level[next], top)) == Number(Y(level[at], top))) return;
        page.Append($"H{Number(x * Width)}");
        if (!last) page.Append($"V{Number(Y(level[next], top))}");
    }

    // Where the area is thickest over the length of its name, if anywhere; not across the end of a pass if there is another place.
    private void Label(StringBuilder page, IReadOnlyList<PlanLayer> layers, PlanLayer layer, double top)
    {
        PlanLayer[] below = [.. layers.TakeWhile(l => l != layer)];
        double[] floor = [.. Enumerable.Range(0, all.Moments.Count).Select(m => (double)PlanLayers.SumAt(below, m))];
        IReadOnlyList<PlanSpan> passes = report.Moments.Passes();
        bool Crosses(double x) => passes.Any(p => p.Start > x && p.Start < x + LabelWidth);
        (double X, double Y)? place = Thickest(layer, floor, top, x => !Crosses(x)) ?? Thickest(layer, floor, top, static _ => true);
        if (place is not { } found) return;
        page.Append(
            $"<b class=\"on-{layer.Key}{(layer.Varies ? " varies" : "")}\" "
            + $"style=\"left:{Percent(found.X + 0.012)};bottom:{Percent(found.Y / top)}\">{PlanPage.Escape(PlanPage.Title(layer.Name))}</b>");
    }

    private (double X, double Y)? Thickest(PlanLayer layer, double[] floor, double top, Func<double, bool> allowed)
    {
        double best = LabelHeight * top;
        (double X, double Y)? place = null;
        for (int first = 0; first < floor.Length && all.Moments[first].X + LabelWidth <= 1; first++)
        {
            double x = all.Moments[first].X, low = 0, high = double.MaxValue;
            if (!allowed(x)) continue;
            for (int i = first; i < floor.Length && all.Moments[i].X < x + LabelWidth; i++)
            {
                low = Math.Max(low, floor[i]);
                high = Math.Min(high, floor[i] + layer.Bytes[i]);
            }

            if (high - low <= best * 1.02) continue;
            best = high - low;
            place = (x, (low + high) / 2);
        }

        return place;
    }

    private void Notes(StringBuilder page, bool showsBudget, double peakX, double peakBytes, double top)
    {
        bool right = peakX > 0.5;
        string budget = PlanNumbers.Bytes(report.BudgetBytes);
        string side = right ? "left:0" : "right:0";
        page.Append(showsBudget
            ? $"<span class=\"note budget\" style=\"{side};bottom:calc({Percent(report.BudgetBytes / top)} + 4px)\">budget {budget}</span>"
            : $"<span class=\"note budget\" style=\"{side};top:4px\">budget {budget}, far above</span>");
        string position = right ? $"right:calc({Percent(1 - peakX)} - 6px)" : $"left:calc({Percent(peakX)} - 6px)";
        string where = report.Peak is { Scope.Length: > 0 } peak ? $"<span> in {PlanPage.Escape(peak.Scope)}</span>" : "";
        page.Append($"<span class=\"dot\" style=\"left:{Percent(peakX)};bottom:{Percent(peakBytes / top)}\"></span>")
            .Append($"<span class=\"note peak\" style=\"{position};bottom:calc({Percent(peakBytes / top)} + 10px)\">peak {PlanNumbers.Bytes((long)peakBytes)}{where}</span>");
    }

    private static void Line(StringBuilder page, string name, double x1, double x2, double y1, double y2) => page.Append(
        $"<line{(name.Length > 0 ? $" class=\"{name}\"" : "")} x1=\"{Number(x1)}\" x2=\"{Number(x2)}\" y1=\"{Number(y1)}\" y2=\"{Number(y2)}\"/>");

    private static double Y(double bytes, double top) => Height * (1 - (bytes / top));

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("0.###", CultureInfo.InvariantCulture) + "%";
}
