using Ration.Memory;

namespace Ration.Planning;

/// <summary>
/// What the process needs besides the arena: the .NET runtime, compiled code, managed objects, thread stacks. It counts against the
/// budget. The reserve is a constant, so that a plan is the same whenever it is asked for; where the process is already larger (another
/// platform, a host application) what it has, and room to go on, is taken instead.
/// </summary>
public static class RuntimeFootprint
{
    /// <summary>Reserve of the tool on one thread.</summary>
    public static readonly ByteSize Base = ByteSize.FromMebibytes(64);

    /// <summary>Reserve of each further thread: its stack and its share of the allocator.</summary>
    public static readonly ByteSize PerThread = new(256 << 10);

    private static readonly long s_step = 16L << 20;

    /// <summary>Bytes to keep free for the process.</summary>
    /// <param name="threads">Cores that will be used.</param>
    /// <param name="hostBytes">Managed memory that the run is known to hold besides, such as tokenized text.</param>
    public static long Reserve(int threads, long hostBytes = 0)
    {
        long reserve = Base.Bytes + ((threads - 1) * PerThread.Bytes);
        long room = reserve / 4;
        long resident = MeasuredMemory.ResidentBytes() - hostBytes;
        if (resident + room > reserve) reserve = ByteSize.AlignUp(resident + room, s_step);
        return reserve + hostBytes;
    }
}
