using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>What is measured is measured within the budget, or nothing is.</summary>
public sealed class BenchTests
{
    private const int OverBudget = 3;

    [Theory]
    [InlineData("training nano", "preset:nano", "10MiB")]
    [InlineData("training small", "preset:small", "256MiB")]
    public void A_budget_that_is_too_small_is_refused_before_anything_is_measured(string what, string model, string memory) =>
        Assert.Contains(what, ToolRun.Run("bench", "--model", model, "--memory", memory).AssertRefusedAtOnce(OverBudget), StringComparison.Ordinal);

    [Fact]
    public void The_smallest_budget_holds_and_its_rates_are_kept()
    {
        using TestFolder folder = new();
        string ofNano = Smallest("training nano", "10MiB"), smallest = Smallest("measuring this machine", ofNano);
        ToolResult result = ToolRun.RunWith("RATION_RATES", folder["rates.json"], "bench", "--memory", smallest, "--threads", "1", "--json").AssertDone();
        using JsonDocument rates = JsonDocument.Parse(File.ReadAllText(folder["rates.json"]));
        Assert.True(rates.RootElement.GetProperty("operations").EnumerateObject().Count() > 50);
        JsonElement json = result.Json();
        Assert.True(json.GetProperty("limitFlops").GetDouble() >= json.GetProperty("productFlops").GetDouble());
        Assert.InRange(json.GetProperty("measuredPeakBytes").GetInt64(), 1, long.Parse(smallest, CultureInfo.InvariantCulture));
    }

    private static string Smallest(string what, string memory)
    {
        string complaint = ToolRun.Run("bench", "--memory", memory, "--threads", "1").AssertRefusedAtOnce(OverBudget);
        Assert.Contains(what, complaint, StringComparison.Ordinal);
        return Regex.Match(complaint, "\\(([0-9]+) bytes\\)").Groups[1].Value;
    }
}
