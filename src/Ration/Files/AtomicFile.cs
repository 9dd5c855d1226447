using System.Runtime.InteropServices;
using System.Text;
using Ration.Memory;

namespace Ration.Files;

/// <summary>
/// Files that are either the old one or the whole new one, whatever happens in between: written under a temporary name beside the
/// target, flushed to the disk, renamed over it, and the rename itself flushed.
/// </summary>
public static class AtomicFile
{
    private const string Marker = ".partial-";
    private const int IoError = 5;

    // What FileStream throws where it cannot reserve space carries no system error number, only this general one.
    private const int ReservationFailed = unchecked((int)0x80131620);

    /// <summary>
    /// Calls <paramref name="write"/> with an empty, unbuffered, seekable stream and then puts what it wrote in the place of
    /// <paramref name="path"/>. If anything throws, the temporary file goes and the old file stays as it was. Temporaries that a killed
    /// process left for the same path are removed first.
    /// </summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="write">Writes the content; must not close the stream.</param>
    /// <param name="expectedBytes">The final size if known: space is reserved at once, so that a full disk shows before the work is
    /// done.</param>
    /// <exception cref="InvalidInputException">The folder does not exist or may not be written, or the path is a folder or a device.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string path, Action<FileStream> write, long expectedBytes = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        ArgumentOutOfRangeException.ThrowIfNegative(expectedBytes);
        string target = Path.GetFullPath(path);
        string? folder = Path.GetDirectoryName(target);
        if (folder is null || Directory.Exists(target)) throw new InvalidInputException($"{path}: this is a folder; name a file to write");
        if (File.Exists(folder)) throw new InvalidInputException($"{path}: {folder} is a file, and no folder to write into; name another place");
        if (new FileInfo(target) is { Exists: true } there && !PlainFile.Is(there)) throw new InvalidInputException($"{path}: this is no plain file but a device, a pipe or the like; name another");
        if (!Directory.Exists(folder)) throw new InvalidInputException($"{path}: its folder does not exist; create {folder}");

        try
        {
            RemoveStale(folder, Path.GetFileName(target));
            string temporary = $"{target}{Marker}{Environment.ProcessId}";
            WriteAndRename(temporary, target, write, expectedBytes);
            FlushFolder(folder);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InvalidInputException($"{path}: the file cannot be written ({e.Message}); check the permissions of {folder}", e);
        }
        catch (IOException e) when (DiskErrors.IsDiskFull(e))
        {
            throw DiskErrors.DiskFull(path, "nothing was changed", e);
        }
        catch (ArgumentOutOfRangeException e) when (e.ParamName == "value")
        {
            // The class library's name for EFBIG.
            throw new IOException($"{path}: the file would be larger than this disk, or a limit set for this process, allows; nothing was changed; write to another disk or raise the limit", e);
        }
    }

    private static void WriteAndRename(string temporary, string target, Action<FileStream> write, long expectedBytes)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            // The open stream is a lock that says "not stale"; Windows needs Delete in it to rename an open file.
            Share = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None,
            BufferSize = 0,
            PreallocationSize = expectedBytes,
        };
        using FileStream stream = Create(temporary, target, options);
        try
        {
            write(stream);
            stream.Flush(flushToDisk: true);
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static FileStream Create(string temporary, string target, FileStreamOptions options)
    {
        try
        {
            return new FileStream(temporary, options);
        }
        catch (IOException e) when (options.PreallocationSize > 0 && e.HResult == ReservationFailed)
        {
            throw DiskErrors.DiskFull(target, $"it needs {new ByteSize(options.PreallocationSize)} and nothing was changed", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // So say file systems that show what the system knows, such as /proc. The name that they do not find is the temporary one.
            throw new InvalidInputException($"{target}: no file can be made in {Path.GetDirectoryName(target)}; name another place", e);
        }
    }

    // A temporary that nobody holds open belongs to a process that is gone. Process ids are no proof: containers reuse them.
    private static void RemoveStale(string folder, string name)
    {
        string prefix = name + Marker;
        foreach (string candidate in Directory.EnumerateFiles(folder))
        {
            string file = Path.GetFileName(candidate);
            if (!file.StartsWith(prefix, StringComparison.Ordinal) || !int.TryParse(file.AsSpan(prefix.Length), out _)) continue;
            try
            {
                using (new FileStream(candidate, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) { }
                File.Delete(candidate);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Held by a living writer, or not ours to remove.
            }
        }
    }

    // The rename lives in the folder; without this a power cut can undo it. File systems that cannot flush a folder say so and are let be.
    private static unsafe void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        byte[] name = Encoding.UTF8.GetBytes(folder + '\0');
        int descriptor;
        fixed (byte* pointer = name) descriptor = OpenDescriptor(pointer, 0);
        if (descriptor < 0) return;
        int result = FlushDescriptor(descriptor);
        int error = Marshal.GetLastPInvokeError();
        _ = CloseDescriptor(descriptor);
        if (result != 0 && error == IoError)
            throw new IOException($"{folder}: the disk failed while the folder was flushed; check the disk");
    }

    [DllImport("libc", EntryPoint = "open")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe int OpenDescriptor(byte* path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int FlushDescriptor(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int CloseDescriptor(int descriptor);
}
