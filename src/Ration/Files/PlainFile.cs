using System.Runtime.InteropServices;
using System.Text;

namespace Ration.Files;

/// <summary>Tells plain files from devices, pipes and the like, which are neither read to an end nor replaced.</summary>
public static class PlainFile
{
    private const int CurrentFolder = -100, TypeMask = 0xF000, RegularFile = 0x8000, StatusBytes = 256, ModeOffset = 28;
    private const uint WantsType = 1;

    /// <summary>Whether a file that exists is a plain one.</summary>
    public static bool Is(FileInfo file)
    {
        ArgumentNullException.ThrowIfNull(file);
        // Devices and pipes have no length; and opening one to see what it is could block.
        if (file.Length > 0 || OperatingSystem.IsWindows()) return true;
        return OperatingSystem.IsLinux() ? TypeOf(file.FullName) == RegularFile : !file.FullName.StartsWith("/dev/", StringComparison.Ordinal);
    }

    /// <summary>Whether something else than a plain file or a folder lies at a path, or at the end of the links there.</summary>
    public static bool IsDevice(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (OperatingSystem.IsWindows() || Directory.Exists(path)) return false;
        string full = Path.GetFullPath(path);
        return OperatingSystem.IsLinux() ? TypeOf(full) is not (0 or RegularFile) : full.StartsWith("/dev/", StringComparison.Ordinal);
    }

    // Of all that tells the type of a file, only this has the same layout on every processor.
    private static unsafe int TypeOf(string path)
    {
        byte[] name = Encoding.UTF8.GetBytes(path + '\0');
        byte* status = stackalloc byte[StatusBytes];
        fixed (byte* pointer = name) return Status(CurrentFolder, pointer, 0, WantsType, status) == 0 ? *(ushort*)(status + ModeOffset) & TypeMask : 0;
    }

    [DllImport("libc", EntryPoint = "statx")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe int Status(int folder, byte* path, int flags, uint wanted, byte* status);
}
