using System.Globalization;
using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>AdamW on one large matrix with its state in fewer bits, against state in F32 and against the bandwidth of x = x + y.</summary>
internal static class StateFormats
{
    private const int Columns = 4096;

    /// <summary>Compares every storage of state with F32, and F32 with the bandwidth.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 9);
        long elements = Options.Number(arguments, "--elements", 16 << 20);
        using Update plain = new(StateFormat.F32, elements, threads);
        using Sum sum = new(elements, threads);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"AdamW, {elements >> 20} Mi elements, {threads} threads"));
        PairedBenchmark passes = new("AdamW F32", "x = x + y", "passes/s", rounds);
        passes.WriteHead();
        double share = passes.Compare("passes a second", 1, plain.Run, sum.Run) * plain.Bytes / sum.Bytes;
        WriteProcessorTime("x = x + y", sum.Run, elements);
        WriteProcessorTime("AdamW F32", plain.Run, elements);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"",-34} F32 moves {plain.Bytes >> 20} MiB a pass at {share:F3} of the bandwidth of x = x + y, which moves {sum.Bytes >> 20}"));
        PairedBenchmark pair = new("stored", "F32", "M/s", rounds);
        pair.WriteHead();
        string only = Options.Text(arguments, "--only", "");
        foreach (StateFormat format in ((StateFormat[])[StateFormat.BF16, StateFormat.EightBit, StateFormat.FourBit, StateFormat.Float8]).Where(f => only.Length == 0 || f.ToString() == only))
        {
            using Update stored = new(format, elements, threads);
            double ratio = pair.Compare($"elements a second, state {format}", elements * 1e-6, stored.Run, plain.Run);
            WriteProcessorTime($"AdamW {format}", stored.Run, elements);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{"",-34} {1 / ratio:F3} times the time of F32; state of {stored.StateBytes / (double)elements:F3} instead of 8 bytes an element"));
        }

        return 0;
    }

    // Where other programs want the cores too, what a side waits for them is not its own.
    private static void WriteProcessorTime(string name, Action side, long elements)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        for (int i = 0; i < 10; i++) side();
        double nanoseconds = (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / (10.0 * elements);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-34} {nanoseconds,18:F3} ns of processor time an element"));
    }

    private sealed class Update : IDisposable
    {
        private readonly Executor _executor;
        private readonly StepProgram _program;

        public Update(StateFormat format, long elements, int threads)
        {
            GraphBuilder builder = new();
            Shape shape = new(elements / Columns, Columns);
            Value parameter = builder.Parameter("parameter", shape), gradient = builder.Input("gradient", shape);
            HostScalars scalars = new(builder);
            builder.Pass = Pass.Update;
            UpdateBuilder update = new(builder, scalars, parameter, new Load(gradient));
            new AdamW().Update(update);
            update.Emit();
            CpuDevice device = new(threads);
            _program = StepProgram.Compile(new StateStorage(format).Apply(builder.Build()), device);
            _executor = new Executor(device, _program);
            float[] row = new float[Columns];
            for (long start = 0; start < elements; start += Columns)
            {
                new CounterRandom(1, 2).FillNormal((ulong)start, row, 0.1f);
                _executor.WritePersistent(parameter, start * sizeof(float), MemoryMarshal.AsBytes(row.AsSpan()));
            }

            float[] all = new float[elements];
            new CounterRandom(2, 2).FillNormal(0, all, 0.01f);
            _executor.Write<float>(_program, "gradient", all);
            foreach (Value value in _program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState)) _executor.Clear(value);
            StepState state = new(1, 1e-4);
            foreach (HostScalar scalar in scalars.All) _executor.WriteScalar(_program, scalar.Name, (float)scalar.Compute(state));
            StateBytes = _program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.OptimizerState).Sum(static v => v.Bytes);
            Bytes = (3 * sizeof(float) * elements) + (2 * StateBytes);
        }

        public long StateBytes { get; }

        /// <summary>Parameter read and written, gradient read, state read and written.</summary>
        public long Bytes { get; }

        public void Run() => _executor.Run(_program, Phase.Repeat);

        public void Dispose() => _executor.Dispose();
    }

    private sealed class Sum : IDisposable
    {
        private readonly Executor _executor;
        private readonly StepProgram _program;

        public Sum(long elements, int threads)
        {
            GraphBuilder builder = new();
            Value x = builder.Parameter("x", new Shape(elements)), y = builder.Parameter("y", new Shape(elements));
            builder.Assign([(x, new Load(x) + new Load(y))]);
            CpuDevice device = new(threads);
            _program = StepProgram.Compile(builder.Build(), device);
            _executor = new Executor(device, _program);
            foreach (Value value in _program.Graph.Persistent) _executor.Clear(value);
            Bytes = 3 * sizeof(float) * elements;
        }

        public long Bytes { get; }

        public void Run() => _executor.Run(_program, Phase.Repeat);

        public void Dispose() => _executor.Dispose();
    }
}
