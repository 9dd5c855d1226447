namespace Ration.Cli;

/// <summary>
/// A folder to write to, made before the work begins: that it cannot be made is then found at once. Where nothing came to lie in it, it is
/// taken away again.
/// </summary>
internal sealed class OutputFolder : IDisposable
{
    private readonly string[] _made;

    private OutputFolder(string path, string[] made) => (Path, _made) = (path, made);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Makes the folder, and those above it.</summary>
    /// <exception cref="InvalidInputException">It cannot be made.</exception>
    public static OutputFolder Create(string folder)
    {
        try
        {
            List<string> made = [];
            for (string? above = System.IO.Path.GetFullPath(folder); above is not null && !Directory.Exists(above); above = System.IO.Path.GetDirectoryName(above)) made.Add(above);
            Directory.CreateDirectory(folder);
            return new OutputFolder(folder, [.. made]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidInputException($"--output {folder}: the folder cannot be made ({e.Message}); name another", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (string folder in _made)
        {
            // Another process may write there meanwhile: the system removes none that is not empty.
            try
            {
                Directory.Delete(folder);
            }
            catch (IOException)
            {
            }
        }
    }
}
