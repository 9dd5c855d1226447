using System.Globalization;
using System.Runtime.InteropServices;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>Signals of Unix.</summary>
internal static class Signals
{
    /// <summary>The terminal is gone.</summary>
    public const int HangUp = 1;

    /// <summary>Ctrl-C.</summary>
    public const int Interrupt = 2;

    /// <summary>The polite request to end.</summary>
    public const int Terminate = 15;

    /// <summary>Sends one.</summary>
    public static void Send(ToolRun run, int signal) => Send(run.Id, signal);

    /// <summary>Sends one to a process.</summary>
    public static void Send(int process, int signal) => Assert.Equal(0, SendSignal(process, signal));

    /// <summary>
    /// Lets processes that are started from now on have the signal, even where whoever started the tests ignores it, as shells do for
    /// what they run in the background.
    /// </summary>
    public static void StopIgnoring(int signal)
    {
        if (OperatingSystem.IsLinux() && IsIgnored(signal)) _ = SetHandler(signal, 0);
    }

    private static bool IsIgnored(int signal)
    {
        string line = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        ulong ignored = ulong.Parse(line.AsSpan("SigIgn:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return ((ignored >> (signal - 1)) & 1) != 0;
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SetHandler(int signal, nint handler);
}
