using Ration.Devices;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Planning;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;

namespace Ration.Tests.Execution;

/// <summary>The device that watches others sees what it is there to see.</summary>
public sealed class IsolatingDeviceTests
{
    [Fact]
    public void A_device_that_keeps_to_its_offsets_passes()
    {
        (StepProgram program, IsolatingDevice device) = Prepare(static _ => { });
        device.Run(program.Instructions[0]);
        byte[] result = new byte[16];
        device.Read(program.OffsetOf("y"), result);
        Assert.Equal([2f, 2, 2, 2], Storage.Decode(result, Ration.Tensors.DType.F32).Select(static v => (float)v));
    }

    [Fact]
    public void A_byte_written_elsewhere_is_found()
    {
        (StepProgram program, IsolatingDevice device) = Prepare(static d => d.Write(3000, [1]));
        Assert.Contains("changed byte 3000, which is not its own", Assert.Throws<InvalidOperationException>(() => device.Run(program.Instructions[0])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_input_is_found()
    {
        (StepProgram program, IsolatingDevice device) = Prepare(static d => d.Write(4, [1]));
        Assert.Contains("changed byte 4,", Assert.Throws<InvalidOperationException>(() => device.Run(program.Instructions[0])).Message, StringComparison.Ordinal);
    }

    private static (StepProgram Program, IsolatingDevice Device) Prepare(Action<IDevice> mischief)
    {
        GraphBuilder builder = new();
        Value x = builder.State("x", new(4), MemoryKind.OptimizerState);
        builder.Output(builder.Add(x, x, "y"));
        IsolatingDevice device = new(new Mischievous(mischief));
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        device.Reserve(program.ArenaBytes);
        device.Write(program.Layout.OffsetOf(x), Storage.Encode([1, 1, 1, 1], Ration.Tensors.DType.F32));
        return (program, device);
    }

    private sealed class Mischievous(Action<IDevice> mischief) : IDevice
    {
        private readonly ReferenceDevice _inner = new();

        public string Description => _inner.Description;

        public long WorkspaceBytes(Node node) => 0;

        public StorageLayout LayoutOf(DType type) => StorageLayout.Rows;

        public void Reserve(long bytes) => _inner.Reserve(bytes);

        public void Write(long offset, ReadOnlySpan<byte> source) => _inner.Write(offset, source);

        public void Read(long offset, Span<byte> target) => _inner.Read(offset, target);

        public void Run(Instruction instruction)
        {
            _inner.Run(instruction);
            mischief(_inner);
        }

        public void Wait() => _inner.Wait();

        public void Dispose() => _inner.Dispose();
    }
}
