using System.Runtime.CompilerServices;

namespace Ration.Tests.Files;

/// <summary>Public files to test against, beside the repository; a test that needs one is skipped where it is not there.</summary>
internal static class SharedData
{
    /// <summary>The path of a file or folder of the shared data, or null.</summary>
    public static string? Find(string name, [CallerFilePath] string here = "")
    {
        foreach (string start in (string[])[here, AppContext.BaseDirectory])
        {
            for (var folder = new DirectoryInfo(Path.GetDirectoryName(start)!); folder is not null; folder = folder.Parent)
            {
                string path = Path.Combine(folder.FullName, "shared", "data", name);
                if (Path.Exists(path)) return path;
            }
        }

        return null;
    }

    /// <summary>The path of a file or folder of the shared data; without it the test ends as skipped.</summary>
    public static string Require(string name)
    {
        string? path = Find(name);
        if (path is null) Assert.Skip($"there is no shared/data/{name} beside the repository");
        return path;
    }
}
