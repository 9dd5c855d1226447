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
    [InlineData("training nano", "preset:nano", "60MiB")]
    [InlineData("training small", "preset:small", "256MiB")]
    [InlineData("measuring this machine", "preset:nano", "105MiB")]
    public void A_budget_that_is_too_small_is_refused_before_anything_is_measured(string what, string model, string memory) =>
        Assert.Contains(what, ToolRun.Run("bench", "--model", model, "--memory", memory).AssertRefusedAtOnce(OverBudget), StringComparison.Ordinal);

    [Fact]
    public void The_smallest_budget_holds_and_its_rates_are_kept()
    {
        using TestFolder folder = new();
        string complaint = ToolRun.Run("bench", "--memory", "105MiB", "--threads", "1").AssertRefused(OverBudget);
        string smallest = Regex.Match(complaint, "\\(([0-9]+) bytes\\)").Groups[1].Value;
        ToolResult result = ToolRun.RunWith("RATION_RATES", folder["rates.json"], "bench", "--memory", smallest, "--threads", "1", "--json").AssertDone();
        using JsonDocument rates = JsonDocument.Parse(File.ReadAllText(folder["rates.json"]));
        Assert.True(rates.RootElement.GetProperty("operations").EnumerateObject().Count() > 50);
        JsonElement json = result.Json();
        Assert.True(json.GetProperty("limitFlops").GetDouble() >= json.GetProperty("productFlops").GetDouble());
        Assert.InRange(json.GetProperty("measuredPeakBytes").GetInt64(), 1, long.Parse(smallest, CultureInfo.InvariantCulture));
    }
}
