using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Planning;

namespace Ration.Tests.Execution;

/// <summary>What a host reads and writes are the bytes of the value that it names, and no other's.</summary>
public sealed class ExecutorTests
{
    [Fact]
    public void Inputs_outputs_and_state_are_read_and_written_by_name()
    {
        using Sum sum = new();
        sum.Executor.Write<float>(sum.Program, "x", [1, 2, 3, 4]);
        sum.Executor.WritePersistent(sum.State, 4, MemoryMarshal.AsBytes<float>([10, 20]));
        sum.Executor.Run(sum.Program, Phase.Repeat);
        float[] all = new float[4], part = new float[2];
        sum.Executor.Read<float>(sum.Program, "y", all);
        sum.Executor.Read(sum.Program, "y", 2, part.AsSpan());
        Assert.Equal([1f, 12, 23, 4], all);
        Assert.Equal([23f, 4], part);
        sum.Executor.Clear(sum.State);
        sum.Executor.ReadPersistent(sum.State, 4, MemoryMarshal.AsBytes(part.AsSpan()));
        Assert.Equal([0f, 0], part);
    }

    [Fact]
    public void Nothing_beyond_a_value_is_touched()
    {
        using Sum sum = new();
        float[] five = new float[5], two = new float[2];
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Executor.Write<float>(sum.Program, "x", five));
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Executor.Read<float>(sum.Program, "y", five));
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Executor.Read(sum.Program, "y", 3, two.AsSpan()));
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Executor.Read(sum.Program, "y", -1, two.AsSpan()));
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Executor.WritePersistent(sum.State, 12, MemoryMarshal.AsBytes(two.AsSpan())));
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Executor.ReadPersistent(sum.State, -1, new byte[1]));
        Assert.Throws<GraphException>(() => sum.Executor.Write<float>(sum.Program, "z", two));
    }

    [Fact]
    public void Programs_without_a_common_layout_have_no_common_executor()
    {
        using CpuDevice device = new(1);
        Assert.Throws<ArgumentException>(() => new Executor(device));
        Assert.Throws<ArgumentException>(() => new Executor(device, Sum.Compile(device, out _), Sum.Compile(device, out _)));
    }

    [Fact]
    public void A_weight_that_nothing_brings_is_named()
    {
        GraphBuilder builder = new();
        builder.Output(builder.Emit(new ReadWeight(new(new(4), Ration.Tensors.DType.F32)), "streamed", MemoryKind.Weights)[0]);
        CpuDevice device = new(1);
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        using Executor executor = new(device, program);
        Assert.Contains("streamed", Assert.Throws<InvalidOperationException>(() => executor.Run(program, Phase.Repeat)).Message, StringComparison.Ordinal);
    }

    // y = x + s.
    private sealed class Sum : IDisposable
    {
        public Sum()
        {
            CpuDevice device = new(1);
            Program = Compile(device, out Value state);
            (State, Executor) = (state, new Executor(device, Program));
            Executor.Clear(State);
        }

        public Executor Executor { get; }

        public StepProgram Program { get; }

        public Value State { get; }

        public static StepProgram Compile(CpuDevice device, out Value state)
        {
            GraphBuilder builder = new();
            state = builder.State("s", new(4), MemoryKind.OptimizerState);
            builder.Output(builder.Add(builder.Input("x", new(4)), state, "y"));
            return StepProgram.Compile(builder.Build(), device);
        }

        public void Dispose() => Executor.Dispose();
    }
}
