using System.Diagnostics;
using System.Text;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>The tool in a pseudo-terminal of 60 columns, which gets keys as the bytes that terminals send for them.</summary>
internal sealed class TerminalSession : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly Task _reading;
    private readonly StringBuilder _output = new();
    private int _seen;

    /// <summary>Starts the tool; when it has ended, its exit code and the settings of the terminal are shown. Where it was only stopped, it goes on then.</summary>
    /// <param name="type">The type of the terminal.</param>
    /// <param name="arguments">The tool's arguments, which have no quotes in them.</param>
    public TerminalSession(string type, params IEnumerable<string> arguments)
    {
        Assert.SkipUnless(Script is not null, "there is no script of util-linux, which opens pseudo-terminals");
        Signals.StopIgnoring(Signals.Interrupt);
        string tool = string.Join(' ', arguments.Prepend(ToolRun.ToolPath).Select(static a => $"\"{a}\""));
        const string Show = "echo code $?.; stty -a; echo end.";
        string command = $"stty cols 60 rows 20; trap : INT; set -m; sh -c 'echo process $$.; exec {tool}'; {Show}; fg; {Show}";
        ProcessStartInfo start = ToolRun.StartInfo(Script!, ["--quiet", "--flush", "--command", command, "/dev/null"], takesInput: true);
        (start.StandardInputEncoding, start.Environment["TERM"], start.Environment["SHELL"]) = (new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), type, "/bin/sh");
        _process = Process.Start(start) ?? throw new InvalidOperationException("script did not start");
        _reading = Task.Run(Read);
        Id = int.Parse(WaitFor("process ", "."), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The process of the tool.</summary>
    public int Id { get; }

    /// <summary>All that was shown.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    private static string? Script { get; } = !OperatingSystem.IsLinux() ? null
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(static folder => Path.Combine(folder, "script")).FirstOrDefault(File.Exists);

    /// <summary>Presses keys.</summary>
    public void Send(string keys)
    {
        _process.StandardInput.Write(keys);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until a text is shown after all that was waited for before.</summary>
    public void WaitFor(string text)
    {
        long start = Stopwatch.GetTimestamp();
        int at;
        while ((at = Output.IndexOf(text, _seen, StringComparison.Ordinal)) < 0)
        {
            if (_reading.IsCompleted || Stopwatch.GetElapsedTime(start) > s_limit) Assert.Fail($"not shown: {text}; shown: {Output}");
            Thread.Sleep(5);
        }

        _seen = at + text.Length;
    }

    /// <summary>Waits until more is shown than all that was waited for before.</summary>
    public void WaitForMore()
    {
        long start = Stopwatch.GetTimestamp();
        while (Output.Length <= _seen)
        {
            if (_reading.IsCompleted || Stopwatch.GetElapsedTime(start) > s_limit) Assert.Fail($"nothing more shown: {Output}");
            Thread.Sleep(1);
        }
    }

    /// <summary>What is shown between two texts.</summary>
    public string WaitFor(string before, string after)
    {
        WaitFor(before);
        int start = _seen;
        WaitFor(after);
        return Output[start..(_seen - after.Length)];
    }

    /// <summary>Waits until the tool has ended, or was stopped, and left the terminal as it was.</summary>
    public void AssertEnded(int code)
    {
        Assert.Equal($"{code}", WaitFor("code ", "."));
        string[] settings = WaitFor("speed", "end.").Split((char[])[' ', ';', '\r', '\n']);
        foreach (string setting in (string[])["icanon", "echo", "isig", "icrnl", "opost", "ixon", "-noflsh"]) Assert.Contains(setting, settings);
        string shown = Output[.._seen];
        (int on, int off) = (shown.LastIndexOf("\u001B[?2004h", StringComparison.Ordinal), shown.LastIndexOf("\u001B[?2004l", StringComparison.Ordinal));
        Assert.Equal(on >= 0, off > on);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Read()
    {
        char[] some = new char[1024];
        for (int count; (count = _process.StandardOutput.Read(some)) > 0;)
        {
            lock (_output) _output.Append(some, 0, count);
        }
    }
}
