using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Ration.Cli.Output;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>
/// The terminal of a Unix process, which is changed so that nothing is echoed and pasted text is marked as such. It has to be restored before the
/// process goes.
/// </summary>
internal sealed class RawTerminal : IDisposable
{
    private const int StandardInput = 0, AtOnce = 0, OwnGroup = 0;
    private const int Quit = 3;

    private const string MarkPastes = "\u001B[?2004h", MarkNoPastes = "\u001B[?2004l";

    // More than struct termios has on any system: what is in it is only the system's to know.
    private const int SettingsBytes = 256;

    private readonly byte[] _settings = new byte[SettingsBytes];
    private readonly FileStream _input = new(new SafeFileHandle(StandardInput, ownsHandle: false), FileAccess.Read, bufferSize: 0);
    private bool _isClosed;

    /// <summary>Whether a person sits at a terminal that can place its cursor. The console of Windows edits lines well by itself.</summary>
    public static bool IsSupported { get; } = !OperatingSystem.IsWindows() && !Console.IsInputRedirected && !Console.IsOutputRedirected && StatusLine.IsTerminal
        && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 };

    /// <summary>What it does now.</summary>
    public TerminalMode Mode { get; private set; }

    private static int StopFromTerminal => OperatingSystem.IsLinux() ? 20 : 18;

    /// <summary>Cells of a row and rows of the screen, as they are now.</summary>
    public static (int Width, int Height) Size => (Console.WindowWidth is var width and > 0 ? Math.Max(width, 8) : 80, Console.WindowHeight is var height and > 0 ? height : 24);

    /// <summary>Reads bytes as soon as there are some; 0 at the end.</summary>
    public int Read(Span<byte> bytes)
    {
        try
        {
            return _input.Read(bytes);
        }
        catch (IOException)
        {
            // The terminal is gone.
            return 0;
        }
    }

    /// <summary>Has it do this.</summary>
    public void Change(TerminalMode mode)
    {
        if (Mode == mode || _isClosed) return;
        if (mode == TerminalMode.Found)
        {
            Log.Writer.Write(MarkNoPastes);
            _ = SetSettings(StandardInput, AtOnce, _settings);
            Mode = mode;
            return;
        }

        if (Mode == TerminalMode.Found)
        {
            // The runtime keeps the settings it finds when it first looks at the terminal, and restores them at its end: it shall not find ours.
            _ = Size;
            if (GetSettings(StandardInput, _settings) != 0) return;
        }

        if (!TrySet(mode)) return;
        if (Mode == TerminalMode.Found) Log.Writer.Write(MarkPastes);
        Mode = mode;
    }

    /// <summary>Gives it back until <see cref="Resume"/>.</summary>
    public void Pause()
    {
        TerminalMode mode = Mode;
        Change(TerminalMode.Found);
        Mode = mode;
    }

    /// <summary>Has it do again what it did, whatever others made of it meanwhile.</summary>
    public void Resume()
    {
        if (Mode != TerminalMode.Found && !_isClosed && TrySet(Mode)) Log.Writer.Write(MarkPastes);
    }

    /// <summary>Makes it what it was, for good.</summary>
    public void Close()
    {
        Change(TerminalMode.Found);
        _isClosed = true;
    }

    /// <summary>Stops this process as Ctrl-Z does, unless nobody is there who could have it go on. Comes back when it does.</summary>
    public static void Stop() => _ = Raise(StopFromTerminal);

    /// <summary>Sends what the terminal sends for Ctrl-\ or Ctrl-Z while it does not give keys: a signal to all that belongs to this command.</summary>
    public static void Send(EditKey key) => _ = SendSignal(OwnGroup, key == EditKey.Quit ? Quit : StopFromTerminal);

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _input.Dispose();
    }

    [DllImport("libc", EntryPoint = "tcgetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetSettings(int descriptor, byte[] settings);

    [DllImport("libc", EntryPoint = "tcsetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetSettings(int descriptor, int when, byte[] settings);

    [DllImport("libc", EntryPoint = "cfmakeraw")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void MakeRaw(byte[] settings);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);

    private bool TrySet(TerminalMode mode)
    {
        byte[] changed = [.. _settings];
        if (mode == TerminalMode.Keys) MakeRaw(changed);
        else TerminalFlags.MakeQuiet(changed);
        return SetSettings(StandardInput, AtOnce, changed) == 0;
    }

    // To the thread that calls: it does not go on before the process has stopped.
    [DllImport("libc", EntryPoint = "raise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Raise(int signal);
}
