using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>
/// The vocabulary head and its loss, forward and backward, in turn with PyTorch's full logits (a Python script is run once a round; it
/// prints its own median), and at the size of Gemma 2's head, where full logits would take 2 GiB.
/// </summary>
internal static class LinearCrossEntropyAgainstPyTorch
{
    private const int CallsOfRound = 5;

    /// <summary>Runs the benchmark.</summary>
    public static int Run(string[] arguments)
    {
        int rounds = arguments.SkipWhile(static a => a != "--rounds").Skip(1).Select(static a => int.Parse(a, CultureInfo.InvariantCulture)).FirstOrDefault(3);
        string? tuning = arguments.SkipWhile(static a => a != "--peer").Skip(1).FirstOrDefault();
        using (ProgramTimer small = Build(1024, 768, 32_000))
        {
            Compare(small, rounds, tuning);
        }

        if (!arguments.Contains("--large")) return 0;
        using ProgramTimer large = Build(2048, 2304, 256_000);
        large.Seconds();
        Report("2048 x 2304 x 256,000", large, large.Seconds());
        return 0;
    }

    private static void Compare(ProgramTimer ours, int rounds, string? tuning)
    {
        for (int i = 0; i < 4; i++) ours.Seconds();
        List<double> seconds = [], peer = [];
        long peerExtra = 0;
        for (int round = 0; round < rounds; round++)
        {
            Thread.Sleep(100);
            double[] calls = [.. Enumerable.Range(0, CallsOfRound).Select(_ => ours.Seconds()).Order()];
            seconds.Add(calls[CallsOfRound / 2]);
            if (tuning is null) continue;
            using JsonDocument result = RunPeer(tuning);
            peer.Add(result.RootElement.GetProperty("seconds").GetDouble());
            peerExtra = result.RootElement.GetProperty("extraBytes").GetInt64();
        }

        seconds.Sort();
        peer.Sort();
        Report("1024 x 768 x 32,000", ours, seconds[rounds / 2]);
        if (tuning is null) return;
        long extra = ExtraBytes(ours);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"PyTorch ({tuning}): median {peer[rounds / 2]:F3} s ({peer[0]:F3} … {peer[^1]:F3}), {new ByteSize(peerExtra)} extra"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"ratio PyTorch / Ration: time {peer[rounds / 2] / seconds[rounds / 2]:F2}, extra memory {(double)peerExtra / extra:F1}"));
    }

    private static void Report(string name, ProgramTimer timer, double seconds)
    {
        (Value hidden, Value weight) = (timer.Program.Graph.Persistent[0], timer.Program.Graph.Persistent[1]);
        double flops = 2.0 * hidden.Shape[0] * weight.Shape.Elements;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: {seconds:F3} s, {4 * flops / seconds / 1e9:F0} GFLOP/s done, {3 * flops / seconds / 1e9:F0} GFLOP/s useful, "
            + $"{new ByteSize(ExtraBytes(timer))} beyond weights, hidden states and their gradients"));
    }

    // What the program holds that any method would not have to.
    private static long ExtraBytes(ProgramTimer timer) => timer.Program.ArenaBytes - (2 * timer.Program.Graph.Persistent.Sum(static v => v.Bytes));

    private static ProgramTimer Build(long tokens, long width, long vocabulary)
    {
        GraphBuilder builder = new();
        Value hidden = builder.Parameter("hidden", new Shape(tokens, width)), weight = builder.Parameter("weight", new Shape(vocabulary, width));
        Value targets = builder.Input("targets", new Shape(tokens), DType.I32), scale = builder.Input("scale", Shape.Scalar);
        Value loss = builder.LinearCrossEntropy(hidden, weight, targets, scale);
        builder.Output(loss);
        foreach (Value gradient in Differentiation.Backward(builder, new Dictionary<Value, Value?> { [loss] = null }).Values) builder.Output(gradient);
        ProgramTimer timer = new(builder.Build(), Environment.ProcessorCount, static v => v.Name == "hidden" ? 1 : 0.02f);
        CounterRandom random = new(3, 4);
        int[] ids = new int[tokens];
        for (int i = 0; i < ids.Length; i++) ids[i] = (int)(random.Uniform((ulong)i) * vocabulary);
        timer.Executor.Write<int>(timer.Program, "targets", ids);
        timer.Executor.WriteScalar(timer.Program, "scale", 1f / tokens);
        return timer;
    }

    private static JsonDocument RunPeer(string tuning)
    {
        ProcessStartInfo start = new("/usr/bin/env") { RedirectStandardOutput = true };
        foreach (string argument in new[] { "python3", "benchmarks/peers/pytorch_linear_cross_entropy.py", "--tuning", tuning }) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("python3 did not start");
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? JsonDocument.Parse(text) : throw new InvalidOperationException("the PyTorch script failed; is python3-torch installed?");
    }
}
