using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Ration.EndToEnd.Tests;

/// <summary>What a run of the tool left behind.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as the one JSON object that it must be.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>Everything, for the message of a failed assertion.</summary>
    public override string ToString() => $"exit code {ExitCode}\n--- stdout\n{Output}\n--- stderr\n{Error}";
}

/// <summary>Runs the built tool as a process of its own.</summary>
internal sealed class Tool : IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    private Tool(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = AppContext.BaseDirectory;
        // Whatever the test host was started with must not reach the tool.
        foreach (string name in start.Environment.Keys.Where(static k => k.StartsWith("DOTNET_Tiered", StringComparison.Ordinal)).ToArray()) start.Environment.Remove(name);
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _error = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>The path of the tool.</summary>
    public static string ExecutablePath { get; } = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Ration.Cli.exe" : "Ration.Cli");

    /// <summary>Runs the tool to its end.</summary>
    public static Outcome Run(params string[] arguments)
    {
        using Tool tool = Start(arguments);
        return tool.Wait();
    }

    /// <summary>Runs a shell command line to its end, in which $0 is the tool and $1, $2 … are the arguments.</summary>
    public static Outcome Shell(string command, params string[] arguments)
    {
        using Tool tool = new(new ProcessStartInfo("bash", ["-c", command, ExecutablePath, .. arguments]));
        return tool.Wait();
    }

    /// <summary>Starts the tool.</summary>
    public static Tool Start(params string[] arguments) => new(new ProcessStartInfo(ExecutablePath, arguments));

    /// <summary>Sends a signal by its number.</summary>
    public void Signal(int number) => Assert.Equal(0, SendSignal(_process.Id, number));

    /// <summary>Ends the process at once, without a chance to do anything.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Waits until a file exists.</summary>
    public void WaitFor(string file)
    {
        long start = Stopwatch.GetTimestamp();
        while (!File.Exists(file))
        {
            Assert.False(_process.HasExited, $"the tool ended before it wrote {file}: {(_process.HasExited ? _error.Result : "")}");
            Assert.True(Stopwatch.GetElapsedTime(start) < s_longest, $"{file} did not appear");
            Thread.Sleep(5);
        }
    }

    /// <summary>Waits for the end.</summary>
    public Outcome Wait()
    {
        if (!_process.WaitForExit(s_longest))
        {
            _process.Kill();
            Assert.Fail("the tool did not end in time");
        }

        return new Outcome(_process.ExitCode, _output.GetAwaiter().GetResult(), _error.GetAwaiter().GetResult());
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
