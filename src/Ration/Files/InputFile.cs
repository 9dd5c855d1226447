using Microsoft.Win32.SafeHandles;

namespace Ration.Files;

/// <summary>Opens files that a user named, with errors in the user's terms.</summary>
internal static class InputFile
{
    // As systems have it: more are taken for a circle.
    private const int MostLinks = 40;

    private const int CopiedBytes = 64 << 10;

    /// <summary>Opens an existing, regular, non-empty file for random reads.</summary>
    /// <exception cref="InvalidInputException">There is no such file, it may not be read, it is a folder, or it is empty.</exception>
    public static SafeFileHandle Open(string path, out long length)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw new InvalidInputException($"{path}: this is a folder; name a file");
        SafeFileHandle? handle = null;
        try
        {
            // Pipes and devices have length zero and can block in open, so the length comes first.
            if (LengthOf(path) == 0) throw new InvalidInputException($"{path}: the file is empty; give one with content");
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            length = RandomAccess.GetLength(handle);
            return handle;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            handle?.Dispose();
            throw new InvalidInputException($"{path}: there is no such file; check the path", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or NotSupportedException or IOException)
        {
            handle?.Dispose();
            throw new InvalidInputException($"{path}: the file cannot be read ({e.Message}); check that it is a file that you may read", e);
        }
        catch
        {
            handle?.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the file at the end of any links; 0 for pipes and devices.</summary>
    public static long LengthOf(string path)
    {
        var file = new FileInfo(path);
        if (file.LinkTarget is null) return file.Length;
        return file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target.Length : 0;
    }

    /// <summary>Whether a file that can be read to an end lies there: no pipe, no device, nothing empty, and no link to nowhere or in a circle.</summary>
    public static bool HasContent(string path)
    {
        try
        {
            return LengthOf(path) > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Fills <paramref name="destination"/> from <paramref name="offset"/>.</summary>
    /// <exception cref="FileFormatException">The file ends before.</exception>
    public static void ReadExactly(SafeFileHandle handle, string path, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
                throw new FileFormatException(path, $"the file ends at byte {offset}, before all of it was read",
                    "something cut it short while it was open; make it again");
            offset += read;
            destination = destination[read..];
        }
    }

    /// <summary>Appends what a file holds to a stream, a piece at a time.</summary>
    /// <exception cref="InvalidInputException">As for <see cref="Open"/>.</exception>
    /// <exception cref="FileFormatException">The file was cut short meanwhile.</exception>
    public static void CopyTo(string path, Stream target)
    {
        using SafeFileHandle handle = Open(path, out long length);
        byte[] piece = new byte[(int)Math.Min(length, CopiedBytes)];
        for (long done = 0; done < length; done += piece.Length)
        {
            Span<byte> part = piece.AsSpan(0, (int)Math.Min(piece.Length, length - done));
            ReadExactly(handle, path, done, part);
            target.Write(part);
        }
    }

    /// <summary>Whether two paths lead to the same file or folder, links followed as far as they exist.</summary>
    public static bool IsSame(string a, string b) => Whole(a) == Whole(b);

    /// <summary>The folder that a file really lies in, links followed.</summary>
    public static string FolderOf(string path) => Path.GetDirectoryName(Whole(path)) ?? "";

    private static string Whole(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), at = Path.GetPathRoot(full) ?? "";
        Queue<string> names = new(full[at.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries));
        for (int links = 0; names.TryDequeue(out string? name);)
        {
            at = Path.Combine(at, name);
            if (new FileInfo(at).LinkTarget is not { } target || ++links > MostLinks) continue;
            // Where the link leads may lie behind links itself.
            string leads = Path.GetFullPath(target, Path.GetDirectoryName(at) ?? at);
            at = Path.GetPathRoot(leads) ?? "";
            names = new([.. leads[at.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries), .. names]);
        }

        return at;
    }
}
