using Ration.Files;

namespace Ration.Cli;

/// <summary>A file to write that a user named: what is there already is replaced only if that was asked for, and what is no plain file never.</summary>
internal static class OutputFile
{
    /// <summary>Refuses what must not be replaced, and makes the folder of what may be written.</summary>
    /// <param name="option">The option that names it, for messages.</param>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether a file that is there may be replaced.</param>
    /// <returns>The folder, which is taken away again if nothing came to lie in it.</returns>
    /// <exception cref="InvalidInputException">It must not, or there can be no folder.</exception>
    public static OutputFolder Prepare(string option, string path, bool overwrite)
    {
        RequireFree(option, path, overwrite);

        // Only a folder has none above it.
        return OutputFolder.Create(Path.GetDirectoryName(Path.GetFullPath(path))!, option, path);
    }

    /// <summary>Refuses what must not be replaced.</summary>
    /// <param name="option">The option that names it, for messages.</param>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether a file that is there may be replaced.</param>
    /// <exception cref="InvalidInputException">It must not.</exception>
    public static void RequireFree(string option, string path, bool overwrite)
    {
        FileInfo file = new(path);
        if (file.LinkTarget is { } target) throw new InvalidInputException($"{option} {path}: this is a link to {target}; name the file itself, or another");
        if (Directory.Exists(path)) throw new InvalidInputException($"{option} {path}: this is a folder; name a file in it");
        if (file.Exists && !PlainFile.Is(file)) throw new InvalidInputException($"{option} {path}: this is no plain file but a device, a pipe or the like; name another");
        if (file.Exists && !overwrite) throw new InvalidInputException($"{option} {path} exists already; give another name, or --overwrite to replace it");
    }
}
