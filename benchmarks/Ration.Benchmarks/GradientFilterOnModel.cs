using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Execution;
using Ration.Files;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Tokenizers;

namespace Ration.Benchmarks;

/// <summary>
/// What the filter of the loss's gradient skips on a trained model and a text: tiles, time and error, for thresholds with and without an
/// order of the vocabulary, in turn with the exact gradient.
/// </summary>
internal static unsafe class GradientFilterOnModel
{
    /// <summary>Runs the benchmark.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments.Length < 2) throw new ArgumentException("give a model folder and a text");
        int tokens = Options.Number(arguments, "--tokens", 1024), rounds = Options.Number(arguments, "--rounds", 3), threads = Options.Number(arguments, "--threads", Environment.ProcessorCount);
        using StoredModel model = StoredModel.Open(arguments[0]);
        (float[] hidden, float[] head, int[] targets) = Read(model, arguments[1], tokens, threads);
        using WorkerPool pool = new(threads);
        Console.WriteLine($"{arguments[0]}: {tokens} x {model.Configuration.Width} x {model.Configuration.Vocabulary}, {threads} threads, least and median of {rounds} rounds");
        (float Threshold, bool Orders)[] modes = [(0, false), (1f / (1 << 12), false), (1f / (1 << 12), true), (1f / (1 << 20), false), (1f / (1 << 20), true),
            (1f / (1 << 28), false), (1f / (1 << 28), true)];
        double[][] seconds = [.. modes.Select(_ => new double[rounds])];
        Outcome[] outcomes = new Outcome[modes.Length];
        for (int round = -1; round < rounds; round++)
        {
            for (int i = 0; i < modes.Length; i++)
            {
                outcomes[i] = Measure(pool, model.Configuration, hidden, head, targets, modes[i].Threshold, modes[i].Orders);
                if (round >= 0) seconds[i][round] = outcomes[i].Seconds;
            }
        }

        for (int i = 0; i < modes.Length; i++)
        {
            double least = seconds[i].Min(), median = seconds[i].Order().ElementAt(rounds / 2);
            string name = modes[i].Threshold == 0 ? "exact" : $"2^{MathF.Log2(modes[i].Threshold):0}{(modes[i].Orders ? ", ordered" : "")}";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-16} {100.0 * outcomes[i].Tiles.Skipped / Math.Max(1, outcomes[i].Tiles.All),6:F1} % of tiles skipped, "
                + $"{least,7:F4} s ({least / seconds[0].Min():F2}; median {median,7:F4} s), error of dH {Distance(outcomes[0].Hidden, outcomes[i].Hidden):E1}, "
                + $"of dW {Distance(outcomes[0].Weight, outcomes[i].Weight):E1}"));
        }

        return 0;
    }

    private static (float[] Hidden, float[] Head, int[] Targets) Read(StoredModel model, string path, int tokens, int threads)
    {
        ModelConfiguration configuration = model.Configuration;
        int rows = Math.Max(1, tokens / configuration.Context), sequence = tokens / rows;
        GraphBuilder builder = new();
        TransformerModel traced = new(builder, configuration, sequence);
        Value states = traced.HiddenStates(TransformerModel.DeclareInputs(builder, rows, sequence));
        builder.Output(states);
        CpuDevice device = new(threads);
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        using Executor executor = new(device, program);
        model.Load(program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights), executor);
        ITokenizer tokenizer = ModelTokenizer.Describe(model).Tokenizer;
        TextTokenizer text = tokenizer as TextTokenizer ?? new TextTokenizer(tokenizer, []);
        int[] ids = [.. text.Encode(File.ReadAllText(path, Encoding.UTF8), null).Take(tokens + 1)];
        int[] positions = [.. Enumerable.Range(0, tokens).Select(i => i % sequence)];
        executor.Write<int>(program, ModelInputs.TokensName, ids.AsSpan(0, tokens));
        executor.Write<int>(program, ModelInputs.PositionsName, positions);
        executor.Write<int>(program, ModelInputs.KeyRangesName, [.. positions.SelectMany(static p => (int[])[0, p])]);
        executor.Run(program, Phase.Repeat);
        float[] hidden = new float[(long)tokens * configuration.Width], head = new float[(long)configuration.Vocabulary * configuration.Width];
        executor.Read<float>(program, states.Name, hidden);
        executor.ReadPersistent(traced.Head, 0, MemoryMarshal.AsBytes(head.AsSpan()));
        return (hidden, head, [.. Enumerable.Range(1, tokens).Select(i => i % sequence == 0 ? PackedBatches.IgnoredTarget : ids[i])]);
    }

    private static Outcome Measure(WorkerPool pool, ModelConfiguration model, float[] hidden, float[] head, int[] targets, float threshold, bool orders)
    {
        float[] hiddenGradient = new float[hidden.Length], weightGradient = new float[head.Length], averages = new float[model.Vocabulary], lse = new float[targets.Length];
        fixed (float* h = hidden, w = head, dh = hiddenGradient, dw = weightGradient, average = averages, logSumExp = lse)
        fixed (int* t = targets)
        {
            LinearCrossEntropyArguments x = new()
            {
                Hidden = h,
                Weight = (byte*)w,
                Targets = t,
                Tokens = targets.Length,
                Vocabulary = model.Vocabulary,
                Width = model.Width,
                Scale = 1f / targets.Length,
                FilterThreshold = threshold,
                SoftCap = model.LogitSoftCap,
                AverageLogits = orders ? average : null,
            };
            using Arena arena = Arena.Reserve(Math.Max(x.Blocks(false).Bytes(pool.Threads), x.Blocks(true).Bytes(pool.Threads)));
            float loss;
            long start = Stopwatch.GetTimestamp();
            LinearCrossEntropyKernel.Forward(pool, x, &loss, logSumExp, (byte*)arena.Pointer);
            FilteredTiles tiles = LinearCrossEntropyKernel.Backward(pool, x, logSumExp, dh, dw, false, (byte*)arena.Pointer);
            return new Outcome(tiles, Stopwatch.GetElapsedTime(start).TotalSeconds, hiddenGradient, weightGradient);
        }
    }

    private static double Distance(float[] exact, float[] other)
    {
        double norm = Math.Sqrt(exact.Sum(static v => (double)v * v)), error = Math.Sqrt(exact.Zip(other, static (a, b) => ((double)a - b) * ((double)a - b)).Sum());
        return error / norm;
    }

    private sealed record Outcome(FilteredTiles Tiles, double Seconds, float[] Hidden, float[] Weight);
}
