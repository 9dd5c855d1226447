using System.Buffers.Text;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Ration.Memory;

/// <summary>This process's resident memory as the operating system counts it, and what the machine has left.</summary>
public static class MeasuredMemory
{
    private const int LongestFile = 8 << 10;

    /// <summary>Bytes resident now.</summary>
    public static long ResidentBytes() => OperatingSystem.IsLinux() ? Read("/proc/self/status", "VmRSS:"u8) : OtherSystem.ResidentBytes();

    /// <summary>The most bytes that were ever resident since the process started.</summary>
    public static long PeakResidentBytes() => OperatingSystem.IsLinux() ? Read("/proc/self/status", "VmHWM:"u8) : OtherSystem.PeakResidentBytes();

    /// <summary>Bytes that the machine has in all, or the limit of a container if there is one; null where that is not known.</summary>
    public static long? InstalledBytes() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes is > 0 and var bytes ? bytes : null;

    /// <summary>Bytes that this process could still take without pushing anything out, within the limit of a container if there is one.</summary>
    public static long AvailableBytes()
    {
        long limit = InstalledBytes() ?? long.MaxValue;
        return OperatingSystem.IsLinux() ? Math.Min(limit, Read("/proc/meminfo", "MemAvailable:"u8)) : limit;
    }

    /// <summary>What a run may take where no budget is given: what is available, less a margin for other programs.</summary>
    public static long DefaultBudgetBytes() => (long)(AvailableBytes() * 0.8);

    // Into the stack: a reading must not make the heap grow that it measures.
    private static long Read(string path, ReadOnlySpan<byte> key)
    {
        Span<byte> buffer = stackalloc byte[LongestFile];
        using SafeFileHandle file = File.OpenHandle(path);
        ReadOnlySpan<byte> text = buffer[..RandomAccess.Read(file, buffer, 0)];
        int start = text.IndexOf(key);
        if (start < 0) throw new InvalidOperationException($"{path} has no line {System.Text.Encoding.ASCII.GetString(key)}");
        ReadOnlySpan<byte> number = text[(start + key.Length)..].TrimStart(" \t"u8);
        return Utf8Parser.TryParse(number, out long kibibytes, out _) ? kibibytes << 10 : throw new InvalidOperationException($"{path} has no number there");
    }

    // A class of its own, so that Linux never loads the library that it needs.
    private static class OtherSystem
    {
        public static long ResidentBytes()
        {
            using Process process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }

        public static long PeakResidentBytes()
        {
            using Process process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}
