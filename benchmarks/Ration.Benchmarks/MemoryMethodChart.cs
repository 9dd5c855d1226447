using System.Globalization;
using System.Text;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// Draws runs of memory methods as an SVG: peak memory from left to right, speed upward, a point with a name for each. It is white with dark text,
/// so that it reads the same on any page, and needs no font and no script.
/// </summary>
internal sealed class MemoryMethodChart
{
    private const int Width = 1240, Height = 860, Left = 64, Right = 1216, Top = 128, Bottom = 800;
    private const double FontSize = 12, LineHeight = 15, DotRadius = 4.5;
    private const string Ink = "#1b1f24", Quiet = "#5c6370", Faint = "#e6e8eb", Leader = "#a3aab5";

    // Of each family the colour of its points, and a darker one for names, which are thin.
    private static readonly (MethodFamily Family, string Name, string Colour, string Dark)[] s_families =
    [
        (MethodFamily.Exact, "exact arrangements", "#6b7380", "#4b525c"), (MethodFamily.State, "state", "#2b66ac", "#1f5291"), (MethodFamily.Weights, "weights", "#9a4fa8", "#7a3687"),
        (MethodFamily.Activations, "activations and loss", "#e09a1a", "#8a5b00"), (MethodFamily.Rule, "update rules", "#2a9d7c", "#16694f"),
            (MethodFamily.Combination, "combinations", "#d4502a", "#a93a19"),
    ];

    private readonly (MemoryMethod Method, MemoryMethodRun Run)[] _runs;
    private readonly double _mostBytes, _leastShare, _mostShare;
    private readonly StringBuilder _svg = new();

    private MemoryMethodChart((MemoryMethod Method, MemoryMethodRun Run)[] runs)
    {
        _runs = runs;
        _mostBytes = 1.04 * runs.Max(static r => r.Run.MeasuredBytes);
        _leastShare = Math.Max(0, (Math.Floor((10 * runs.Min(static r => r.Run.Share)) - 0.5) / 10));
        _mostShare = (Math.Ceiling((10 * runs.Max(static r => r.Run.Share)) + 0.3) / 10) + 0.02;
    }

    /// <summary>Draws runs.</summary>
    /// <param name="runs">At least one; with those of one planner's quality from the least budget upward.</param>
    /// <param name="job">What was trained.</param>
    /// <returns>The text of the file.</returns>
    public static string Draw((MemoryMethod Method, MemoryMethodRun Run)[] runs, string job)
    {
        if (runs.Length == 0) throw new InvalidInputException("there is no run to draw");
        MemoryMethodChart chart = new(runs);
        chart.Head(job, runs.FirstOrDefault(static r => r.Method == MemoryMethod.Unconstrained, runs[0]).Run.TokensPerSecond);
        chart.Axes();
        List<Box> obstacles = chart.PlannerLines();
        chart.Names(obstacles);
        foreach ((MemoryMethod method, MemoryMethodRun run) in runs) chart.Mark(method, run);
        return chart._svg.Append("</svg>\n").ToString();
    }

    private void Head(string job, double speed)
    {
        _svg.Append(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, "
            + $"'Helvetica Neue', Arial, sans-serif\" font-size=\"{FontSize}\" fill=\"{Ink}\">\n")
            .Append("<title>Peak memory and speed of each memory method</title>\n").Append($"<rect width=\"{Width}\" height=\"{Height}\" fill=\"#ffffff\"/>\n");
        Text(Left, 38, "Peak memory against speed, one point a method", "font-size=\"20\" font-weight=\"650\"");
        Text(Left, 62, PlanNumbers.Invariant($"{job}; 100 % is the plan with nothing asked and plenty of memory, {PlanNumbers.ThreeDigits(speed)} tokens/s"), $"font-size=\"13\" fill=\"{Quiet}\"");
        double x = Left;
        foreach ((_, string name, string colour, _) in s_families)
        {
            _svg.Append($"<circle cx=\"{Number(x + DotRadius)}\" cy=\"90\" r=\"{Number(DotRadius)}\" fill=\"{colour}\"/>\n");
            Text(x + 15, 94, name, "");
            x += TextWidth(name) + 38;
        }

        Diamond(x + 5, 90, "the planner's choices by budget");
        Text(x + 16, 94, "the planner’s choices by budget, joined by quality", "");
    }

    private void Axes()
    {
        for (double share = _leastShare; share < _mostShare; share += 0.1)
        {
            _svg.Append($"<line x1=\"{Left}\" x2=\"{Right}\" y1=\"{Number(Y(share))}\" y2=\"{Number(Y(share))}\" stroke=\"{(Math.Abs(share - 1) < 1e-6 ? Leader : Faint)}\"/>\n");
            Text(Left - 9, Y(share) + 4, PlanNumbers.Invariant($"{100 * share:0} %"), $"text-anchor=\"end\" fill=\"{Quiet}\"");
        }

        foreach ((double at, string label) in PlanNumbers.ByteTicks((long)_mostBytes))
        {
            _svg.Append($"<line x1=\"{Number(X(at))}\" x2=\"{Number(X(at))}\" y1=\"{Top}\" y2=\"{Bottom}\" stroke=\"{Faint}\"/>\n");
            Text(X(at), Bottom + 20, label, $"text-anchor=\"middle\" fill=\"{Quiet}\"");
        }

        _svg.Append($"<line x1=\"{Left}\" x2=\"{Right}\" y1=\"{Bottom}\" y2=\"{Bottom}\" stroke=\"{Leader}\"/>\n");
        Text((Left + Right) / 2.0, Bottom + 44, "peak memory of the process, as the operating system counts it", $"text-anchor=\"middle\" fill=\"{Quiet}\"");
        Text(Left - 9, Top - 6, "speed", $"text-anchor=\"end\" fill=\"{Quiet}\"");
    }

    // Names keep off the lines too: each is given to the placement as a row of small boxes.
    private List<Box> PlannerLines()
    {
        List<Box> boxes = [];
        foreach (IGrouping<MethodFamily, (MemoryMethod Method, MemoryMethodRun Run)> quality in _runs.Where(static r => r.Method.IsPlanned).GroupBy(static r => r.Method.Family))
        {
            (double X, double Y)[] corners = [.. quality.Select(r => (X(r.Run.MeasuredBytes), Y(r.Run.Share)))];
            _svg.Append(
                $"<polyline points=\"{string.Join(' ', corners.Select(static c => $"{Number(c.X)},{Number(c.Y)}"))}\" fill=\"none\" stroke=\"{Ink}\" "
                + "stroke-width=\"1.6\" stroke-linejoin=\"round\"/>\n");
            boxes.AddRange(corners.Select(static c => new Box(c.X - 7, c.Y - 7, 14, 14)));
            foreach (((double X, double Y) a, (double X, double Y) b) in corners.Zip(corners.Skip(1)))
            {
                int pieces = 1 + (int)(Math.Sqrt(((b.X - a.X) * (b.X - a.X)) + ((b.Y - a.Y) * (b.Y - a.Y))) / 6);
                for (int i = 0; i <= pieces; i++) boxes.Add(new Box(a.X + (i * (b.X - a.X) / pieces) - 2, a.Y + (i * (b.Y - a.Y) / pieces) - 2, 4, 4));
            }
        }

        return boxes;
    }

    private void Names(List<Box> obstacles)
    {
        HashSet<MethodFamily> qualities = [];
        (MemoryMethod Method, MemoryMethodRun Run,
            string Name)[] named = [.. _runs.Where(r => !r.Method.IsPlanned || qualities.Add(r.Method.Family)).Select(static r => (r.Method, r.Run, NameOf(r.Method)))];
        Box[] places = new LabelPlacement(
            new Box(Left + 4, Top - 6, Right - Left + 12, Bottom - Top + 2),
                [.. named.Select(n => (X(n.Run.MeasuredBytes), Y(n.Run.Share), TextWidth(n.Name) * (IsBold(n.Method) ? 1.15 : 1), LineHeight))], obstacles).Place();
        for (int i = 0; i < named.Length; i++)
        {
            (double x, double y) = (X(named[i].Run.MeasuredBytes), Y(named[i].Run.Share));
            (double endX, double endY) = places[i].Nearest(x, y);
            if (Math.Sqrt(((endX - x) * (endX - x)) + ((endY - y) * (endY - y))) > 2.5 * DotRadius)
                _svg.Append($"<line x1=\"{Number(x)}\" y1=\"{Number(y)}\" x2=\"{Number(endX)}\" y2=\"{Number(endY)}\" stroke=\"{Leader}\" stroke-width=\"0.9\"/>\n");
        }

        for (int i = 0; i < named.Length; i++)
        {
            string look = IsBold(named[i].Method) ? "font-weight=\"650\"" : $"fill=\"{s_families.First(f => f.Family == named[i].Method.Family).Dark}\"";
            Text(places[i].Centre.X, places[i].Bottom - 3.5, named[i].Name, $"text-anchor=\"middle\" {look} stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\"");
        }
    }

    private static bool IsBold(MemoryMethod method) => method.IsPlanned || method == MemoryMethod.Unconstrained;

    private void Mark(MemoryMethod method, MemoryMethodRun run)
    {
        string note = PlanNumbers.Invariant($"{method.Name}: {run.MeasuredBytes / 1048576.0:#,0} MiB, {run.TokensPerSecond:0} tokens/s, {100 * run.Share:0.0} %");
        if (method.IsPlanned) Diamond(X(run.MeasuredBytes), Y(run.Share), note);
        else
            _svg.Append($"<circle cx=\"{Number(X(run.MeasuredBytes))}\" cy=\"{Number(Y(run.Share))}\" r=\"{Number(DotRadius)}\" "
                + $"fill=\"{s_families.First(f => f.Family == method.Family).Colour}\" stroke=\"#ffffff\"><title>{PlanPage.Escape(note)}</title></circle>\n");
    }

    private void Diamond(double x, double y, string note) =>
        _svg.Append($"<path d=\"M{Number(x)} {Number(y - 6)}l6 6l-6 6l-6 -6Z\" fill=\"{Ink}\" stroke=\"#ffffff\"><title>{PlanPage.Escape(note)}</title></path>\n");

    private static string NameOf(MemoryMethod method) => method.Family switch
    {
        MethodFamily.PlannerExact => "planner, quality exact",
        MethodFamily.PlannerHigh => "planner, quality high",
        MethodFamily.PlannerAny => "planner, quality any",
        _ => method.Name,
    };

    private void Text(double x, double y, string text, string attributes) => _svg.Append($"<text x=\"{Number(x)}\" y=\"{Number(y)}\" {attributes}>{PlanPage.Escape(text)}</text>\n");

    private double X(double bytes) => Left + ((Right - Left) * bytes / _mostBytes);

    private double Y(double share) => Bottom - ((Bottom - Top) * (share - _leastShare) / (_mostShare - _leastShare));

    // The widths of the usual sans-serif letters, a little generously: fonts differ.
    private static double TextWidth(string text) => FontSize * 1.05 * text.Sum(static c => c switch
    {
        'i' or 'j' or 'l' or 'I' or '.' or ',' or '\'' => 0.25,
        ' ' or 'f' or 't' or 'r' or '-' => 0.32,
        'm' or 'w' or 'M' or 'W' => 0.84,
        >= 'A' and <= 'Z' => 0.68,
        _ => 0.55,
    });

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
