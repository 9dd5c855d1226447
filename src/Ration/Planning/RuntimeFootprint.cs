using System.Runtime.CompilerServices;
using Ration.Memory;

namespace Ration.Planning;

/// <summary>
/// What the process needs besides the arena: the .NET runtime, compiled code, managed objects, thread stacks. It counts against the
/// budget. The reserve is a constant, so that a plan is the same whenever it is asked for; where the process was larger from the start
/// (another platform, a host application) what it had, and room to grow, is taken instead.
/// </summary>
public static class RuntimeFootprint
{
    /// <summary>Whether the process was compiled ahead of time, so that it holds neither a compiler nor what that compiles.</summary>
    public static bool IsNative => !RuntimeFeature.IsDynamicCodeSupported;

    /// <summary>Reserve of the tool on one thread.</summary>
    public static ByteSize Base { get; } = ByteSize.FromMebibytes(IsNative ? 17 : 50);

    /// <summary>Reserve of each further thread: its stack and its share of the allocator.</summary>
    public static readonly ByteSize PerThread = new(256 << 10);

    // What a process grows by between its first look at this class and the end of a run: code that is compiled, libraries, buffers.
    private static readonly long s_growth = IsNative ? 8L << 20 : 18L << 20;
    private const long Tolerance = 2L << 20, Step = 8L << 20;

    /// <summary>Bytes that were resident when they were first looked at, so that every plan of a process counts on the same.</summary>
    public static long BaselineBytes { get; } = MeasuredMemory.ResidentBytes();

    /// <summary>Bytes to keep free for the process.</summary>
    /// <param name="threads">Cores that will be used.</param>
    /// <param name="hostBytes">Managed memory that the run is known to hold besides, such as tokenized text.</param>
    public static long Reserve(int threads, long hostBytes = 0)
    {
        long needed = BaselineBytes + s_growth;
        long reserve = needed <= Base.Bytes + Tolerance ? Base.Bytes : ByteSize.AlignUp(needed, Step);
        return reserve + ((threads - 1) * PerThread.Bytes) + hostBytes;
    }

    /// <summary>What a process holds besides for an arena of this size: a thousandth, seen with large programs and arenas.</summary>
    public static long Overhead(long arenaBytes) => arenaBytes >> 10;

    /// <summary>The largest arena that fits so many bytes together with its <see cref="Overhead"/>.</summary>
    public static long LargestArena(long bytes)
    {
        long arena = bytes - (bytes >> 10);
        while (arena + 1 + Overhead(arena + 1) <= bytes) arena++;
        return arena;
    }
}
