namespace Ration.EndToEnd.Tests;

public sealed class InterruptionTests
{
    private const int Interrupt = 2;
    private const int Terminate = 15;

    [Fact]
    public void A_run_killed_at_any_moment_and_resumed_equals_one_that_never_stopped()
    {
        using Workspace work = new();
        string[] options = ["--checkpoint-every", "40", "--dropout", "0.1", "--json"];
        Assert.Equal(0, Tool.Run(work.Train("whole", 240, options)).ExitCode);
        using (Tool tool = Tool.Start(work.Train("parts", 240, options)))
        {
            tool.WaitFor(Path.Combine(work["parts"], "checkpoint.safetensors"));
            tool.Kill();
            Assert.NotEqual(0, tool.Wait().ExitCode);
        }

        Assert.False(File.Exists(Path.Combine(work["parts"], "model.safetensors")), "the run ended before it was killed");
        Outcome resumed = Tool.Run(work.Train("parts", 240, [.. options, "--resume"]));
        Assert.True(resumed.ExitCode == 0, resumed.ToString());
        Assert.Equal(240, resumed.Json.GetProperty("steps").GetInt64());
        Assert.InRange(resumed.Json.GetProperty("tokens").GetInt64(), 1, 239 * 128);
        Assert.Equal(work.Weights("whole"), work.Weights("parts"));
    }

    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Terminate)]
    public void The_first_signal_saves_and_exits_with_130_and_the_run_can_be_resumed(int signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent the Unix way");
        using Workspace work = new();
        Assert.Equal(0, Tool.Run(work.Train("whole", 240, "--json")).ExitCode);
        using (Tool tool = Tool.Start(work.Train("parts", 240, "--checkpoint-every", "20", "--json")))
        {
            tool.WaitFor(Path.Combine(work["parts"], "checkpoint.safetensors"));
            tool.Signal(signal);
            Outcome stopped = tool.Wait();
            Assert.True(stopped.ExitCode == 130, stopped.ToString());
            Assert.True(stopped.Json.GetProperty("interrupted").GetBoolean());
            Assert.InRange(stopped.Json.GetProperty("steps").GetInt64(), 20, 239);
            Assert.Contains("--resume", stopped.Error, StringComparison.Ordinal);
        }

        Assert.Equal(0, Tool.Run(work.Train("parts", 240, "--json", "--resume")).ExitCode);
        Assert.Equal(work.Weights("whole"), work.Weights("parts"));
    }

    [Fact]
    public void A_disk_that_is_full_while_saving_leaves_the_last_checkpoint_as_it_was()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the limit on the size of files stands for a full disk, and is set the Linux way");
        using Workspace work = new();
        string checkpoint = Path.Combine(work["model"], "checkpoint.safetensors");
        using (Tool tool = Tool.Start(work.Train("model", 240, "--checkpoint-every", "20", "--json")))
        {
            tool.WaitFor(checkpoint);
            tool.Signal(Interrupt);
            Assert.Equal(130, tool.Wait().ExitCode);
        }

        byte[] before = File.ReadAllBytes(checkpoint);
        // The runtime keeps code in a file in memory, to which the limit would apply as well.
        Outcome full = Tool.Shell("export DOTNET_EnableWriteXorExecute=0; trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"", work.Train("model", 240, "--resume", "--json"));
        Assert.True(full.ExitCode == 2, full.ToString());
        Assert.Equal("", full.Output);
        Assert.StartsWith("ration: ", full.Error.TrimEnd('\n').Split('\n')[^1], StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(checkpoint));
        Assert.DoesNotContain(Directory.EnumerateFiles(work["model"]), static f => f.Contains("partial", StringComparison.Ordinal));
        Assert.Equal(0, Tool.Run(work.Train("model", 240, "--resume", "--json")).ExitCode);
    }
}
