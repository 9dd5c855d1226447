using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>
/// A disk that is full while a run saves. The disk is a small one in memory, which a shell mounts in a name space of its own and which
/// goes with it; what is on it at the end is copied out.
/// </summary>
public sealed class FullDiskTests(TrainedModel trained)
{
    private const int CannotMount = 99;

    private const string Script = """
        old=$1 disk=$2 after=$3 size=$4; shift 4
        mount -t tmpfs -o size=$size tmpfs "$disk" || exit 99
        cp "$old"/* "$disk" || exit 98
        "$@"
        code=$?
        cp "$disk"/* "$after"
        exit $code
        """;

    [Theory]
    [InlineData("15m", "--json")]
    [InlineData("24m", "--checkpoint-every=1")]
    public void The_old_files_are_intact_and_one_line_says_what_happened(string size, string option)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux can mount a small disk for one process");
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string disk = Make(folder["disk"]), after = Make(folder["after"]), old = Make(folder["old"]);
        foreach (string file in Directory.EnumerateFiles(trained.Output)) File.Copy(file, Path.Combine(old, Path.GetFileName(file)));
        // With more room a checkpoint can be replaced, but not beside something else of its size.
        if (size != "15m") File.WriteAllBytes(Path.Combine(old, "something-else"), new byte[9 << 20]);
        string[] before = TestFolder.Snapshot(old);
        ToolResult result = Run([old, disk, after, size, ToolRun.ToolPath, .. TrainingJob.Arguments(trained.Data, disk, 4), "--overwrite", option]);
        if (result.Code == CannotMount || result.Error.StartsWith("unshare:", StringComparison.Ordinal)) Assert.Skip($"no small disk can be mounted here: {result.Error.Trim()}");
        string complaint = result.AssertRefused(2);
        Assert.Contains("disk is full", complaint, StringComparison.Ordinal);
        Assert.Contains(disk, complaint, StringComparison.Ordinal);
        Assert.DoesNotContain("--resume", complaint, StringComparison.Ordinal);
        Assert.Equal(before, TestFolder.Snapshot(after));
    }

    [Fact]
    public void Where_the_checkpoint_has_room_and_the_model_has_not_the_run_can_be_gone_on_with()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux can mount a small disk for one process");
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string disk = Make(folder["disk"]), after = Make(folder["after"]), old = Make(folder["old"]);
        File.WriteAllText(Path.Combine(old, "something-else"), "a");
        ToolResult result = Run([old, disk, after, "12m", ToolRun.ToolPath, .. TrainingJob.Arguments(trained.Data, disk, 4)]);
        if (result.Code == CannotMount || result.Error.StartsWith("unshare:", StringComparison.Ordinal)) Assert.Skip($"no small disk can be mounted here: {result.Error.Trim()}");
        string complaint = result.AssertRefused(2);
        Assert.Contains("disk is full", complaint, StringComparison.Ordinal);
        Assert.Contains("the run is saved up to step 4, and once that is mended --resume goes on from there", complaint, StringComparison.Ordinal);
        Assert.Equal(4, TrainingJob.StepsDone(after));
        Assert.False(File.Exists(Path.Combine(after, TrainingJob.Model)));
    }

    [Fact]
    public void With_room_enough_the_same_run_is_saved()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux can mount a small disk for one process");
        trained.Result.AssertDone();
        using TestFolder folder = new();
        string disk = Make(folder["disk"]), after = Make(folder["after"]);
        ToolResult result = Run([trained.Output, disk, after, "64m", ToolRun.ToolPath, .. TrainingJob.Arguments(trained.Data, disk, 4), "--overwrite", "--json"]);
        if (result.Code == CannotMount || result.Error.StartsWith("unshare:", StringComparison.Ordinal)) Assert.Skip($"no small disk can be mounted here: {result.Error.Trim()}");
        result.AssertDone();
        Assert.Equal(4, TrainingJob.StepsDone(after));
    }

    private static string Make(string folder) => Directory.CreateDirectory(folder).FullName;

    private static ToolResult Run(string[] arguments)
    {
        if (!File.Exists("/usr/bin/unshare")) Assert.Skip("there is no unshare");
        using ToolRun run = ToolRun.StartProgram("/usr/bin/unshare", ["--map-root-user", "--mount", "sh", "-c", Script, "sh", .. arguments]);
        return run.Wait();
    }
}
