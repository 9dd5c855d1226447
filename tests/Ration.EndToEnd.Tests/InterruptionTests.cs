using System.Text.Json;
using System.Text.RegularExpressions;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>One run from beginning to end, which interrupted ones must equal.</summary>
public sealed class UninterruptedRun : IDisposable
{
    private readonly TestFolder _folder = new();

    /// <summary>Trains it. Its text is too long to be kept in memory, so that a file of tokens is part of what is interrupted.</summary>
    public UninterruptedRun()
    {
        Data = _folder.WriteText(length: 600_000);
        Result = ToolRun.Run([.. TrainingJob.Arguments(Data, Output, Steps), .. Kept, "--json"]);
    }

    /// <summary>Steps of the run: enough that it is not over before it is interrupted.</summary>
    public static int Steps => 60;

    /// <summary>How often the whole run saves: the checkpoint remembers it.</summary>
    public static string[] Kept { get; } = ["--checkpoint-every", "1000"];

    /// <summary>The text.</summary>
    public string Data { get; }

    /// <summary>What was saved.</summary>
    public string Output => _folder["output"];

    /// <summary>What the tool said.</summary>
    internal ToolResult Result { get; }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}

/// <summary>A run that was stopped and resumed ends, to the bit, as one that was not.</summary>
public sealed class InterruptionTests(UninterruptedRun whole) : IClassFixture<UninterruptedRun>
{
    private const int Killed = 137;
    private const int Interrupted = 130;
    private const string Lock = "run.lock";
    private const string OutlivingModel = "the model there still is that of the run before";

    [Fact]
    public void A_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been()
    {
        whole.Result.AssertDone();
        using TestFolder folder = new();
        string output = folder["output"];
        long done = 0;
        for (int i = 0; i < 3; i++)
        {
            bool whileSaving = i > 0;
            using ToolRun run = ToolRun.Start([.. Arguments(output), "--checkpoint-every", "2", .. Resume(done)]);
            run.WaitUntil(() => TrainingJob.StepsDone(output) > done && (!whileSaving || IsSaving(output)));
            run.Kill();
            ToolResult result = run.Wait();
            if (!OperatingSystem.IsWindows()) Assert.Equal(Killed, result.Code);
            Assert.False(File.Exists(Path.Combine(output, TrainingJob.Model)), "it was killed too late");
            long now = TrainingJob.StepsDone(output);
            Assert.InRange(now, done + 1, UninterruptedRun.Steps - 1);
            done = now;
        }

        AssertResumes(output);
    }

    [Theory]
    [InlineData(Signals.Interrupt, false)]
    [InlineData(Signals.Interrupt, true)]
    [InlineData(Signals.Terminate, true)]
    public void A_signal_saves_the_state_and_ends_the_run_with_130(int signal, bool json)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such signals");
        whole.Result.AssertDone();
        using TestFolder folder = new();
        string output = folder["output"];
        Signals.StopIgnoring(signal);
        using ToolRun run = ToolRun.Start([.. Arguments(output), "--checkpoint-every", "3", .. Json(json)]);
        run.WaitUntil(() => TrainingJob.StepsDone(output) > 0);
        Signals.Send(run, signal);
        ToolResult result = run.Wait();
        Assert.True(result.Code == Interrupted, $"exit code {result.Code}: {result}");
        Assert.Single(result.ErrorLines, static line => line.Contains("a second time ends at once", StringComparison.Ordinal));
        long done = TrainingJob.StepsDone(output);
        Assert.InRange(done, 1, UninterruptedRun.Steps - 1);
        AssertMessage(result, done);
        AssertResult(result, json, done);
        AssertIsNotReplaced(output);
        AssertResumes(output);
    }

    [Fact]
    public void A_signal_after_the_last_step_ends_the_evaluation_which_resuming_does()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such signals");
        using TestFolder folder = new();
        string output = folder["output"];
        Signals.StopIgnoring(Signals.Interrupt);
        using ToolRun run = ToolRun.Start([.. TrainingJob.Arguments(whole.Data, output, 1), "--eval-tokens", "1000000"]);
        run.WaitUntil(() => File.Exists(Path.Combine(output, TrainingJob.Model)));
        Signals.Send(run, Signals.Interrupt);
        ToolResult result = run.Wait();
        Assert.True(result.Code == Interrupted, $"exit code {result.Code}: {result}");
        Assert.StartsWith("ration: interrupted after step 1 of 1, before the end of the evaluation; the model is saved in ", result.ErrorLines[^1], StringComparison.Ordinal);
        ToolResult resumed = ToolRun.Run("train", "--output", output, "--resume", "--eval-tokens", "100").AssertDone();
        Assert.Contains(resumed.ErrorLines, static line => line.StartsWith("held-out loss ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_signal_before_the_first_step_ends_the_run_with_130_too()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such signals");
        using TestFolder folder = new();
        Signals.StopIgnoring(Signals.Interrupt);
        using ToolRun run = ToolRun.Start([.. Arguments(folder["output"])]);
        // The file of tokens is made before anything else.
        run.WaitUntil(() => Directory.Exists(folder["output"]));
        Signals.Send(run, Signals.Interrupt);
        ToolResult result = run.Wait();
        Assert.True(result.Code == Interrupted, $"exit code {result.Code}: {result}");
        Assert.Equal("", result.Output);
        Assert.Contains("interrupted", result.ErrorLines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_run_into_the_folder_of_one_is_refused()
    {
        using TestFolder folder = new();
        string output = folder["output"];
        using ToolRun run = ToolRun.Start([.. Arguments(output)]);
        run.WaitUntil(() => File.Exists(Path.Combine(output, Lock)));
        foreach (string[] more in (string[][])[[], ["--overwrite"], ["--resume"]])
            Assert.Contains("another run writes there", ToolRun.Run([.. Arguments(output), .. more]).AssertRefused(2), StringComparison.Ordinal);
        // It is no text to learn from either.
        Assert.Contains("there are no files", ToolRun.Run(TrainingJob.Arguments(folder.Root, folder["other"])).AssertRefused(2), StringComparison.Ordinal);
        run.Kill();
        run.Wait();
        TrainingJob.Run([.. Arguments(output)], "--overwrite");
        Assert.False(File.Exists(Path.Combine(output, Lock)));
    }

    [Fact]
    public void Files_that_came_since_are_named_where_a_run_is_not_gone_on_with()
    {
        using TestFolder folder = new();
        folder.WriteText();
        ToolRun.RunIn(folder.Root, TrainingJob.Arguments(".", "output", 1)).AssertDone();
        folder.WriteText("new.txt", seed: 2);
        string complaint = ToolRun.RunIn(folder.Root, "train", "--output", "output", "--resume").AssertRefused(2);
        Assert.Contains("newer than the checkpoint: ", complaint, StringComparison.Ordinal);
        Assert.Contains("new.txt", complaint, StringComparison.Ordinal);
        Assert.Matches(@"\(\d+,\d+ tokens in 1 document, checksum [0-9a-f]+, now \d+,\d+ tokens in 2 documents, checksum ", complaint);
        File.Delete(folder["new.txt"]);
        ToolRun.RunIn(folder.Root, "train", "--output", "output", "--resume").AssertDone();
    }

    [Fact]
    public void A_model_that_outlives_a_run_that_was_stopped_is_told_of()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such signals");
        using TestFolder folder = new();
        string output = folder["output"];
        ToolRun.Run(TrainingJob.Arguments(whole.Data, output, 1)).AssertDone();
        byte[] model = TrainingJob.ModelBytes(output);
        Signals.StopIgnoring(Signals.Interrupt);
        foreach (string[] start in (string[][])[[.. Arguments(output), "--checkpoint-every", "3", "--overwrite"], ["train", "--output", output, "--resume"]])
        {
            // The checkpoint of the run before is at its last step, which is the first of this one's.
            long before = TrainingJob.StepsDone(output);
            using ToolRun run = ToolRun.Start(start);
            run.WaitUntil(() => TrainingJob.StepsDone(output) > before);
            Signals.Send(run, Signals.Interrupt);
            ToolResult result = run.Wait();
            Assert.True(result.Code == Interrupted, $"exit code {result.Code}: {result}");
            Assert.Contains(OutlivingModel, result.ErrorLines[^1], StringComparison.Ordinal);
            Assert.Equal(model, TrainingJob.ModelBytes(output));
        }
    }

    [Fact]
    public void A_run_goes_on_from_another_folder_too()
    {
        whole.Result.AssertDone();
        using TestFolder folder = new();
        string[] arguments =
            [.. Arguments("output").Select(word => word == whole.Data ? Path.GetFileName(word) : word), "--checkpoint-every", "3", "--set", "beta1=0.8", "--set", "weight-decay=0"];
        File.Copy(whole.Data, folder[Path.GetFileName(whole.Data)]);
        ToolResult first = ToolRun.RunIn(folder.Root, arguments).AssertDone();
        Assert.Matches(@"\btraining loss [0-9.]+ over the last 3 steps; held-out loss ", first.Error);
        Directory.CreateDirectory(folder["elsewhere"]);
        ToolResult again = ToolRun.RunIn(folder["elsewhere"], "train", "--output", folder["output"], "--resume").AssertDone();
        Assert.Contains("complete already", again.Error, StringComparison.Ordinal);
    }

    private void AssertIsNotReplaced(string output)
    {
        string[] before = TestFolder.Snapshot(output);
        string complaint = ToolRun.Run([.. Arguments(output)]).AssertRefused(2);
        Assert.Contains("--resume", complaint, StringComparison.Ordinal);
        Assert.Contains("--overwrite", complaint, StringComparison.Ordinal);
        Assert.Equal(before, TestFolder.Snapshot(output));
    }

    private static void AssertMessage(ToolResult result, long done)
    {
        string line = result.ErrorLines[^1];
        Match step = Regex.Match(line, "^ration: interrupted after step ([0-9]+) of ([0-9]+)");
        Assert.True(step.Success, line);
        Assert.Equal(TrainingJob.Text(done), step.Groups[1].Value);
        Assert.Equal(TrainingJob.Text(UninterruptedRun.Steps), step.Groups[2].Value);
        Assert.Contains("--resume", line, StringComparison.Ordinal);
        Assert.DoesNotContain(OutlivingModel, line, StringComparison.Ordinal);
    }

    private static void AssertResult(ToolResult result, bool json, long done)
    {
        if (!json)
        {
            Assert.Equal("", result.Output);
            return;
        }

        JsonElement element = result.Json();
        Assert.Equal(done, element.GetProperty("steps").GetInt64());
        Assert.Equal(JsonValueKind.Null, element.GetProperty("evalLoss").ValueKind);
    }

    private void AssertResumes(string output)
    {
        // Nothing but the folder has to be said: the checkpoint knows the rest.
        JsonElement json = TrainingJob.Run(["train", "--output", output, "--resume", "--json"], UninterruptedRun.Kept).Json();
        Assert.Equal(UninterruptedRun.Steps, json.GetProperty("steps").GetInt64());
        Assert.InRange(json.GetProperty("stepsNow").GetInt64(), 0, UninterruptedRun.Steps);
        Assert.Equal(json.GetProperty("tokens").GetInt64(), json.GetProperty("stepsNow").GetInt64() * json.GetProperty("choices").GetProperty("batch").GetInt64());
        Assert.Equal(whole.Result.Json().GetProperty("evalLoss").GetRawText(), json.GetProperty("evalLoss").GetRawText());
        Assert.True(TrainingJob.ModelBytes(whole.Output).AsSpan().SequenceEqual(TrainingJob.ModelBytes(output)), "other weights");
        // The same files to the byte, and no temporary one left over.
        Assert.Equal(TestFolder.Snapshot(whole.Output), TestFolder.Snapshot(output));
    }

    private string[] Arguments(string output) => TrainingJob.Arguments(whole.Data, output, UninterruptedRun.Steps);

    private static string[] Resume(long done) => done > 0 ? ["--resume"] : [];

    private static string[] Json(bool json) => json ? ["--json"] : [];

    private static bool IsSaving(string output) => Directory.EnumerateFiles(output, TrainingJob.Checkpoint + ".partial-*").Any();
}
