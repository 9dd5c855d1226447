using Ration.Graphs;
using Ration.Memory;

namespace Ration.Planning;

/// <summary>Bytes that are occupied during an instruction, and what lies in them then.</summary>
/// <param name="Name">The value that was written there last, or the operation whose scratch it is.</param>
/// <param name="Scope">Where in the model that value was computed; empty for inputs and persistent values.</param>
/// <param name="Kind">What the bytes are for.</param>
/// <param name="Bytes">The size.</param>
/// <param name="Offset">The place in the arena.</param>
public sealed record LiveBuffer(string Name, string Scope, MemoryKind Kind, long Bytes, long Offset)
{
    internal static IReadOnlyList<LiveBuffer> At(int instruction, Graph graph, PersistentLayout layout, Buffers buffers, long[] offsets)
    {
        List<LiveBuffer> alive = [];
        foreach (Value value in graph.Persistent) alive.Add(new LiveBuffer(value.Name, "", value.Kind, value.Bytes, layout.OffsetOf(value)));
        (string Name, string Scope)[] holds = Contents(instruction, graph, buffers);
        for (int i = 0; i < buffers.Transient.Count; i++)
        {
            Buffer buffer = buffers.Transient[i];
            if (buffer.First > instruction || buffer.Last < instruction) continue;
            alive.Add(new LiveBuffer(holds[i].Name, holds[i].Scope, buffer.Kind, buffer.Bytes, layout.Bytes + offsets[i]));
        }

        return alive;
    }

    private static (string Name, string Scope)[] Contents(int instruction, Graph graph, Buffers buffers)
    {
        var holds = new (string Name, string Scope)[buffers.Transient.Count];
        foreach (Value input in graph.Inputs) holds[buffers[input]] = (input.Name, "");
        for (int i = 0; i <= instruction; i++)
        {
            Node node = graph.Nodes[i];
            foreach (Value output in node.Outputs)
            {
                if (buffers[output] >= 0) holds[buffers[output]] = (output.Name, node.Scope);
            }

            if (buffers.WorkspaceOf[i] >= 0) holds[buffers.WorkspaceOf[i]] = ("scratch of " + node.Op.Name, node.Scope);
        }

        return holds;
    }
}
