using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

public sealed class DeterminismTests(TrainedModel trained)
{
    [Theory]
    [InlineData("--dropout", "0")]
    [InlineData("--dropout", "0.2")]
    [InlineData("--micro-batch", "2")]
    [InlineData("--loss", "cut-filtered")]
    [InlineData("--loss", "sampled")]
    public void Any_number_of_threads_gives_the_same_files(string option, string value)
    {
        using TestFolder folder = new();
        TrainingJob.Run(TrainingJob.Arguments(trained.Data, folder["one"], 3, threads: 1), option, value, "--json");
        TrainingJob.Run(TrainingJob.Arguments(trained.Data, folder["two"], 3, threads: 2), option, value, "--json");
        TrainingJob.Run(TrainingJob.Arguments(trained.Data, folder["three"], 3, threads: 3), option, value, "--json");
        Assert.Equal(TestFolder.Snapshot(folder["one"]), TestFolder.Snapshot(folder["two"]));
        Assert.Equal(TestFolder.Snapshot(folder["one"]), TestFolder.Snapshot(folder["three"]));
    }

    [Fact]
    public void Another_seed_gives_other_weights()
    {
        using TestFolder folder = new();
        TrainingJob.Run(TrainingJob.Arguments(trained.Data, folder["one"], 1), "--seed", "1", "--json");
        TrainingJob.Run(TrainingJob.Arguments(trained.Data, folder["two"], 1), "--seed", "2", "--json");
        Assert.False(TrainingJob.ModelBytes(folder["one"]).AsSpan().SequenceEqual(TrainingJob.ModelBytes(folder["two"])));
    }
}
