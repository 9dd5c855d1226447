using System.Diagnostics;
using Ration.Devices;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Execution;

/// <summary>Measures what a device does in a second, by running small programs on it.</summary>
public static class MachineMeasurement
{
    private const int Size = 768;
    private const int StreamElements = 4 << 20;

    // Beside the tensors: what a product packs.
    private const long Workspace = 4 << 20;

    /// <summary>Bytes that <see cref="Measure"/> takes at the most.</summary>
    public static long MostBytes => (2L * StreamElements * sizeof(float)) + Workspace;

    /// <summary>Bytes that <see cref="MatrixProductFlops"/> takes at the most.</summary>
    public static long ProductBytes(long m, long n, long k) => (((m * k) + (n * k) + (m * n)) * sizeof(float)) + Workspace;

    /// <summary>Elements with which <see cref="StreamBytesPerSecond"/> takes no more than so many bytes.</summary>
    public static long StreamElementsIn(long bytes) => (bytes - Workspace) / (2 * sizeof(float));

    /// <summary>Rates for predicting time: a product as training has them, and a sum of two long tensors. Takes about a third of a second.</summary>
    /// <param name="device">Its memory is replaced.</param>
    public static MachineRates Measure(IDevice device) => new(MatrixProductFlops(device, Size, Size, Size, 9), StreamBytesPerSecond(device, StreamElements, 9), 2e-6);

    /// <summary>Floating-point operations a second of C [m, n] = A [m, k] · B [n, k]ᵀ, the median of some runs.</summary>
    public static double MatrixProductFlops(IDevice device, long m, long n, long k, int runs)
    {
        GraphBuilder builder = new();
        Value a = builder.Parameter("a", new Shape(m, k)), b = builder.Parameter("b", new Shape(n, k));
        builder.Output(builder.Linear(a, b, "c"));
        return 2.0 * m * n * k / MedianSeconds(device, builder.Build(), runs);
    }

    /// <summary>Bytes read and written a second by z = x + y, the median of some runs.</summary>
    public static double StreamBytesPerSecond(IDevice device, long elements, int runs)
    {
        GraphBuilder builder = new();
        Value x = builder.Parameter("x", new Shape(elements)), y = builder.Parameter("y", new Shape(elements));
        builder.Assign([(x, new Load(x) + new Load(y))]);
        return 3.0 * elements * sizeof(float) / MedianSeconds(device, builder.Build(), runs);
    }

    private static double MedianSeconds(IDevice device, Graph graph, int runs)
    {
        StepProgram program = StepProgram.Compile(graph, device);
        Executor executor = new(device, program);
        foreach (Value value in graph.Persistent) executor.Clear(value);
        for (int i = 0; i < 3; i++) executor.Run(program, Phase.Repeat);
        double[] seconds = new double[runs];
        for (int i = 0; i < runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            executor.Run(program, Phase.Repeat);
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return seconds[runs / 2];
    }
}
