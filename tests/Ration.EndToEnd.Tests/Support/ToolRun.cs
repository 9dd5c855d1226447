using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>The built tool, running as a process of its own.</summary>
internal sealed class ToolRun : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;
    private readonly string _commandLine;

    private ToolRun(Process process, string commandLine)
    {
        (_process, _commandLine) = (process, commandLine);
        _output = process.StandardOutput.ReadToEndAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The apphost that the build puts beside the tests, or the tool that RATION_TOOL names, such as a native build.</summary>
    public static string ToolPath { get; } = Environment.GetEnvironmentVariable("RATION_TOOL") is { Length: > 0 } named
        ? named
        : Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Ration.Cli.exe" : "Ration.Cli");

    /// <summary>The process.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Starts the tool.</summary>
    public static ToolRun Start(params IEnumerable<string> arguments) => StartProgram(ToolPath, arguments);

    /// <summary>Starts another program, which runs the tool.</summary>
    public static ToolRun StartProgram(string program, params IEnumerable<string> arguments) => StartProgram(program, arguments, takesInput: false);

    /// <summary>Starts another program, which runs the tool, and waits for its end.</summary>
    public static ToolResult RunProgram(string program, params IEnumerable<string> arguments)
    {
        using ToolRun run = StartProgram(program, arguments);
        return run.Wait();
    }

    /// <summary>How a program that runs the tool is started.</summary>
    public static ProcessStartInfo StartInfo(string program, IEnumerable<string> arguments, bool takesInput)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = takesInput,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            UseShellExecute = false,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["DOTNET_ROOT"] = DotnetRoot();
        // Plans shall not depend on what was measured on this machine before.
        start.Environment["RATION_RATES"] = Path.Combine(AppContext.BaseDirectory, "no-rates.json");
        return start;
    }

    private static ToolRun StartProgram(string program, IEnumerable<string> arguments, bool takesInput) => Start(StartInfo(program, arguments, takesInput));

    private static ToolRun Start(ProcessStartInfo start)
    {
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");
        return new ToolRun(process, string.Join(' ', start.ArgumentList));
    }

    /// <summary>Starts the tool and waits for its end.</summary>
    public static ToolResult Run(params IEnumerable<string> arguments)
    {
        using ToolRun run = Start(arguments);
        return run.Wait();
    }

    /// <summary>Starts the tool in a folder and waits for its end.</summary>
    public static ToolResult RunIn(string folder, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = StartInfo(ToolPath, arguments, takesInput: false);
        start.WorkingDirectory = folder;
        using ToolRun run = Start(start);
        return run.Wait();
    }

    /// <summary>Starts the tool with an environment variable and waits for its end.</summary>
    public static ToolResult RunWith(string variable, string value, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = StartInfo(ToolPath, arguments, takesInput: false);
        start.Environment[variable] = value;
        using ToolRun run = Start(start);
        return run.Wait();
    }

    /// <summary>Starts the tool, writes a text to its standard input, and waits for its end.</summary>
    public static ToolResult RunWithInput(string input, params IEnumerable<string> arguments) => RunWithInput(Encoding.UTF8.GetBytes(input), arguments);

    /// <summary>Starts the tool, writes bytes to its standard input, and waits for its end.</summary>
    public static ToolResult RunWithInput(byte[] input, params IEnumerable<string> arguments)
    {
        using ToolRun run = StartProgram(ToolPath, arguments, takesInput: true);
        run._process.StandardInput.BaseStream.Write(input);
        run._process.StandardInput.Close();
        return run.Wait();
    }

    /// <summary>Waits for the end.</summary>
    public ToolResult Wait()
    {
        if (!_process.WaitForExit(s_limit))
        {
            _process.Kill(entireProcessTree: true);
            Assert.Fail($"ration {_commandLine}: not done after {s_limit.TotalSeconds:0} s\n{_error.GetAwaiter().GetResult()}");
        }

        return new ToolResult(_process.ExitCode, _output.GetAwaiter().GetResult(), _error.GetAwaiter().GetResult(), _commandLine);
    }

    /// <summary>Waits until something is so, looking often; fails where the tool ends before.</summary>
    public void WaitUntil(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (_process.HasExited) Assert.Fail($"it ended too early: {Wait()}");
            Assert.True(Stopwatch.GetElapsedTime(start) < s_limit, $"ration {_commandLine}: waited in vain");
            Thread.Sleep(1);
        }
    }

    /// <summary>Ends it at once, as kill -9 does.</summary>
    public void Kill() => _process.Kill();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    // The apphost looks for the runtime in the usual places; the one that runs the tests may be elsewhere.
    private static string DotnetRoot() => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
}
