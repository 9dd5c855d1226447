using System.Runtime.InteropServices;
using System.Text.Json;
using Ration.EndToEnd.Tests.Support;
using Ration.Files.Peft;
using Ration.Tensors;

namespace Ration.EndToEnd.Tests;

/// <summary>A low-rank adapter named as the model.</summary>
public sealed class AdapterTests(TrainedModel trained)
{
    private const string Module = "model.layers.1.mlp.down_proj";

    [Fact]
    public void An_adapter_and_its_base_are_one_model()
    {
        using TestFolder folder = new();
        WriteAdapter(folder["adapter"], trained.Output);
        ToolRun.Run("convert", "--model", folder["adapter"], "--output", folder["merged"]).AssertDone();
        ToolRun.Run("convert", "--model", folder["adapter"], "--output", folder["merged.gguf"]).AssertDone();
        double loss = Loss(folder["adapter"]);
        Assert.Equal(loss, Loss(folder["merged"]), 1e-6);
        Assert.Equal(loss, Loss(folder["merged.gguf"]), 1e-6);
        Assert.NotEqual(loss, Loss(trained.Output), 1e-3);
        string text = Generate(folder["adapter"]);
        Assert.Equal(text, Generate(folder["merged"]));
        Assert.Equal("104 105", ToolRun.Run("tokenize", "--model", folder["adapter"], "--text", "hi").AssertDone().Output.Trim());
        Assert.Contains("adapter folder", ToolRun.Run("inspect", folder["adapter"]).AssertDone().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_tensors_of_an_adapter_stand_in_columns()
    {
        using TestFolder folder = new();
        WriteAdapter(folder["adapter"], trained.Output, "model.layers.1.self_attn.with_a_long_name_of_a_projection");
        string[] lines = ToolRun.Run("inspect", folder["adapter"]).AssertDone().Output.Split('\n');
        string[] tensors = [.. lines.Where(static line => line.StartsWith("  base_model.", StringComparison.Ordinal))];
        Assert.Equal(2, tensors.Length);
        string heads = Assert.Single(lines, static line => line.StartsWith("  tensors ", StringComparison.Ordinal));
        Assert.All(tensors, line => Assert.Equal(heads.IndexOf("type", StringComparison.Ordinal), line.IndexOf("F32", StringComparison.Ordinal)));
        Assert.All(tensors, line => Assert.Equal(heads.Length, line.Length));
    }

    [Fact]
    public void The_base_can_be_named_and_is_missed_in_words()
    {
        using TestFolder folder = new();
        WriteAdapter(folder["adapter"], "someone/a-model-7B");
        foreach (string command in (string[])["generate", "chat", "eval", "convert", "tokenize"])
        {
            string complaint = ToolRun.Run([command, "--model", folder["adapter"], .. Needed(command, folder)]).AssertRefused(2);
            Assert.Contains("--base-model", complaint, StringComparison.Ordinal);
            Assert.Contains("someone/a-model-7B", complaint, StringComparison.Ordinal);
        }

        Assert.Contains("ration convert", ToolRun.Run("train", "--model", folder["adapter"], "--data", trained.Data, "--output", folder["out"]).AssertRefused(2), StringComparison.Ordinal);
        Assert.Contains("is no adapter", ToolRun.Run("eval", "--model", trained.Output, "--base-model", trained.Output, "--data", trained.Data).AssertRefused(2), StringComparison.Ordinal);
        ToolRun.Run("convert", "--model", trained.Output, "--output", folder["base.gguf"], "--format", "q8_0").AssertDone();
        Assert.NotEqual("", ToolRun.Run("generate", "--model", folder["adapter"], "--base-model", folder["base.gguf"], "--prompt", "the", "--max-tokens", "5").AssertDone().Output);
    }

    private string[] Needed(string command, TestFolder folder) => command switch
    {
        "generate" => ["--prompt", "the"],
        "eval" => ["--data", trained.Data],
        "convert" => ["--output", folder["out"]],
        "tokenize" => ["--text", "the"],
        _ => [],
    };

    private static string Generate(string model) => ToolRun.Run("generate", "--model", model, "--prompt", "the old ", "--max-tokens", "20", "--temperature", "0").AssertDone().Output;

    private double Loss(string model)
    {
        JsonElement json = ToolRun.Run("eval", "--model", model, "--data", trained.Data, "--sequence", "64", "--json").AssertDone().Json();
        return json.GetProperty("loss").GetDouble();
    }

    private void WriteAdapter(string folder, string baseModel, string module = Module)
    {
        trained.Result.AssertDone();
        const int Rank = 4, Inputs = 384, Outputs = 128;
        PeftAdapter.Save(folder, new PeftConfig { Rank = Rank, Alpha = 8, TargetModules = ["down_proj"], BaseModel = baseModel },
            [(PeftAdapter.NameOfA(module), DType.F32, new Shape(Rank, Inputs)), (PeftAdapter.NameOfB(module), DType.F32, new Shape(Outputs, Rank))],
            static output =>
            {
                foreach (var tensor in output.Tensors)
                {
                    float[] numbers = [.. Enumerable.Range(0, (int)tensor.Shape.Elements).Select(static i => 0.2f * MathF.Sin(i * 0.7f))];
                    output.Write(tensor.Name, MemoryMarshal.AsBytes(numbers.AsSpan()));
                }
            });
    }
}
