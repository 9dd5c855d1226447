using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class DivergenceTests(TrainedModel trained)
{
    [Fact]
    public void A_loss_that_is_not_finite_ends_the_run_names_the_step_and_leaves_the_checkpoint_as_it_was()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string output = folder.Copy(trained.Output);
        string[] before = TestFolder.Snapshot(output);
        ToolResult result = ToolRun.Run([.. TrainingJob.Arguments(trained.Data, output, 20), "--optimizer", "sgd", "--learning-rate", "1e9", "--clip", "0", "--overwrite", "--json"]);
        Assert.Matches(@"\bthe loss is no longer finite at step [0-9]+\b", result.AssertRefused(2));
        Assert.Equal(before, TestFolder.Snapshot(output));
    }

    [Fact]
    public void Of_a_model_with_weights_that_are_not_numbers_that_is_said()
    {
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string model = folder.Copy(trained.Output);
        SpoilWeights(Path.Combine(model, TrainingJob.Model));
        string[] of = ["--model", model, "--data", trained.Data, "--sequence", "64", "--threads", "1"];
        foreach (string[] command in (string[][])[["train", .. of, "--batch", "256", "--steps", "3", "--output", folder["output"]], ["eval", .. of], ["eval", .. of, "--json"]])
        {
            string complaint = ToolRun.Run(command).AssertRefused(2);
            Assert.Contains($"{model}: the model gives no finite loss for this text, so its weights are probably damaged", complaint, StringComparison.Ordinal);
            Assert.DoesNotContain("--learning-rate", complaint, StringComparison.Ordinal);
        }
    }

    // Without its metadata, in which checksums would tell of it.
    private static void SpoilWeights(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int data = sizeof(long) + (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        JsonObject header = JsonNode.Parse(file.AsSpan(sizeof(long), data - sizeof(long)))!.AsObject();
        header.Remove("__metadata__");
        BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(data + (int)header["model.norm.weight"]!["data_offsets"]![0]!), float.NaN);
        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString()), length = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        File.WriteAllBytes(path, [.. length, .. text, .. file.AsSpan(data)]);
    }
}
