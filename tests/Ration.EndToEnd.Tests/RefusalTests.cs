using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>What cannot be used is refused at once, with exit code 2 and one line that names it.</summary>
public sealed class RefusalTests(TrainedModel trained)
{
    private const int BadInput = 2, OverBudget = 3;

    [Fact]
    public void An_empty_data_folder()
    {
        using TestFolder folder = new();
        Directory.CreateDirectory(folder["empty"]);
        AssertRefused(folder["empty"], TrainingJob.Arguments(folder["empty"], folder["output"]));
        Assert.False(Directory.Exists(folder["output"]));
    }

    [Theory]
    [InlineData("--data")]
    [InlineData("--model")]
    public void An_empty_path(string option)
    {
        using TestFolder folder = new();
        string text = folder.WriteText(length: 5000);
        string[] arguments = ["--data", option == "--data" ? "" : text, "--model", option == "--model" ? "" : "preset:nano"];
        Assert.Contains("empty", ToolRun.Run(["train", .. arguments, "--output", folder["output"]]).AssertRefusedAtOnce(BadInput), StringComparison.Ordinal);
        Assert.Contains("empty", ToolRun.Run(["plan", .. arguments]).AssertRefusedAtOnce(BadInput), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["output"]));
    }

    [Fact]
    public void A_data_path_that_is_missing()
    {
        using TestFolder folder = new();
        AssertRefused(folder["missing.txt"], TrainingJob.Arguments(folder["missing.txt"], folder["output"]));
        Assert.False(Directory.Exists(folder["output"]));
    }

    [Fact]
    public void A_sequence_longer_than_the_data()
    {
        using TestFolder folder = new();
        string complaint = AssertRefused("45", TrainingJob.Arguments(folder.WriteText(length: 50), folder["output"]));
        Assert.Contains("64", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_that_is_not_text()
    {
        using TestFolder folder = new();
        File.WriteAllBytes(folder["noise.txt"], [.. Enumerable.Range(0, 4096).Select(static i => (byte)(i * 37))]);
        AssertRefused("noise.txt", TrainingJob.Arguments(folder["noise.txt"], folder["output"]));
    }

    [Fact]
    public void Data_that_is_a_pipe_or_a_device()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        NamedPipe.Create(folder["pipe"]);
        File.CreateSymbolicLink(folder["link"], folder["pipe"]);
        foreach (string path in (string[])[folder["pipe"], folder["link"], "/dev/zero"])
        {
            AssertRefused($"{path}: this is no plain file", TrainingJob.Arguments(path, folder["output"]));
            AssertRefused($"{path}: this is no plain file", ["eval", "--model", trained.Output, "--data", path]);
        }

        Assert.False(Directory.Exists(folder["output"]));
    }

    [Fact]
    public void An_output_that_is_a_file()
    {
        string complaint = ToolRun.Run(TrainingJob.Arguments(trained.Data, trained.Data)).AssertRefused(BadInput);
        Assert.Contains(trained.Data, complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_output_that_cannot_be_made_is_found_before_anything_else()
    {
        using TestFolder folder = new();
        string output = Path.Combine(trained.Data, "below-a-file");
        ToolResult result = ToolRun.Run(TrainingJob.Arguments(trained.Data, output));
        Assert.Contains(output, result.AssertRefused(BadInput), StringComparison.Ordinal);
        Assert.Single(result.ErrorLines);
    }

    [Fact]
    public void A_refused_run_leaves_no_folder_behind()
    {
        using TestFolder folder = new();
        // Too long to be kept in memory: its tokens lie in the folder while the run is planned.
        string data = folder.WriteText(length: 600_000);
        ToolRun.Run([.. TrainingJob.Arguments(data, folder["above/output"]), "--memory", "20MiB"]).AssertRefused(OverBudget);
        Assert.False(Directory.Exists(folder["above"]));
    }

    [Fact]
    public void Resuming_where_there_is_no_checkpoint()
    {
        using TestFolder folder = new();
        AssertRefused(folder["output"], [.. TrainingJob.Arguments(trained.Data, folder["output"]), "--resume"]);
    }

    [Fact]
    public void More_steps_of_a_finished_run_are_refused_with_what_to_do_instead()
    {
        using TestFolder folder = new();
        string complaint = AssertRefused("--steps", ["train", "--output", folder.Copy(trained.Output), "--resume", "--steps", "1000"]);
        Assert.Contains("--model", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_output_that_holds_a_finished_model()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string output = folder.Copy(trained.Output);
        foreach (string? missing in (ReadOnlySpan<string?>)[null, TrainingJob.Checkpoint, TrainingJob.Model])
        {
            if (missing is not null) File.Delete(Path.Combine(output, missing));
            string[] before = TestFolder.Snapshot(output);
            Assert.Contains("--overwrite", AssertRefused(output, TrainingJob.Arguments(trained.Data, output)), StringComparison.Ordinal);
            Assert.Equal(before, TestFolder.Snapshot(output));
        }

        TrainingJob.Run(TrainingJob.Arguments(trained.Data, output, 1), "--overwrite");
        Assert.Equal(1, TrainingJob.StepsDone(output));
        AssertRefused("--overwrite", [.. TrainingJob.Arguments(trained.Data, output), "--overwrite", "--resume"]);
    }

    [Fact]
    public void The_default_output_is_replaced_and_that_is_said()
    {
        using TestFolder folder = new();
        string data = folder.WriteText();
        string[] arguments = ["train", "--data", data, "--steps", "1", "--batch", "256", "--sequence", "64", "--threads", "1", "--json"];
        Assert.DoesNotContain("replaced", ToolRun.RunIn(folder.Root, arguments).AssertDone().Error, StringComparison.Ordinal);
        Assert.Contains("ration-output is replaced", ToolRun.RunIn(folder.Root, arguments).AssertDone().Error, StringComparison.Ordinal);
        Assert.Equal(1, TrainingJob.StepsDone(folder["ration-output"]));
    }

    [Theory]
    [InlineData("--seed", "2", "seed")]
    [InlineData("--learning-rate", "0.5", "--learning-rate")]
    [InlineData("--optimizer", "sgd", "optimizer")]
    [InlineData("--set", "weight-decay=0.01", "--set")]
    [InlineData("--dropout", "0.1", "dropout")]
    [InlineData("--loss", "full", "--loss")]
    [InlineData("--recompute", "sqrt", "--recompute")]
    [InlineData("--activations", "mesa", "--activations f32")]
    [InlineData("--head-gradient", "late", "--head-gradient early")]
    [InlineData("--mlp-tiles", "2", "--mlp-tiles 1")]
    public void Resuming_with_other_options(string option, string value, string named)
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string output = folder.Copy(trained.Output);
        string[] before = TestFolder.Snapshot(output);
        string[] arguments = [.. TrainingJob.Arguments(trained.Data, output, TrainedModel.Steps), "--resume", option, value];
        string complaint = ToolRun.Run(arguments).AssertRefused(BadInput);
        Assert.Contains(named, complaint, StringComparison.Ordinal);
        Assert.Contains("--overwrite", complaint, StringComparison.Ordinal);
        Assert.Equal(before, TestFolder.Snapshot(output));
    }

    [Theory]
    [InlineData("train")]
    [InlineData("plan")]
    public void Resuming_with_a_batch_that_the_saved_choices_do_not_divide(string command)
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string[] arguments = [.. TrainingJob.Arguments(trained.Data, folder.Copy(trained.Output), TrainedModel.Steps, command: command), "--resume"];
        arguments[Array.IndexOf(arguments, "--batch") + 1] = "192";
        AssertRefused("--batch", arguments);
    }

    [Fact]
    public void Resuming_on_other_data()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string data = folder.WriteText(seed: 2);
        string output = folder.Copy(trained.Output);
        Assert.Contains("other data", ToolRun.Run([.. TrainingJob.Arguments(data, output, TrainedModel.Steps), "--resume"]).AssertRefused(BadInput), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--wobble", "train", "--wobble")]
    [InlineData("--wobble", "train", "--data", "a.txt", "--wobble")]
    [InlineData("wobble", "wobble")]
    [InlineData("did you mean train?", "trian")]
    [InlineData("did you mean --optimizer?", "train", "--optimiser", "sgd")]
    [InlineData("did you mean --overwrite?", "train", "--data", "a.txt", "--overwrit")]
    [InlineData("did you mean adamw?", "train", "--optimizer", "adam")]
    [InlineData("did you mean tiny?", "train", "--model", "preset:tny")]
    [InlineData("did you mean --learning-rate?", "train", "--data", "a.txt", "--lr", "0.1")]
    [InlineData("did you mean --temperature?", "generate", "--model", "x", "--temp", "0.1")]
    [InlineData("did you mean ration --help?", "help")]
    [InlineData("did you mean ration train --help?", "help", "train")]
    [InlineData("did you mean --model x?", "train", "-m", "x")]
    [InlineData("did you mean --prompt \"a b\"?", "generate", "--model", "x", "-p", "a b")]
    [InlineData("did you mean --model preset:nano?", "train", "preset:nano")]
    [InlineData("did you mean --model some.gguf?", "generate", "some.gguf")]
    [InlineData("did you mean --prompt hello?", "generate", "--model", "some.gguf", "hello")]
    [InlineData("did you mean --text \"to be\"?", "tokenize", "to be")]
    [InlineData("'--model' (did you mean ration inspect some.gguf?)", "inspect", "--model", "some.gguf")]
    [InlineData("no command or option 'nonesuch'; ", "generate", "nonesuch")]
    [InlineData("no command or option '-z'; ", "train", "-z")]
    [InlineData("--model has no value before --overwrite", "train", "--model", "--overwrite")]
    [InlineData("--data has no value before --steps", "train", "--data", "--steps", "5")]
    [InlineData("--prompt has no value before --json", "generate", "--model", "x", "--prompt", "--json")]
    [InlineData("--stop has no value before --json", "generate", "--model", "x", "--stop", "--json")]
    [InlineData("@data.txt", "train", "--data", "@data.txt")]
    [InlineData("give a model folder or file", "inspect")]
    [InlineData("12XB", "train", "--memory", "12XB")]
    [InlineData("-5", "train", "--memory", "-5")]
    [InlineData("many", "train", "--steps", "many")]
    [InlineData("--steps", "train", "--steps", "0")]
    [InlineData("--batch", "train", "--batch", "-1")]
    [InlineData("--sequence", "train", "--sequence", "0")]
    [InlineData("--threads", "train", "--threads", "0")]
    [InlineData("--learning-rate", "train", "--learning-rate", "NaN")]
    [InlineData("--epochs", "train", "--epochs", "-1")]
    [InlineData("--dropout", "train", "--dropout", "1.5")]
    [InlineData("fast", "train", "--optimizer", "fast")]
    [InlineData("tiny", "train", "--loss", "tiny")]
    [InlineData("--sample-share", "train", "--loss", "sampled", "--sample-share", "0")]
    [InlineData("--sample-share", "train", "--sample-share", "0.5")]
    [InlineData("--filter-threshold", "train", "--loss", "cut-filtered", "--filter-threshold", "2")]
    [InlineData("--filter-threshold", "train", "--loss", "sampled", "--filter-threshold", "0.1")]
    [InlineData("--warmup 9", "train", "--steps", "8", "--warmup", "9")]
    [InlineData("preset", "train", "--model", "preset:nonesuch")]
    [InlineData("/nowhere/model", "train", "--model", "/nowhere/model")]
    [InlineData("/nowhere/model", "generate", "--model", "/nowhere/model", "--prompt", "a")]
    [InlineData("--model", "generate", "--model", "preset:nano", "--prompt", "a")]
    [InlineData("--prompt", "generate", "--model", "/nowhere/model")]
    [InlineData("--model", "eval", "--data", "a.txt")]
    public void An_argument_that_cannot_be_used(string named, params string[] arguments)
    {
        using TestFolder folder = new();
        bool train = arguments[0] == "train" && !arguments.Contains("--data");
        AssertRefused(named, train ? [.. arguments, "--output", folder["output"], "--data", trained.Data] : arguments);
        Assert.False(Directory.Exists(folder["output"]), "nothing is begun");
    }

    [Theory]
    [InlineData("--rank means nothing to --optimizer adamw", "--rank", "8")]
    [InlineData("galore", "--optimizer", "apollo-mini", "--rank", "8", "--quality", "any")]
    [InlineData("--clip-scope means nothing", "--clip", "0", "--clip-scope", "value")]
    [InlineData("give at most 128", "--optimizer", "galore", "--rank", "129")]
    [InlineData("give at most 384", "--optimizer", "frugal-columns", "--rank", "385")]
    [InlineData("--state means nothing to --optimizer sgd-plain", "--optimizer", "sgd-plain", "--state", "8bit")]
    [InlineData("--state means nothing to --optimizer lomo", "--optimizer", "lomo", "--state", "bf16", "--weights", "bf16-kahan")]
    [InlineData("give at most 128", "--batch", "1024", "--sequence", "128", "--mlp-tiles", "1000")]
    [InlineData("adamw has no such number; it has beta1 (0.9)", "--set", "momentum=0.9")]
    [InlineData("sgd has no such number (did you mean momentum?)", "--optimizer", "sgd", "--set", "momentun=0.9")]
    [InlineData("--set beta1=1: give a number from 0 to below 1", "--set", "beta1=1")]
    [InlineData("--set growth=0.5: give a number from 1 to", "--optimizer", "apollo", "--set", "growth=0.5")]
    [InlineData("--set density=1.5: give a number from 1.2E-38 to 1", "--optimizer", "frugal-blocks", "--set", "density=1.5")]
    [InlineData("--set beta1 is given twice", "--set", "beta1=0.5", "--set", "beta1=0.6")]
    [InlineData("--set beta2=2", "--set", "beta1=0.5", "beta2=2")]
    [InlineData("--set rank: that is an option of its own; give --rank 8", "--optimizer", "galore", "--set", "rank=8")]
    [InlineData("--set density: --rank says it already", "--optimizer", "frugal-columns", "--rank", "8", "--set", "density=0.5")]
    [InlineData("--set layers=5 is more than nano has, which is 4 blocks; give at most 4", "--optimizer", "lisa", "--set", "layers=5")]
    [InlineData("give a --batch of at least two rows; where it has them,", "--optimizer", "vr-sgd", "--batch", "64", "--sequence", "64")]
    [InlineData("--epochs 1E+18: give a number above 0 and below 1,000,000,000", "--epochs", "1e18")]
    [InlineData("such as weight-decay=0.05", "--set", "beta1")]
    [InlineData("such as weight-decay=0.05", "--set", "beta1=x")]
    [InlineData("--checkpoint-every 0", "--checkpoint-every", "0")]
    public void An_option_that_would_do_nothing(string named, params string[] options)
    {
        using TestFolder folder = new();
        AssertRefused(named, ["train", "--data", trained.Data, "--output", folder["output"], .. options]);
        Assert.False(Directory.Exists(folder["output"]), "nothing is begun");
    }

    [Theory]
    [InlineData("--output is empty", "train", "--output", "")]
    [InlineData("--prompt-file is empty", "generate", "--prompt-file", "")]
    [InlineData("--file is empty", "tokenize", "--file", "")]
    [InlineData("--html is empty", "plan", "--html", "")]
    [InlineData("there is nothing to inspect", "inspect", "")]
    [InlineData("ration plan --model preset:nano", "inspect", "preset:nano")]
    [InlineData("--memory '0' is not a memory size", "train", "--memory", "0")]
    [InlineData("write 100MiB if that is what you mean", "train", "--memory", "100")]
    [InlineData("a whole number, 2,147,483,647 at the most", "train", "--batch", "99999999999")]
    [InlineData("a whole number from 0 to 18,446,744,073,709,551,615", "train", "--seed", "-1")]
    [InlineData("--batch '1.5': give a whole number", "train", "--batch", "1.5")]
    [InlineData("--temperature '1e99': give a number", "generate", "--temperature", "1e99")]
    [InlineData("--batch is given 2 times", "train", "--batch", "64", "--batch", "128")]
    [InlineData("--quality has no value before --output", "train", "--quality", "--output", "x")]
    [InlineData("--memory has no value before --output", "train", "--memory", "--output", "x")]
    [InlineData("--steps has no value before --json", "train", "--steps", "--json")]
    [InlineData("--steps has no value; write --steps N", "train", "--steps")]
    [InlineData("--overwrite takes no value; write --overwrite alone", "train", "--overwrite=maybe")]
    [InlineData("a run writes a folder", "train", "--output", "model.gguf")]
    public void Words_that_mean_nothing(string reason, params string[] arguments) => AssertRefused(reason, arguments);

    [Fact]
    public void A_prompt_that_the_model_is_not_meant_for()
    {
        using TestFolder folder = new();
        string[] arguments = ["generate", "--model", trained.Output, "--prompt-file", folder.WriteText(length: 300), "--max-tokens", "1"];
        AssertRefused("give --context to try all the same", arguments);
        ToolRun.Run([.. arguments, "--context", "301"]).AssertDone();
    }

    [Theory]
    [InlineData("2>/dev/full", 0)]
    [InlineData(">/dev/full", BadInput)]
    public void Outputs_that_cannot_be_written(string redirection, int code)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux has /dev/full");
        ToolResult result = ToolRun.RunProgram("/bin/sh", "-c", $"exec \"$0\" \"$@\" {redirection}", ToolRun.ToolPath, "eval", "--model", trained.Output, "--data", trained.Data);
        Assert.True(result.Code == code, $"exit code {result.Code}: {result}");
        if (code == BadInput) Assert.Contains("standard output cannot be written", result.ErrorLines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("train --help")]
    [InlineData("--version")]
    public void Help_that_cannot_be_written(string arguments)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux has /dev/full");
        ToolResult result = ToolRun.RunProgram("/bin/sh", "-c", $"exec \"$0\" {arguments} >/dev/full", ToolRun.ToolPath);
        Assert.True(result.Code == BadInput, $"exit code {result.Code}: {result}");
        Assert.Contains("standard output cannot be written", result.ErrorLines.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_model()
    {
        using TestFolder folder = new();
        AssertRefused($"{folder.Root}: this folder has no config.json", ["generate", "--model", folder.Root, "--prompt", "a"]);
    }

    [Fact]
    public void A_place_where_nothing_can_be_written()
    {
        trained.Result.AssertDone();
        AssertRefused($"{trained.Data} is a file", ["train", "--data", trained.Data, "--output", trained.Data]);
        AssertRefused($"{trained.Data} is a file", ["train", "--data", trained.Data, "--output", Path.Combine(trained.Data, "x")]);
        AssertRefused($"{trained.Data} is a file", ["convert", "--model", trained.Output, "--output", Path.Combine(trained.Data, "x.gguf")]);
        AssertRefused($"{trained.Data} is a file", ["convert", "--model", trained.Output, "--output", Path.Combine(trained.Data, "x")]);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("x.gguf")]
    public void A_file_system_where_nothing_can_be_written(string name)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux has /proc");
        trained.Result.AssertDone();
        string complaint = AssertRefused("can be made", ["convert", "--model", trained.Output, "--output", $"/proc/{name}"]);
        Assert.Contains($"/proc/{name}: no f", complaint, StringComparison.Ordinal);
        Assert.DoesNotContain("Could not find", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_or_a_text_without_its_option()
    {
        trained.Result.AssertDone();
        AssertRefused($"did you mean --model {trained.Output}?", ["generate", trained.Output]);
        AssertRefused($"did you mean --data {trained.Data}?", ["train", trained.Data]);
        AssertRefused($"did you mean --data {trained.Data}?", ["eval", "--model", trained.Output, trained.Data]);
    }

    [Theory]
    [InlineData("config.json", "this is the configuration of a model, not a model; give the folder")]
    [InlineData("tokenizer.json", "this is the tokenizer of a model, not a model; give the folder")]
    [InlineData("README.md", "this is neither a GGUF file nor a llama2.c checkpoint")]
    [InlineData("short.txt", "this is neither a GGUF file nor a llama2.c checkpoint")]
    public void A_file_that_is_no_model(string name, string reason)
    {
        using TestFolder folder = new();
        File.WriteAllText(folder[name], name == "short.txt" ? "short" : "{ \"model_type\": \"llama\", \"hidden_size\": 4 }");
        AssertRefused(reason, ["inspect", folder[name]]);
        AssertRefused(reason, ["generate", "--model", folder[name], "--prompt", "a"]);
        AssertRefused(reason, ["tokenize", "--model", folder[name], "--text", "a"]);
    }

    private static string AssertRefused(string named, string[] arguments)
    {
        string complaint = ToolRun.Run(arguments).AssertRefusedAtOnce(BadInput);
        Assert.Contains(named, complaint, StringComparison.Ordinal);
        return complaint;
    }
}
