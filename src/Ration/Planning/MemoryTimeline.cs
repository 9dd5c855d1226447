using Ration.Graphs;
using Ration.Memory;

namespace Ration.Planning;

/// <summary>Bytes occupied during each instruction of a step, by kind.</summary>
public sealed class MemoryTimeline
{
    /// <summary>How many kinds there are.</summary>
    public static readonly int Kinds = Enum.GetValues<MemoryKind>().Length;

    private readonly long[] _bytes;

    private MemoryTimeline(long[] bytes, int instructions)
    {
        (_bytes, Instructions) = (bytes, instructions);
        long most = -1;
        for (int i = 0; i < instructions; i++)
        {
            long total = Total(i);
            if (total > most) (most, PeakInstruction) = (total, i);
        }
    }

    /// <summary>How many instructions there are.</summary>
    public int Instructions { get; }

    /// <summary>Number of the first instruction during which the most bytes are occupied.</summary>
    public int PeakInstruction { get; }

    /// <summary>Bytes of a kind during an instruction.</summary>
    public long this[int instruction, MemoryKind kind] => _bytes[(instruction * Kinds) + (int)kind];

    /// <summary>Bytes of all kinds during an instruction.</summary>
    public long Total(int instruction) => Sum(_bytes.AsSpan(instruction * Kinds, Kinds));

    /// <summary>Bytes of a kind when the step is at its peak.</summary>
    public long AtPeak(MemoryKind kind) => Instructions == 0 ? 0 : this[PeakInstruction, kind];

    internal static MemoryTimeline Of(Graph graph, Buffers buffers)
    {
        int count = graph.Nodes.Count;
        long[] bytes = new long[(count + 1) * Kinds];
        foreach (Buffer buffer in buffers.Transient)
        {
            bytes[(buffer.First * Kinds) + (int)buffer.Kind] += buffer.Bytes;
            bytes[((buffer.Last + 1) * Kinds) + (int)buffer.Kind] -= buffer.Bytes;
        }

        foreach (Value value in graph.Persistent) bytes[(int)value.Kind] += value.Bytes;
        for (int i = Kinds; i < bytes.Length; i++) bytes[i] += bytes[i - Kinds];
        return new MemoryTimeline(bytes, count);
    }

    private static long Sum(Span<long> row)
    {
        long sum = 0;
        foreach (long bytes in row) sum += bytes;
        return sum;
    }
}
