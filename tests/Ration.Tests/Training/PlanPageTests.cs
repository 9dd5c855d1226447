using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Ration.Models;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Training;

public class PlanPageTests
{
    [Theory]
    [MemberData(nameof(PlanReportTests.Plans), MemberType = typeof(PlanReportTests))]
    public void The_page_is_well_formed_small_and_needs_nothing_else(string preset, int batch, int sequence, string memory)
    {
        string page = Write(PlanReportTests.Report(preset, batch, sequence, memory));
        Parse(page);
        Assert.InRange(Encoding.UTF8.GetByteCount(page), 20_000, 600_000);
        foreach (string outside in new[] { "http:", "https:", "src=", "href=", "url(", "@import", "<link" }) Assert.DoesNotContain(outside, page, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_page_stays_small_for_thousands_of_instructions()
    {
        ModelConfiguration deep = Presets.Get("llama-3.1-70b") with { Layers = 500 };
        PlanReport report = PlanReportTests.Report(deep, 2048, 2048, "8TiB");
        Assert.True(report.Plan.Program.Instructions.Count > 20_000);
        Assert.True(Encoding.UTF8.GetByteCount(Write(report)) < 1_000_000);
    }

    [Fact]
    public void Names_are_escaped_everywhere()
    {
        const string Hostile = "</script><script>alert(1)</script><b a='\"'>&amp;\u0001";
        string page = Write(PlanReportTests.Report(Presets.Get("nano") with { Name = Hostile }, 1024, 64, "1GiB"));
        Assert.DoesNotContain("alert(1)</script>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b a=", page, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(page, "</script>"));
        XElement heading = Parse(page).Descendants("h1").Single();
        Assert.Equal(Hostile.Replace('\u0001', '\uFFFD'), heading.Value);
        Assert.Equal("a&lt;b&gt;&amp;&quot;&#39;", PlanPage.Escape("a<b>&\"'"));
    }

    [Theory]
    [MemberData(nameof(PlanReportTests.Plans), MemberType = typeof(PlanReportTests))]
    public void The_moments_hold_the_exact_bytes_and_the_peak(string preset, int batch, int sequence, string memory)
    {
        PlanReport report = PlanReportTests.Report(preset, batch, sequence, memory);
        MemoryTimeline timeline = report.Plan.Program.Timeline;
        using JsonDocument moments = JsonDocument.Parse(Parse(Write(report)).Descendants("script").First().Value);
        JsonElement root = moments.RootElement;
        int peak = root.GetProperty("peak").GetInt32(), count = root.GetProperty("x").GetArrayLength();
        Assert.Equal(count, root.GetProperty("seconds").GetArrayLength());
        Assert.Equal(count, root.GetProperty("label").GetArrayLength());
        long[] totals = new long[count];
        foreach (JsonElement layer in root.GetProperty("layers").EnumerateArray())
        {
            JsonElement bytes = layer.GetProperty("bytes");
            for (int i = 0; i < count; i++) totals[i] += BytesAt(bytes, i);
            string name = layer.GetProperty("name").GetString()!;
            long expected = name == "runtime" ? report.Plan.RuntimeBytes : report.Rows.Single(r => r.Name == name).Bytes;
            Assert.Equal(expected, BytesAt(bytes, peak));
        }

        Assert.Equal(timeline.Total(timeline.PeakInstruction) + report.Plan.RuntimeBytes, totals[peak]);
        Assert.Equal(totals.Max(), totals[peak]);

        static long BytesAt(JsonElement bytes, int moment) => bytes.ValueKind == JsonValueKind.Number ? bytes.GetInt64() : bytes[moment].GetInt64();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(480)]
    [InlineData(100_000)]
    public void Sampling_keeps_the_most_of_every_stretch_of_time(int bins)
    {
        PlanReport report = PlanReportTests.Report("small", 16_384, 512, "3GiB");
        MemoryTimeline timeline = report.Plan.Program.Timeline;
        PlanMoments moments = report.Moments;
        IReadOnlyList<PlanMoment> kept = moments.Sample(bins);
        Assert.Contains(kept, m => m.Instruction == timeline.PeakInstruction);
        Assert.True(kept.Count <= 2 * bins);
        Assert.Equal(0, kept[0].X);
        for (int i = 1; i < kept.Count; i++) Assert.True(kept[i].X > kept[i - 1].X && kept[i].Instruction > kept[i - 1].Instruction && kept[i].X < 1);
        Assert.All(kept, m => Assert.InRange(m.X - (moments.Start(m.Instruction) / moments.End), -2.0 / bins, 2.0 / bins));
        ILookup<int, long> most = kept.ToLookup(m => Bin(m.Instruction), m => timeline.Total(m.Instruction));
        for (int i = 0; i < timeline.Instructions; i++) Assert.True(timeline.Total(i) <= most[Bin(i)].Max(), $"instruction {i}");

        int Bin(int instruction) => Math.Min(bins - 1, (int)(moments.Start(instruction) / moments.End * bins));
    }

    [Theory]
    [MemberData(nameof(PlanReportTests.Plans), MemberType = typeof(PlanReportTests))]
    public void Areas_lie_within_the_chart_and_the_highest_reaches_the_peak(string preset, int batch, int sequence, string memory)
    {
        PlanReport report = PlanReportTests.Report(preset, batch, sequence, memory);
        XElement svg = Parse(Write(report)).Descendants("div").First(static e => ((string?)e.Attribute("class")) == "plot").Element("svg")!;
        double highest = double.MaxValue;
        foreach (string path in svg.Elements("path").Select(static e => (string)e.Attribute("d")!))
        {
            Assert.Matches(@"^M0 [\d.]+([HV][\d.]+)+Z$", path);
            foreach (Match corner in Regex.Matches(path, @"([HV]|M0 )([\d.]+)"))
            {
                double at = double.Parse(corner.Groups[2].Value, CultureInfo.InvariantCulture);
                Assert.InRange(at, 0, corner.Groups[1].Value == "H" ? 1000 : 400);
                if (corner.Groups[1].Value != "H") highest = Math.Min(highest, at);
            }
        }

        XElement line = svg.Elements("line").Single(static e => ((string?)e.Attribute("class")) == "peak");
        Assert.Equal(double.Parse(line.Attribute("y1")!.Value, CultureInfo.InvariantCulture), highest);
    }

    [Theory]
    [MemberData(nameof(PlanReportTests.Plans), MemberType = typeof(PlanReportTests))]
    public void Passes_fill_the_step_and_blocks_lie_within_it(string preset, int batch, int sequence, string memory)
    {
        PlanReport report = PlanReportTests.Report(preset, batch, sequence, memory);
        IReadOnlyList<PlanSpan> passes = report.Moments.Passes();
        Assert.Equal(0, passes[0].Start);
        Assert.Equal(1, passes[^1].End, 1e-12);
        for (int i = 1; i < passes.Count; i++) Assert.Equal(passes[i - 1].End, passes[i].Start);
        Assert.Contains(passes, static p => p.Name.StartsWith("Forward", StringComparison.Ordinal));
        Assert.Contains(passes, static p => p.Name.StartsWith("Backward", StringComparison.Ordinal));
        IReadOnlyList<PlanSpan> blocks = report.Moments.Blocks();
        Assert.True(blocks.Count >= 2 * report.Plan.Options.Model.Layers);
        Assert.All(blocks, static b => Assert.True(b.Start >= 0 && b.End > b.Start && b.End <= 1));
        for (int i = 1; i < blocks.Count; i++) Assert.True(blocks[i].Start >= blocks[i - 1].End);
    }

    [Fact]
    public void Every_purpose_has_a_colour_in_light_and_dark()
    {
        PlanReport report = PlanReportTests.Report("nano", 1024, 64, "1GiB");
        string page = Write(report);
        foreach (PlanRow row in report.Rows) Assert.Equal(2, Regex.Count(page, $"--{Ration.Training.Page.PlanLayer.KeyOf(row.Name)}: #"));
    }

    [Theory]
    [InlineData(0.0000123, "12.3 µs")]
    [InlineData(0.00842, "8.42 ms")]
    [InlineData(0.99999, "1.00 s")]
    [InlineData(59.96, "60.0 s")]
    [InlineData(119.7, "2 min 0 s")]
    [InlineData(247, "4 min 7 s")]
    [InlineData(3599.7, "1 h 0 min")]
    [InlineData(7499, "2 h 5 min")]
    [InlineData(276_480, "3.2 days")]
    public void Times_have_about_three_digits(double seconds, string text) => Assert.Equal(text, PlanNumbers.Seconds(seconds));

    [Fact]
    public void Axes_have_round_ticks_from_zero_to_the_end()
    {
        Assert.Equal(["0", "200 GiB", "400 GiB", "600 GiB", "800 GiB"], PlanNumbers.ByteTicks(900L << 30).Select(static t => t.Label));
        Assert.Equal(["0", "5 s", "10 s", "15 s", "20 s"], PlanNumbers.TimeTicks(22).Select(static t => t.Label));
        Assert.Empty(PlanNumbers.TimeTicks(0));
    }

    private static string Write(PlanReport report)
    {
        using StringWriter writer = new();
        PlanPage.Write(writer, report);
        return writer.ToString();
    }

    private static XDocument Parse(string page)
    {
        using XmlReader reader = XmlReader.Create(new StringReader(page), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }
}
