using System.Diagnostics;
using System.Globalization;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Inference;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>Tokens a second of a preset with weights of no meaning: a prompt, then token by token; and which operations take the time.</summary>
internal static class GenerationSpeed
{
    /// <summary>Runs the benchmark.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), prompt = Options.Number(arguments, "--prompt", 512);
        int tokens = Options.Number(arguments, "--tokens", 64), rounds = Options.Number(arguments, "--rounds", 5);
        string weights = Options.Text(arguments, "--weights", "F32");
        TimedDevice? timed = Array.IndexOf(arguments, "--profile") < 0 ? null : new TimedDevice(new CpuDevice(threads));
        GenerationOptions options = new()
        {
            Model = Presets.Get(Options.Text(arguments, "--preset", "small")),
            PromptTokens = prompt,
            MaxTokens = tokens,
            WeightType = weights == "F32" ? null : Enum.Parse<DType>(weights),
            CacheType = Enum.Parse<DType>(Options.Text(arguments, "--cache", "F16")),
            Threads = threads,
        };
        long start = Stopwatch.GetTimestamp();
        GenerationPlan plan = GenerationPlan.Create(options, timed ?? (IDevice)new CpuDevice(threads));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"planned in {Stopwatch.GetElapsedTime(start).TotalSeconds:F3} s\n{GenerationReport.Of(plan, MachineRates.Nominal)}"));
        using Generator generator = new(plan);
        Fill(generator);
        double prefill = double.MaxValue, decode = double.MaxValue;
        for (int round = 0; round <= rounds; round++)
        {
            generator.Reset();
            prefill = Math.Min(prefill, Seconds(() => generator.Feed(new int[prompt])));
            timed?.Restart();
            for (int i = 1; i < tokens; i++) decode = Math.Min(decode, Seconds(() => generator.Feed([i])));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"prefill {prompt / prefill:F0} tokens/s, decode {1 / decode:F1} tokens/s, {1e3 * decode:F3} ms a token"));
        long measured = MeasuredMemory.PeakResidentBytes();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"peak {new ByteSize(measured)} measured, {new ByteSize(plan.PlannedPeakBytes)} planned, {100.0 * measured / plan.PlannedPeakBytes:F1} %"));
        foreach (OpTiming timing in timed?.Timings ?? [])
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{timing.Name,-40} {timing.Count / (tokens - 1),6} a token {1e6 * timing.Seconds / (tokens - 1),10:F1} µs {timing.Bytes / timing.Seconds / 1e9,7:F1} GB/s"));
        return 0;
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Bytes that are small numbers in every format.
    private static void Fill(Generator generator)
    {
        byte[] piece = new byte[1 << 20];
        Array.Fill(piece, (byte)0x1A);
        foreach (Value weight in generator.Weights)
        {
            for (long at = 0; at < weight.Bytes; at += piece.Length)
                generator.Executor.WritePersistent(weight, at, piece.AsSpan(0, (int)Math.Min(piece.Length, weight.Bytes - at)));
        }
    }
}
