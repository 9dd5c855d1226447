using System.Runtime.InteropServices;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>Pipes that lie in a folder like files, and hold up whoever opens them until somebody writes.</summary>
internal static class NamedPipe
{
    /// <summary>Makes one, or skips the test where there are none.</summary>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no pipes with a place in the file system");
        Assert.Equal(0, Make(path, Convert.ToUInt32("600", 8)));
    }

    [DllImport("libc", EntryPoint = "mkfifo", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Make(string path, uint mode);
}
