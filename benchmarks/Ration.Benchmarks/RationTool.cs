using System.Diagnostics;
using System.Text.Json;

namespace Ration.Benchmarks;

/// <summary>The built tool, run as a process of its own, so that its peak memory is that of the job alone.</summary>
/// <param name="path">Where the <c>ration</c> command is.</param>
internal sealed class RationTool(string path)
{
    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">The command line; with <c>--json</c>.</param>
    /// <param name="expected">The exit code that it must end with.</param>
    /// <returns>What it wrote, or nothing where it wrote nothing.</returns>
    /// <exception cref="InvalidOperationException">It ended with another exit code.</exception>
    public JsonElement Run(string[] arguments, int expected)
    {
        ProcessStartInfo start = new(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{path} did not start");
        string last = "";
        process.ErrorDataReceived += (_, line) => last = line.Data is { Length: > 0 } text ? text : last;
        process.BeginErrorReadLine();
        string written = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != expected) throw new InvalidOperationException($"{string.Join(' ', arguments)} ended with {process.ExitCode}, not {expected}: {last}");
        return written.Length == 0 ? default : JsonDocument.Parse(written).RootElement;
    }
}
