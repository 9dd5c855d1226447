using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class DataTests
{
    [Fact]
    public void A_run_does_not_learn_from_what_it_wrote_itself()
    {
        using TestFolder folder = new();
        folder.WriteText();
        string[] arguments = TrainingJob.Arguments(folder.Root, folder["output"]);
        TrainingJob.Run(arguments, "--json");
        byte[] first = TrainingJob.ModelBytes(folder["output"]);
        TrainingJob.Run(arguments, "--overwrite", "--json");
        Assert.Equal(first, TrainingJob.ModelBytes(folder["output"]));
    }

    [Fact]
    public void Epochs_become_steps()
    {
        using TestFolder folder = new();
        string text = folder.WriteText(length: 20_000);
        ToolResult result = ToolRun.Run(
            "train", "--data", text, "--output", folder["output"], "--epochs", "0.5", "--batch", "512", "--sequence", "64", "--threads", "1", "--json").AssertDone();
        long trainingTokens = new FileInfo(text).Length * 9 / 10;
        Assert.InRange(result.Json().GetProperty("steps").GetInt64(), (trainingTokens / 2 / 512) - 1, (trainingTokens / 2 / 512) + 1);
    }
}
