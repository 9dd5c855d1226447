using System.Diagnostics;
using System.Globalization;

namespace Ration.Memory;

/// <summary>This process's resident memory as the operating system counts it.</summary>
public static class MeasuredMemory
{
    /// <summary>Bytes resident now.</summary>
    public static long ResidentBytes() => OperatingSystem.IsLinux() ? ReadStatus("VmRSS:") : CurrentProcess(static p => p.WorkingSet64);

    /// <summary>The most bytes that were ever resident since the process started.</summary>
    public static long PeakResidentBytes() => OperatingSystem.IsLinux() ? ReadStatus("VmHWM:") : CurrentProcess(static p => p.PeakWorkingSet64);

    private static long CurrentProcess(Func<Process, long> read)
    {
        using Process process = Process.GetCurrentProcess();
        return read(process);
    }

    private static long ReadStatus(string key)
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (!line.StartsWith(key, StringComparison.Ordinal)) continue;
            ReadOnlySpan<char> kibibytes = line.AsSpan(key.Length).Trim();
            kibibytes = kibibytes[..kibibytes.IndexOf(' ')];
            return long.Parse(kibibytes, CultureInfo.InvariantCulture) << 10;
        }

        throw new InvalidOperationException($"/proc/self/status has no line {key}");
    }
}
