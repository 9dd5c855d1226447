using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Ration.EndToEnd.Tests.Support;
using Ration.Memory;

namespace Ration.EndToEnd.Tests;

public sealed class PlanTests(TrainedModel trained)
{
    private static readonly string[] s_keys = ["fits", "budgetBytes", "plannedPeakBytes", "memory", "predictedTokensPerSecond", "predictedStepSeconds", "choices"];

    [Fact]
    public void With_json_standard_output_is_one_object_with_every_key()
    {
        using TestFolder folder = new();
        string output = folder["output"];
        ToolResult result = ToolRun.Run([.. TrainingJob.Arguments(trained.Data, output, command: "plan"), "--json"]).AssertDone();
        JsonElement json = result.Json();
        Assert.All(s_keys, key => Assert.True(json.TryGetProperty(key, out _), $"{key} is missing"));
        TrainTests.AssertMemoryAddsUp(json);
        Assert.True(json.GetProperty("fits").GetBoolean());
        Assert.True(json.GetProperty("predictedTokensPerSecond").GetDouble() > 0);
        Assert.True(json.GetProperty("predictedStepSeconds").GetDouble() > 0);
        Assert.False(Directory.Exists(output), "a plan starts nothing");
    }

    [Fact]
    public void Choices_have_the_words_of_the_options()
    {
        string[] words = ["--state", "4bit", "--weights", "bf16-kahan", "--products", "int8", "--activations", "mesa", "--recompute", "sqrt", "--optimizer", "lion"];
        JsonElement choices = ToolRun.Run(["plan", "--model", "preset:nano", .. words, "--json"]).AssertDone().Json().GetProperty("choices");
        Assert.All(words.Chunk(2), pair => Assert.Equal(pair[1], choices.GetProperty(pair[0][2..]).GetString()));
    }

    [Fact]
    public void Auto_is_as_if_nothing_were_given()
    {
        string[] run = ["plan", "--model", "preset:nano", "--memory", "96MiB", "--json"];
        JsonElement plain = ToolRun.Run(run).AssertDone().Json(), auto = ToolRun.Run([.. run, "--recompute", "auto", "--mlp-tiles", "auto", "--head-gradient", "auto"]).AssertDone().Json();
        Assert.Equal(plain.GetProperty("plannedPeakBytes").GetInt64(), auto.GetProperty("plannedPeakBytes").GetInt64());
        Assert.Equal(plain.GetProperty("choices").GetRawText(), auto.GetProperty("choices").GetRawText());
        JsonElement choices = ToolRun.Run([.. run, "--head-gradient", "late"]).AssertDone().Json().GetProperty("choices");
        Assert.Equal("late", choices.GetProperty("headGradient").GetString());
    }

    [Fact]
    public void Plan_and_train_agree_to_the_byte()
    {
        trained.Result.AssertDone();
        JsonElement json = ToolRun.Run([.. TrainingJob.Arguments(trained.Data, trained.Output, TrainedModel.Steps, command: "plan"), "--json"]).AssertDone().Json();
        Assert.Equal(trained.Json.GetProperty("plannedPeakBytes").GetInt64(), json.GetProperty("plannedPeakBytes").GetInt64());
        Assert.Equal(trained.Json.GetProperty("memory").GetRawText(), json.GetProperty("memory").GetRawText());
        Assert.Equal(trained.Json.GetProperty("choices").GetRawText(), json.GetProperty("choices").GetRawText());
    }

    [Fact]
    public void They_agree_too_where_the_tokens_are_too_many_for_memory()
    {
        using TestFolder folder = new();
        string data = folder.WriteText(length: 800_000);
        JsonElement plan = ToolRun.Run([.. TrainingJob.Arguments(data, folder["output"], 2, command: "plan"), "--json"]).AssertDone().Json();
        JsonElement train = TrainingJob.Run(TrainingJob.Arguments(data, folder["output"], 2), "--json").Json();
        Assert.Equal(train.GetProperty("plannedPeakBytes").GetInt64(), plan.GetProperty("plannedPeakBytes").GetInt64());
    }

    [Fact]
    public void The_plan_of_a_model_of_seventy_billion_parameters_takes_seconds_and_little_memory()
    {
        long start = Stopwatch.GetTimestamp(), peak = 0;
        using ToolRun run = ToolRun.Start("plan", "--model", "preset:llama-3.1-70b", "--memory", "2TiB", "--json");
        while (!run.HasEnded)
        {
            peak = Math.Max(peak, PeakBytes(run.Id));
            Thread.Sleep(10);
        }

        JsonElement json = run.Wait().AssertDone().Json();
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        Assert.True(time < TimeSpan.FromSeconds(10), $"it took {time.TotalSeconds:0.0} s");
        Assert.True(json.GetProperty("fits").GetBoolean());
        Assert.Equal(70_553_706_496, json.GetProperty("parameters").GetInt64());
        Assert.True(json.GetProperty("plannedPeakBytes").GetInt64() > 3L * 4 * 70_553_706_496);
        Assert.True(peak < 512L << 20, $"the plan took {peak >> 20} MiB");
        if (OperatingSystem.IsLinux()) Assert.True(peak > 0);
    }

    [Theory]
    [InlineData("600MiB", "high", 4096)]
    [InlineData("350MiB", "any", 1024)]
    public void Small_with_its_own_vocabulary_fits_a_fraction_of_its_memory(string memory, string quality, int batch)
    {
        JsonElement json = ToolRun.Run(
            "plan", "--model", "preset:small", "--memory", memory, "--quality", quality, "--batch", TrainingJob.Text(batch), "--threads", "2", "--json").AssertDone().Json();
        Assert.True(json.GetProperty("fits").GetBoolean());
        Assert.InRange(json.GetProperty("plannedPeakBytes").GetInt64(), 1, ByteSize.Parse(memory).Bytes);
        Assert.Equal(124_668_672, json.GetProperty("parameters").GetInt64());
    }

    [Fact]
    public void The_table_goes_to_standard_output()
    {
        ToolResult result = ToolRun.Run(TrainingJob.Arguments(trained.Data, trained.Output, command: "plan")).AssertDone();
        Assert.Contains("weights", result.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("recompute", result.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("weights", result.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("plan")]
    public void Options_stand_under_headings(string command)
    {
        string[] lines = ToolRun.Run(command, "--help").AssertDone().Output.Split(Environment.NewLine);
        int HeadingOf(string option) => Array.FindLastIndex(lines, Array.FindIndex(lines, line => line.StartsWith($"  {option} ", StringComparison.Ordinal)), static line => line.EndsWith(':'));
        Assert.DoesNotContain("Options:", lines);
        Assert.Equal("Model and data:", lines[HeadingOf("--data")]);
        Assert.Equal("Memory:", lines[HeadingOf("--recompute")]);
        Assert.Equal("Update rule:", lines[HeadingOf("--state")]);
        Assert.Equal("Output:", lines[HeadingOf("--overwrite")]);
        Assert.All(lines.Index().Where(static line => line.Item.EndsWith(':')), line => Assert.True(line.Index == 0 || lines[line.Index - 1].Length == 0, line.Item));
        Assert.DoesNotContain(ToolRun.Run("eval", "--help").AssertDone().Output.Split(Environment.NewLine), static line => line == "Memory:");
    }

    [Fact]
    public void A_page_replaces_a_file_only_when_asked_for_and_nothing_else_ever()
    {
        using TestFolder folder = new();
        string page = folder["page.html"];
        string[] arguments = ["plan", "--model", "preset:nano", "--memory", "256MiB", "--html"];
        File.WriteAllText(page, "precious");
        Assert.Contains("--overwrite", ToolRun.Run([.. arguments, page]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(page));
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(folder["link"], page);
            Assert.Contains("this is a link", ToolRun.Run([.. arguments, folder["link"], "--overwrite"]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
            Assert.Contains("no plain file", ToolRun.Run([.. arguments, "/dev/null", "--overwrite"]).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        }

        Assert.Equal("precious", File.ReadAllText(page));
        File.WriteAllText(page, "");
        ToolRun.Run([.. arguments, page, "--overwrite"]).AssertDone();
        Assert.StartsWith("<!doctype html>", File.ReadAllText(page), StringComparison.OrdinalIgnoreCase);
        ToolRun.Run([.. arguments, folder["new/page.html"]]).AssertDone();
        Assert.True(File.Exists(folder["new/page.html"]));
        ToolRun.Run(["plan", "--model", "preset:nano", "--memory", "1MiB", "--html", folder["none/page.html"]]).AssertRefused(3);
        Assert.False(Directory.Exists(folder["none"]));
    }

    // What the kernel counts for the living process; 0 elsewhere, or when it has just gone.
    private static long PeakBytes(int process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
