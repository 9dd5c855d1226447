using System.Security.Cryptography;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>A folder that goes when the test ends.</summary>
internal sealed class TestFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("ration-end-to-end-").FullName;

    /// <summary>A path inside.</summary>
    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Writes a text of pseudo-English.</summary>
    /// <returns>Its path.</returns>
    public string WriteText(string name = "text.txt", int length = 20_000, int seed = 1)
    {
        File.WriteAllText(this[name], PseudoEnglish.Write(length, seed));
        return this[name];
    }

    /// <summary>Copies the files of a folder into a new one here.</summary>
    /// <returns>Its path.</returns>
    public string Copy(string from, string name = "copy")
    {
        Directory.CreateDirectory(this[name]);
        foreach (string file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(this[name], Path.GetFileName(file)));
        return this[name];
    }

    /// <summary>What a folder holds: a line for each file, of its name and a hash of its bytes.</summary>
    public static string[] Snapshot(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(file => $"{Path.GetRelativePath(folder, file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"),
    ];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Root, recursive: true);
}
