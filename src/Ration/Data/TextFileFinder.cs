using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;
using Ration.Files;

namespace Ration.Data;

/// <summary>Walks folders and tells text from other files.</summary>
/// <param name="leaveOut">A folder that is not entered, or null.</param>
internal sealed class TextFileFinder(string? leaveOut = null)
{
    private const int ProbeBytes = 8 << 10;
    private static readonly string[] s_modelFiles = ["model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors", "checkpoint.safetensors", "run.lock"];
    private readonly string? _leaveOut = leaveOut is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(leaveOut));
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly byte[] _probe = new byte[ProbeBytes];
    private int _empty;
    private int _binary;
    private int _unreadable;
    private int _repeated;
    private int _folders;

    public List<TextDocument> Documents { get; } = [];

    public SkippedFiles Skipped => new(_empty, _binary, _unreadable, _repeated, _folders);

    /// <summary>Adds one file or everything under one folder.</summary>
    public void Add(string path)
    {
        if (string.IsNullOrEmpty(path)) throw new InvalidInputException("a data path is empty; name a text file or a folder of them");
        string full = Path.GetFullPath(path);
        if (PlainFile.IsDevice(full))
            throw new InvalidInputException($"{path}: this is no plain file but a device, a pipe or the like, and data are read more than once; write the text to a file and name that");
        if (Directory.Exists(full)) AddFolder(path, full);
        else if (File.Exists(full)) AddFile(full, namedAs: path);
        else throw new InvalidInputException($"{path}: there is no such file or folder; check the path");
    }

    private void AddFolder(string path, string root)
    {
        var files = new List<string>();
        var folders = new Stack<string>();
        folders.Push(root);
        while (folders.TryPop(out string? folder))
        {
            try
            {
                foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
                {
                    if (!entry.Attributes.HasFlag(FileAttributes.Directory)) files.Add(entry.FullName);
                    else if (IsEntered(entry)) folders.Push(entry.FullName);
                    else _folders++;
                }
            }
            catch (Exception e) when (e is UnauthorizedAccessException or IOException)
            {
                if (folder == root)
                    throw new InvalidInputException($"{path}: the folder cannot be read ({e.Message}); check its permissions", e);
                _unreadable++;
            }
        }

        if (Path.DirectorySeparatorChar == '/') files.Sort(StringComparer.Ordinal);
        else files.Sort(static (a, b) => string.CompareOrdinal(a.Replace('\\', '/'), b.Replace('\\', '/')));
        foreach (string file in files) AddFile(file, namedAs: null);
    }

    // Links to folders can lead back up; those that a user names are followed all the same. A folder that holds a model is no text to
    // learn from, whichever run left it there or is writing it.
    private bool IsEntered(FileSystemInfo folder) =>
        folder.FullName != _leaveOut && !folder.Attributes.HasFlag(FileAttributes.ReparsePoint) && !folder.Attributes.HasFlag(FileAttributes.Hidden)
        && !folder.Name.StartsWith('.') && folder.Name is not ("bin" or "obj" or "node_modules")
        && !s_modelFiles.Any(name => File.Exists(Path.Combine(folder.FullName, name)));

    private void AddFile(string file, string? namedAs)
    {
        if (!_seen.Add(file))
        {
            _repeated++;
            return;
        }

        try
        {
            long length = InputFile.LengthOf(file);
            if (length == 0) _empty++;
            else if (!IsText(file)) _binary++;
            else Documents.Add(new TextDocument(file, length));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            if (namedAs is not null)
                throw new InvalidInputException($"{namedAs}: the file cannot be read ({e.Message}); check its permissions", e);
            _unreadable++;
        }
    }

    private bool IsText(string file)
    {
        using SafeFileHandle handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        int filled = 0;
        while (filled < _probe.Length)
        {
            int read = RandomAccess.Read(handle, _probe.AsSpan(filled), filled);
            if (read == 0) break;
            filled += read;
        }

        ReadOnlySpan<byte> start = _probe.AsSpan(0, filled);
        if (start.Contains((byte)0)) return false;
        if (filled == _probe.Length) start = WithoutCutCharacter(start);
        return Utf8.IsValid(start);
    }

    // The probe may end inside a character that the file completes.
    private static ReadOnlySpan<byte> WithoutCutCharacter(ReadOnlySpan<byte> text)
    {
        for (int back = 1; back <= 3 && back <= text.Length; back++)
        {
            if (Rune.DecodeFromUtf8(text[^back..], out _, out _) == OperationStatus.NeedMoreData) return text[..^back];
        }

        return text;
    }
}
