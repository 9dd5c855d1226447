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
    /// <param name="folder">The folder.</param>
    /// <param name="option">The option that names it, for messages.</param>
    /// <param name="named">What the user named, if that is something else in the same place.</param>
    /// <exception cref="InvalidInputException">It cannot be made.</exception>
    public static OutputFolder Create(string folder, string option, string? named = null)
    {
        named ??= folder;
        try
        {
            List<string> made = [];
            for (string? above = System.IO.Path.GetFullPath(folder); above is not null && !Directory.Exists(above); above = System.IO.Path.GetDirectoryName(above))
            {
                if (File.Exists(above)) throw new InvalidInputException($"{option} {named}: {above} is a file, and a folder is needed there; name another place");
                made.Add(above);
            }

            Directory.CreateDirectory(folder);
            return new OutputFolder(folder, [.. made]);
        }
        catch (FileNotFoundException e)
        {
            // So say file systems that show what the system knows, such as /proc.
            throw new InvalidInputException($"{option} {named}: no folder can be made there; name another place", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidInputException($"{option} {named}: the folder cannot be made ({e.Message}); name another", e);
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
