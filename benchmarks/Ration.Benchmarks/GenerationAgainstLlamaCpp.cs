using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Files;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Inference;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>
/// A prompt of 512 tokens and 64 tokens after an empty one, from the same GGUF file with keys and values in F16, against llama.cpp's own
/// benchmark program. Both sides run alternately, each alone on the machine. Beside them how near ours comes to what <c>ration bench</c> calls the limits:
/// weights read to the bandwidth of x = x + y, and the arithmetic of a prompt to that of a product of floats.
/// </summary>
internal static class GenerationAgainstLlamaCpp
{
    private const int Prompt = 512, Generated = 64, LimitSize = 2048;
    private const long LimitElements = 16 << 20;
    private const string Blocks = "model.layers.";

    /// <summary>Compares the files given: LLAMA-BENCH GGUF … [--threads N] [--rounds N] [--profile].</summary>
    public static int Run(string[] arguments)
    {
        string[] files = [.. arguments.Where(static a => a.EndsWith(".gguf", StringComparison.Ordinal))];
        if (files.Length == 0) throw new InvalidInputException("give the path of llama-bench and some .gguf files");
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 5);
        Console.WriteLine(
            $"{"",-24} {"prompt tok/s",14} {"llama.cpp",11} {"ratio",7} {"GFLOP/s",9} {"of limit",9} {"decode tok/s",14} {"llama.cpp",11} {"ratio",7} {"weights GB/s",13} {"of limit",9}");
        foreach (string file in files) Compare(arguments[0], file, threads, rounds);
        foreach (string file in files.Where(_ => arguments.Contains("--profile"))) Profile(file, threads);
        return 0;
    }

    private static void Compare(string peer, string file, int threads, int rounds)
    {
        using CpuDevice device = new(threads);
        using Generator generator = Open(file, device, threads);
        Feed(generator, Prompt, 8);
        double[] prompt = new double[rounds], decode = new double[rounds], peerPrompt = new double[rounds], peerDecode = new double[rounds];
        double[] product = new double[rounds], stream = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            using (CpuDevice limits = new(threads))
            {
                product[round] = MachineMeasurement.MatrixProductFlops(limits, LimitSize, LimitSize, LimitSize, 5);
                stream[round] = MachineMeasurement.StreamBytesPerSecond(limits, LimitElements, 5);
            }

            (prompt[round], decode[round]) = Feed(generator, Prompt, Generated);
            (peerPrompt[round], peerDecode[round]) = Peer(peer, file, threads);
        }

        Value[] weights = [.. generator.Plan.Programs.Single.Graph.Nodes.Where(static n => n.Op is not Embedding).SelectMany(static n => n.Inputs).Where(static v => v.Kind == MemoryKind.Weights)];
        double flops = 2.0 * weights.Where(static v => v.Shape.Rank > 1 && v.Name.StartsWith(Blocks, StringComparison.Ordinal)).Sum(static v => v.Shape.Elements) * Median(prompt);
        double read = weights.Sum(static v => v.Bytes) * Median(decode);
        (double p, double q, double d, double e) = (Median(prompt), Median(peerPrompt), Median(decode), Median(peerDecode));
        Console.WriteLine(
            $"{Path.GetFileNameWithoutExtension(file),-24} {p,14:0} {q,11:0} {p / q,7:0.00} {1e-9 * flops,9:0} {flops / Median(product),9:0.00} {d,14:0.0} {e,11:0.0} "
            + $"{d / e,7:0.00} {1e-9 * read,13:0.0} {read / Median(stream),9:0.00}");
    }

    // Where the time of a decoded token goes, op by op.
    private static void Profile(string file, int threads)
    {
        using CpuDevice device = new(threads);
        TimedDevice timed = new(device);
        using Generator generator = Open(file, timed, threads);
        Feed(generator, Prompt, 8);
        foreach ((string what, int prompt, int generated) in ((string, int, int)[])[("decode", 1, Generated), ("prompt", Prompt, 1)])
        {
            timed.Restart();
            Feed(generator, prompt, generated);
            Console.WriteLine($"{Path.GetFileName(file)}, {what}:");
            foreach (OpTiming op in timed.Timings.Take(12))
                Console.WriteLine($"  {op.Name,-36} {op.Count,6} {1e3 * op.Seconds,9:0.00} ms {1e-9 * op.Bytes / op.Seconds,8:0.0} GB/s {1e-9 * op.Flops / op.Seconds,8:0.0} GFLOP/s");
        }
    }

    private static Generator Open(string file, IDevice device, int threads)
    {
        using StoredModel model = StoredModel.Open(file);
        GenerationOptions options = new()
        {
            Model = model.Configuration,
            PromptTokens = Prompt,
            MaxTokens = Generated,
            CacheType = DType.F16,
            StoredType = (name, shape) => shape.Rank > 1 ? model.TypeOf(name) : DType.F32,
            Threads = threads,
        };
        Generator generator = new(GenerationPlan.Create(options, device));
        model.Load(generator.Weights, generator.Executor);
        return generator;
    }

    private static (double Prompt, double Decode) Feed(Generator generator, int prompt, int generated)
    {
        int[] tokens = [.. Enumerable.Range(0, prompt).Select(i => 3 + (i * 7919 % (generator.Plan.Options.Model.Vocabulary - 3)))];
        generator.Reset();
        long start = Stopwatch.GetTimestamp();
        generator.Feed(tokens);
        double prompted = Stopwatch.GetElapsedTime(start).TotalSeconds;
        generator.Reset();
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < generated; i++) generator.Feed(tokens.AsSpan(i % prompt, 1));
        return (prompt / prompted, generated / Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static (double Prompt, double Decode) Peer(string program, string file, int threads)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-m", file, "-t", Text(threads), "-p", Text(Prompt), "-n", Text(Generated), "-r", "1", "-o", "json"]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        using var results = JsonDocument.Parse(process.StandardOutput.ReadToEnd());
        double[] rates = [.. results.RootElement.EnumerateArray().Select(static r => r.GetProperty("avg_ts").GetDouble())];
        return (rates[0], rates[1]);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
