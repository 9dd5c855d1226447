using Ration.Memory;

namespace Ration.Files;

/// <summary>Tells a full disk from other input and output errors.</summary>
internal static class DiskErrors
{
    private const int NoSpaceUnix = 28;
    private const int QuotaLinux = 122;
    private const int QuotaMac = 69;
    private const int DiskFullWindows = unchecked((int)0x80070070);
    private const int HandleDiskFullWindows = unchecked((int)0x80070027);

    /// <summary>Whether the error says that no space is left.</summary>
    public static bool IsDiskFull(IOException error) => OperatingSystem.IsWindows()
        ? error.HResult is DiskFullWindows or HandleDiskFullWindows
        : error.HResult == NoSpaceUnix || error.HResult == (OperatingSystem.IsMacOS() ? QuotaMac : QuotaLinux);

    /// <summary>The same error in words that say what to do.</summary>
    public static IOException DiskFull(string path, string consequence, IOException error) =>
        new($"{path}: the disk is full{Free(path)}; {consequence}; free some space or write to another disk", error);

    private static string Free(string path)
    {
        try
        {
            string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
            return folder is null ? "" : $" ({new ByteSize(new DriveInfo(folder).AvailableFreeSpace)} free)";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }
}
