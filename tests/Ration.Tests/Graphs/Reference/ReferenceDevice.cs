using Ration.Devices;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>A device that runs placed programs by plain definitions: results are rounded to storage, nothing else is.</summary>
internal sealed class ReferenceDevice : IDevice
{
    private byte[] _memory = [];

    public string Description => "reference";

    public long WorkspaceBytes(Node node) => 0;

    public StorageLayout LayoutOf(DType type) => StorageLayout.Rows;

    public void Reserve(long bytes) => _memory = new byte[bytes];

    public void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(_memory.AsSpan((int)offset));

    public void Read(long offset, Span<byte> target) => _memory.AsSpan((int)offset, target.Length).CopyTo(target);

    public void Run(Instruction instruction)
    {
        Node node = instruction.Node;
        double[][] inputs = [.. node.Inputs.Select((v, i) => Storage.Decode(_memory.AsSpan((int)instruction.Inputs[i], (int)v.Bytes), v))];
        double[][] outputs = ReferenceOps.Evaluate(node, inputs);
        foreach (int i in node.Op.AssignedInputs(node)) Write(instruction.Inputs[i], Storage.Encode(inputs[i], node.Inputs[i]));
        for (int i = 0; i < outputs.Length; i++) Write(instruction.Outputs[i], Storage.Encode(outputs[i], node.Outputs[i]));
    }

    public void Wait()
    {
    }

    public void Dispose()
    {
    }
}
