using System.Runtime.InteropServices;
using System.Text;

namespace Ration.Cli;

/// <summary>A file to write that a user named: what is there already is replaced only if that was asked for, and what is no plain file never.</summary>
internal static class OutputFile
{
    private const int CurrentFolder = -100, TypeMask = 0xF000, RegularFile = 0x8000, StatusBytes = 256, ModeOffset = 28;
    private const uint WantsType = 1;

    /// <summary>Refuses what must not be replaced, and makes the folder of what may be written.</summary>
    /// <param name="option">The option that names it, for messages.</param>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether a file that is there may be replaced.</param>
    /// <returns>The folder, which is taken away again if nothing came to lie in it.</returns>
    /// <exception cref="InvalidInputException">It must not, or there can be no folder.</exception>
    public static OutputFolder Prepare(string option, string path, bool overwrite)
    {
        FileInfo file = new(path);
        if (file.LinkTarget is { } target) throw new InvalidInputException($"{option} {path}: this is a link to {target}; name the file itself, or another");
        if (Directory.Exists(path)) throw new InvalidInputException($"{option} {path}: this is a folder; name a file in it");
        if (file.Exists && !IsPlain(file)) throw new InvalidInputException($"{option} {path}: this is no plain file but a device, a pipe or the like; name another");
        if (file.Exists && !overwrite) throw new InvalidInputException($"{option} {path} exists already; give another name, or --overwrite to replace it");

        // Only a folder has none above it.
        return OutputFolder.Create(Path.GetDirectoryName(file.FullName)!, option, path);
    }

    // Devices and pipes have no length; and opening one to see what it is could block.
    private static bool IsPlain(FileInfo file)
    {
        if (file.Length > 0 || OperatingSystem.IsWindows()) return true;
        return OperatingSystem.IsLinux() ? TypeOf(file.FullName) == RegularFile : !file.FullName.StartsWith("/dev/", StringComparison.Ordinal);
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
