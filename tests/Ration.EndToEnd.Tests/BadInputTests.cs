namespace Ration.EndToEnd.Tests;

public sealed class BadInputTests
{
    [Theory]
    [InlineData("there are no files", "train", "--data", "EMPTY")]
    [InlineData("no such file or folder", "train", "--data", "MISSING")]
    [InlineData("--sequence", "train", "--data", "DATA", "--sequence", "0")]
    [InlineData("take a sequence of at most", "train", "--data", "DATA", "--sequence", "1000000")]
    [InlineData("not a multiple of --sequence", "train", "--data", "DATA", "--batch", "100", "--sequence", "64")]
    [InlineData("no preset", "train", "--data", "DATA", "--model", "preset:unknown")]
    [InlineData("no model folder", "train", "--data", "DATA", "--model", "MISSING")]
    [InlineData("no checkpoint", "train", "--data", "DATA", "--output", "MISSING", "--resume")]
    [InlineData("--steps and --epochs", "train", "--data", "DATA", "--steps", "1", "--epochs", "1")]
    [InlineData("--steps", "train", "--data", "DATA", "--steps", "many")]
    [InlineData("--steps", "train", "--data", "DATA", "--steps", "0")]
    [InlineData("--memory", "train", "--data", "DATA", "--memory", "lots")]
    [InlineData("--learning-rate", "train", "--data", "DATA", "--learning-rate", "NaN")]
    [InlineData("--dropout", "train", "--data", "DATA", "--dropout", "1")]
    [InlineData("--threads", "train", "--data", "DATA", "--threads", "-1")]
    [InlineData("--recompute", "plan", "--recompute", "sometimes")]
    [InlineData("--optimizer", "plan", "--optimizer", "adam")]
    [InlineData("--micro-batch", "plan", "--micro-batch", "3")]
    [InlineData("--unknown", "plan", "--unknown")]
    [InlineData("nonsense", "nonsense")]
    [InlineData("--prompt is missing", "generate", "--model", "MISSING")]
    [InlineData("there is no", "generate", "--model", "MISSING", "--prompt", "a")]
    [InlineData("no weights", "generate", "--model", "preset:nano", "--prompt", "a")]
    [InlineData("--data is missing", "eval", "--model", "MISSING")]
    public void Bad_arguments_and_input_are_one_line_and_exit_code_2(string complaint, params string[] arguments)
    {
        using Workspace work = new();
        Directory.CreateDirectory(work["empty"]);
        string[] real = [.. arguments.Select(a => a switch { "EMPTY" => work["empty"], "MISSING" => work["missing"], "DATA" => work.Data, _ => a })];
        if (real[0] == "train" && !real.Contains("--output")) real = [.. real, "--output", work["model"]];
        Outcome outcome = Tool.Run(real);
        Assert.True(outcome.ExitCode == 2, outcome.ToString());
        Assert.Equal("", outcome.Output);
        Assert.StartsWith("ration: ", outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.TrimEnd('\n').Split('\n'));
        Assert.Contains(complaint, outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(work["model"]), "something was started");
    }

    [Fact]
    public void A_loss_that_is_not_finite_ends_the_run_with_exit_code_2_and_leaves_no_model()
    {
        using Workspace work = new();
        Outcome outcome = Tool.Run(work.Train("model", 50, "--optimizer", "sgd", "--clip", "0", "--learning-rate", "1e9", "--json"));
        Assert.True(outcome.ExitCode == 2, outcome.ToString());
        Assert.Equal("", outcome.Output);
        Assert.Contains("not finite", outcome.Error.TrimEnd('\n').Split('\n')[^1], StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(work["model"], "model.safetensors")));
    }

    [Theory]
    [InlineData("config.json", true)]
    [InlineData("config.json", false)]
    [InlineData("model.safetensors", true)]
    [InlineData("model.safetensors", false)]
    public void A_damaged_model_is_refused_with_exit_code_2(string file, bool truncate)
    {
        using Workspace work = new();
        Assert.Equal(0, Tool.Run(work.Train("model", 1, "--json")).ExitCode);
        Damage(Path.Combine(work["model"], file), truncate);
        foreach (string[] arguments in (string[][])[["generate", "--prompt", "a"], ["eval", "--data", work.Data], ["train", "--data", work.Data, "--output", work["other"]]])
        {
            Outcome outcome = Tool.Run([.. arguments, "--model", work["model"], "--json"]);
            Assert.True(outcome.ExitCode == 2, outcome.ToString());
            Assert.Contains("ration: ", outcome.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("defect", outcome.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_damaged_checkpoint_is_refused_with_exit_code_2(bool truncate)
    {
        using Workspace work = new();
        Assert.Equal(0, Tool.Run(work.Train("model", 1, "--json")).ExitCode);
        Damage(Path.Combine(work["model"], "checkpoint.safetensors"), truncate);
        Outcome outcome = Tool.Run(work.Train("model", 1, "--json", "--resume"));
        Assert.True(outcome.ExitCode == 2, outcome.ToString());
        Assert.Contains("checkpoint.safetensors", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_is_not_resumed_with_other_options_or_other_data()
    {
        using Workspace work = new();
        Assert.Equal(0, Tool.Run(work.Train("model", 2, "--json")).ExitCode);
        Outcome options = Tool.Run(work.Train("model", 2, "--json", "--resume", "--seed", "7"));
        Assert.True(options.ExitCode == 2, options.ToString());
        Assert.Contains("seed 7", options.Error, StringComparison.Ordinal);
        File.AppendAllText(Path.Combine(work.Data, "second.txt"), "one more line\n");
        Outcome data = Tool.Run(work.Train("model", 2, "--json", "--resume"));
        Assert.True(data.ExitCode == 2, data.ToString());
        Assert.Contains("other data", data.Error, StringComparison.Ordinal);
    }

    private static void Damage(string path, bool truncate)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (truncate) bytes = bytes[..(bytes.Length / 2)];
        else bytes[bytes.Length / 2] ^= 0x80;
        File.WriteAllBytes(path, bytes);
    }
}
