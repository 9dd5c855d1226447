namespace Ration.Cli;

/// <summary>
/// Keeps a second run out of the folder that one writes to: a file there that is open to nobody else, and goes with the run. What a process that
/// was killed leaves behind keeps nobody out.
/// </summary>
internal sealed class RunLock : IDisposable
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "run.lock";

    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the folder for this run.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="option">The option that names it, for messages.</param>
    /// <exception cref="InvalidInputException">Another run has it, or nothing can be written there.</exception>
    public static RunLock Take(string folder, string option)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return new RunLock(new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
                Options = FileOptions.DeleteOnClose,
            }));
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new InvalidInputException($"{option} {folder}: another run writes there; wait for its end, or name another folder", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{option} {folder}: nothing can be written there ({e.Message}); name another folder", e);
        }
    }

    /// <summary>Refuses a folder that another run has.</summary>
    /// <exception cref="InvalidInputException">One has it.</exception>
    public static void RequireFree(string folder, string option)
    {
        if (File.Exists(Path.Combine(folder, FileName))) Take(folder, option).Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
