using System.Runtime.InteropServices;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>The local flags (<c>c_lflag</c>) in struct termios, by the headers of the systems: of a Linux of its own kind (Power) they are those of BSD.</summary>
internal static class TerminalFlags
{
    // The fourth of its words.
    private const int FlagsBefore = 3;
    private const uint Echo = 0x8;

    private static readonly bool s_isLinux = OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture != Architecture.Ppc64le;

    private static uint WholeLines => s_isLinux ? 0x2u : 0x100u;

    private static uint KeepsAtSignals => s_isLinux ? 0x80u : 0x8000_0000u;

    /// <summary>Makes settings those of a terminal that shows nothing and keeps each byte that is typed, after a signal too.</summary>
    public static void MakeQuiet(Span<byte> settings)
    {
        Span<byte> flags = settings[(FlagsBefore * (OperatingSystem.IsMacOS() ? sizeof(ulong) : sizeof(uint)))..];
        uint quiet = (MemoryMarshal.Read<uint>(flags) & ~(Echo | WholeLines)) | KeepsAtSignals;
        MemoryMarshal.Write(flags, quiet);
    }
}
