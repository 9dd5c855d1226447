using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Ration.Tests;

/// <summary>Processor time of the current thread: unlike time by the wall, it does not grow where other work takes the cores.</summary>
internal static unsafe class ThreadClock
{
    // CLOCK_THREAD_CPUTIME_ID
    private const int OnLinux = 3, OnMac = 16;

    /// <summary>What the current thread has used since it began. Time by the wall, which is never less, on systems without such a clock.</summary>
    public static TimeSpan Used()
    {
        if (OperatingSystem.IsWindows())
        {
            long created, exited, kernel, user;
            if (GetThreadTimes(-2, &created, &exited, &kernel, &user)) return new TimeSpan(kernel + user);
        }
        else if (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS())
        {
            nint* time = stackalloc nint[2];
            if (GetTime(OperatingSystem.IsLinux() ? OnLinux : OnMac, time) == 0) return TimeSpan.FromSeconds(time[0]) + TimeSpan.FromMicroseconds(time[1] / 1e3);
        }

        return Stopwatch.GetElapsedTime(0);
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetTime(int clock, nint* time);

    [DllImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern bool GetThreadTimes(nint thread, long* created, long* exited, long* kernel, long* user);
}
