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
        Assert.Matches(@"\bnot finite at step [0-9]+\b", result.AssertRefused(2));
        Assert.Equal(before, TestFolder.Snapshot(output));
    }
}
