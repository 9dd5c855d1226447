using System.Diagnostics;
using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>Compiles a small graph, fills its weights with normal numbers, and times runs of it.</summary>
internal sealed class ProgramTimer : IDisposable
{
    /// <summary>Compiles and fills.</summary>
    /// <param name="graph">All nodes in the repeated phase.</param>
    /// <param name="threads">Threads of the device.</param>
    /// <param name="deviation">Standard deviation of a persistent value's elements.</param>
    public ProgramTimer(Graph graph, int threads, Func<Value, float> deviation)
    {
        CpuDevice device = new(threads);
        Program = StepProgram.Compile(graph, device);
        Executor = new Executor(device, Program);
        float[] piece = new float[1 << 16];
        CounterRandom random = new(1, 2);
        foreach (Value value in graph.Persistent)
        {
            for (long start = 0; start < value.Shape.Elements; start += piece.Length)
            {
                Span<float> part = piece.AsSpan(0, (int)Math.Min(piece.Length, value.Shape.Elements - start));
                random.FillNormal((ulong)start, part, deviation(value));
                Executor.WritePersistent(value, start * sizeof(float), MemoryMarshal.AsBytes(part));
            }
        }
    }

    /// <summary>What was compiled.</summary>
    public StepProgram Program { get; }

    /// <summary>Holds the memory.</summary>
    public Executor Executor { get; }

    /// <summary>Seconds of one run.</summary>
    public double Seconds()
    {
        long start = Stopwatch.GetTimestamp();
        Executor.Run(Program, Phase.Repeat);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose() => Executor.Dispose();
}
