using Ration.Devices;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Tests.Execution;

/// <summary>
/// Runs each instruction in memory that holds its inputs and is poisoned everywhere else, and fails if it changes a byte that is not
/// its own to write: results, assigned inputs, scratch. Whoever reads what is not there gets NaN. So results can be right only if the
/// plan's offsets are all that a step needs.
/// </summary>
internal sealed class IsolatingDevice(IDevice inner) : IDevice
{
    private const byte Poison = 0xFF;
    private const int Margin = 4096;
    private byte[] _memory = [];
    private byte[] _before = [];
    private byte[] _after = [];

    public string Description => inner.Description;

    /// <summary>Instructions run.</summary>
    public int Instructions { get; private set; }

    public long WorkspaceBytes(Node node) => inner.WorkspaceBytes(node);

    public StorageLayout LayoutOf(DType type) => inner.LayoutOf(type);

    public void Reserve(long bytes)
    {
        _memory = new byte[bytes + Margin];
        Array.Fill(_memory, Poison);
        (_before, _after) = (new byte[_memory.Length], new byte[_memory.Length]);
        inner.Reserve(_memory.Length);
    }

    public void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(_memory.AsSpan((int)offset, source.Length));

    public void Read(long offset, Span<byte> target) => _memory.AsSpan((int)offset, target.Length).CopyTo(target);

    public void Run(Instruction instruction)
    {
        Instructions++;
        Node node = instruction.Node;
        (long Offset, long Bytes)[] inputs = [.. node.Inputs.Select((v, i) => (instruction.Inputs[i], v.Bytes))];
        (long Offset, long Bytes)[] results =
            [.. node.Outputs.Select((v, i) => (instruction.Outputs[i], v.Bytes)), .. node.Op.AssignedInputs(node).Select(i => inputs[i])];
        Array.Fill(_before, Poison);
        foreach ((long offset, long bytes) in inputs) Copy(_memory, _before, offset, bytes);
        inner.Write(0, _before);
        inner.Run(instruction);
        inner.Wait();
        inner.Read(0, _after);
        CheckUntouched(instruction, [.. results, (instruction.Workspace, instruction.WorkspaceBytes)]);
        foreach ((long offset, long bytes) in results) Copy(_after, _memory, offset, bytes);
    }

    public void Wait()
    {
    }

    public void Dispose() => inner.Dispose();

    private static void Copy(byte[] source, byte[] target, long offset, long bytes) => Array.Copy(source, offset, target, offset, bytes);

    private void CheckUntouched(Instruction instruction, IEnumerable<(long Offset, long Bytes)> own)
    {
        long at = 0;
        foreach ((long offset, long bytes) in own.Append((_memory.Length, 0)).OrderBy(static o => o))
        {
            if (offset > at)
            {
                int length = (int)(offset - at), same = _before.AsSpan((int)at, length).CommonPrefixLength(_after.AsSpan((int)at, length));
                if (same < length) throw new InvalidOperationException($"{instruction} changed byte {at + same}, which is not its own");
            }

            at = Math.Max(at, offset + bytes);
        }
    }
}
