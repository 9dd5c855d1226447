using System.Text.Json;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class ConvertTests(TrainedModel trained)
{
    [Fact]
    public void There_and_back_in_f32_changes_nothing()
    {
        using TestFolder folder = new();
        Convert(trained.Output, folder["model.gguf"], "--format", "f32");
        Convert(folder["model.gguf"], folder["back"]);
        Assert.Equal(Loss(trained.Output), Loss(folder["model.gguf"]), 1e-6);
        Assert.Equal(Loss(trained.Output), Loss(folder["back"]), 1e-6);
        string[] prompt = ["--prompt", "thé old ", "--max-tokens", "20", "--temperature", "0"];
        string text = ToolRun.Run(["generate", "--model", trained.Output, .. prompt]).AssertDone().Output;
        Assert.Equal(text, ToolRun.Run(["generate", "--model", folder["model.gguf"], .. prompt]).AssertDone().Output);
        Assert.Equal(text, ToolRun.Run(["generate", "--model", folder["back"], .. prompt]).AssertDone().Output);
    }

    [Fact]
    public void Quantized_weights_are_smaller_and_nearly_as_good()
    {
        using TestFolder folder = new();
        JsonElement json = Convert(trained.Output, folder["model.gguf"], "--format", "q8_0").Json();
        Assert.Equal(new FileInfo(folder["model.gguf"]).Length, json.GetProperty("bytes").GetInt64());
        Assert.True(json.GetProperty("bytes").GetInt64() < new FileInfo(Path.Combine(trained.Output, TrainingJob.Model)).Length / 3);
        Assert.True(json.GetProperty("tensors").GetInt32() > 10);
        Assert.Equal(folder["model.gguf"], json.GetProperty("output").GetString());
        Assert.Equal(Loss(trained.Output), Loss(folder["model.gguf"]), 0.01);
        JsonElement inspected = ToolRun.Run("inspect", folder["model.gguf"], "--json").AssertDone().Json();
        Assert.True(inspected.GetProperty("types").GetProperty("Q8_0").GetProperty("tensors").GetInt32() > 10);
    }

    [Fact]
    public void What_is_there_is_replaced_only_when_asked_for()
    {
        using TestFolder folder = new();
        File.WriteAllText(folder["model.gguf"], "precious");
        Assert.Contains("--overwrite", ToolRun.Run(Arguments(trained.Output, folder["model.gguf"])).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(folder["model.gguf"]));
        Convert(trained.Output, folder["model.gguf"], "--overwrite");
        folder.WriteText("folder.txt");
        string refusal = ToolRun.Run([.. Arguments(trained.Output, folder.Root), "--format", "q4_0"]).AssertRefusedAtOnce(2);
        Assert.Contains("--overwrite", refusal, StringComparison.Ordinal);
        string copy = folder.Copy(trained.Output);
        Assert.Contains("overwrite itself", ToolRun.Run([.. Arguments(copy, copy), "--overwrite"]).AssertRefused(2), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root, "*partial*"));
    }

    [Fact]
    public void An_empty_folder_is_filled_where_it_is()
    {
        using TestFolder folder = new();
        Directory.CreateDirectory(folder["empty"]);
        ToolRun.RunIn(folder["empty"], Arguments(Path.GetFullPath(trained.Output), ".")).AssertDone();
        Assert.True(File.Exists(folder["empty/model.safetensors"]));
        Assert.Equal([folder["empty"]], Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void A_model_can_be_in_several_files()
    {
        using TestFolder folder = new();
        JsonElement json = Convert(trained.Output, folder["model.gguf"], "--largest-file", "1MiB").Json();
        string[] parts = [.. json.GetProperty("files").EnumerateArray().Select(static f => f.GetString()!)];
        Assert.True(parts.Length > 2);
        Assert.Equal(parts, Directory.GetFiles(folder.Root, "model-0000?-of-0000?.gguf").Order(StringComparer.Ordinal));
        Assert.Equal(Loss(trained.Output), Loss(parts[0]), 1e-6);
        string again = ToolRun.Run([.. Arguments(trained.Output, folder["model.gguf"]), "--largest-file", "2MiB"]).AssertRefusedAtOnce(2);
        Assert.Contains(parts[0], again, StringComparison.Ordinal);
        Convert(trained.Output, folder["shards"], "--largest-file", "1MiB");
        Assert.True(File.Exists(folder["shards/model.safetensors.index.json"]));
        Assert.Equal(Loss(trained.Output), Loss(folder["shards"]), 1e-6);
    }

    [Fact]
    public void A_folder_that_cannot_hold_a_format_is_not_made()
    {
        using TestFolder folder = new();
        Assert.Contains(".gguf", ToolRun.Run([.. Arguments(trained.Output, folder["new"]), "--format", "q4_0"]).AssertRefused(2), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
    }

    [Theory]
    [InlineData("x.bin")]
    [InlineData("x.safetensors")]
    [InlineData("x.JSON")]
    public void A_name_of_another_kind_of_file_is_refused(string name)
    {
        using TestFolder folder = new();
        string complaint = ToolRun.Run(Arguments(trained.Output, folder[name])).AssertRefusedAtOnce(2);
        Assert.Contains(".gguf", complaint, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
        Convert(trained.Output, folder["llama-3.1"]);
        Assert.True(Directory.Exists(folder["llama-3.1"]));
    }

    [Theory]
    [InlineData("nf4", "NF4")]
    [InlineData("fp4-double", "FP4")]
    public void Weights_of_4_bits_are_inspected_as_what_they_are(string format, string type)
    {
        using TestFolder folder = new();
        Convert(trained.Output, folder["short"], "--format", format);
        JsonElement json = ToolRun.Run("inspect", folder["short"], "--json").AssertDone().Json();
        JsonElement[] tensors = [.. json.GetProperty("tensors").EnumerateArray()];
        JsonElement down = Assert.Single(tensors, static t => t.GetProperty("name").GetString() == "model.layers.0.mlp.down_proj.weight");
        Assert.Equal(type, down.GetProperty("type").GetString());
        Assert.Equal([128, 384], down.GetProperty("shape").EnumerateArray().Select(static n => n.GetInt32()));
        Assert.DoesNotContain(tensors, static t => t.GetProperty("type").GetString() == "U8");
        JsonElement[] parts = [.. ToolRun.Run("inspect", Path.Combine(folder["short"], TrainingJob.Model), "--json").AssertDone().Json().GetProperty("tensors").EnumerateArray()];
        Assert.True(parts.Length > tensors.Length);
        Assert.Equal(parts.Sum(static t => t.GetProperty("bytes").GetInt64()), json.GetProperty("bytes").GetInt64());
    }

    [Theory]
    [InlineData("nf4-double", 0.3)]
    [InlineData("f8_e4m3", 0.1)]
    public void Folders_hold_short_formats_too(string format, double tolerance)
    {
        using TestFolder folder = new();
        Convert(trained.Output, folder["short"], "--format", format);
        Assert.Equal(Loss(trained.Output), Loss(folder["short"]), tolerance);
        Assert.Contains("bf16", ToolRun.Run([.. Arguments(trained.Output, folder["x.gguf"]), "--format", format]).AssertRefused(2), StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_of_a_file_are_made()
    {
        using TestFolder folder = new();
        Convert(trained.Output, folder["new/model.gguf"]);
        Assert.True(File.Exists(folder["new/model.gguf"]));
    }

    [Fact]
    public void The_state_of_a_run_does_not_outlive_its_model()
    {
        using TestFolder folder = new();
        trained.Result.AssertDone();
        string output = folder.Copy(trained.Output);
        Assert.True(File.Exists(Path.Combine(output, TrainingJob.Checkpoint)));
        ToolResult result = Convert(trained.Output, output, "--overwrite");
        Assert.False(File.Exists(Path.Combine(output, TrainingJob.Checkpoint)));
        int tensors = ToolRun.Run("inspect", Path.Combine(output, TrainingJob.Model), "--json").AssertDone().Json().GetProperty("tensors").GetArrayLength();
        Assert.Equal(tensors, result.Json().GetProperty("tensors").GetInt32());
    }

    [Fact]
    public void What_a_folder_cannot_hold_is_changed_with_a_word()
    {
        using TestFolder folder = new();
        Convert(trained.Output, folder["model.gguf"], "--format", "q4_0");
        ToolResult result = Convert(folder["model.gguf"], folder["back"]);
        Assert.Contains("q4_0 matrices become f16: folders hold f32", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("become", Convert(trained.Output, folder["same"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Matrices_whose_rows_are_no_whole_blocks_are_named()
    {
        using TestFolder folder = new();
        ToolResult result = Convert(trained.Output, folder["model.gguf"], "--format", "q4_k");
        int others = result.Json().GetProperty("otherTypes").GetProperty("Q5_0").GetInt32();
        string note = Assert.Single(result.ErrorLines, static line => line.Contains("note:", StringComparison.Ordinal));
        Assert.Contains($"{others} tensors become q5_0 instead of q4_k, which has blocks of 256", note, StringComparison.Ordinal);
        Assert.Equal(others, ToolRun.Run("inspect", folder["model.gguf"], "--json").AssertDone().Json().GetProperty("types").GetProperty("Q5_0").GetProperty("tensors").GetInt32());
        ToolResult whole = Convert(trained.Output, folder["other.gguf"], "--format", "q8_0");
        Assert.Empty(whole.Json().GetProperty("otherTypes").EnumerateObject());
        Assert.DoesNotContain("note:", whole.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_GGUF_file_can_be_trained_on()
    {
        using TestFolder folder = new();
        Convert(trained.Output, folder["model.gguf"], "--format", "q8_0");
        string[] arguments = ["train", "--model", folder["model.gguf"], "--data", trained.Data, "--output", folder["tuned"], "--steps", "3", "--batch", "256", "--sequence", "64"];
        JsonElement json = ToolRun.Run([.. arguments, "--json"]).AssertDone().Json();
        Assert.True(json.GetProperty("evalLoss").GetDouble() < Loss(trained.Output) + 0.1);
        Assert.NotEqual("", ToolRun.Run("generate", "--model", folder["tuned"], "--prompt", "the", "--max-tokens", "5").AssertDone().Output);
    }

    private double Loss(string model) =>
        ToolRun.Run("eval", "--model", model, "--data", trained.Data, "--sequence", "64", "--json").AssertDone().Json().GetProperty("loss").GetDouble();

    private ToolResult Convert(string model, string output, params string[] more)
    {
        trained.Result.AssertDone();
        return ToolRun.Run([.. Arguments(model, output), .. more, "--json"]).AssertDone();
    }

    private static string[] Arguments(string model, string output) => ["convert", "--model", model, "--output", output];
}
