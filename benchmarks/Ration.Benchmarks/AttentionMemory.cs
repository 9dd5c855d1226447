using System.Globalization;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>Attention, forward and backward, at growing context: its memory grows with the length, its time with the square.</summary>
internal static class AttentionMemory
{
    private const int Heads = 12;
    private const int KvHeads = 4;
    private const int HeadDimension = 64;

    /// <summary>Runs the benchmark.</summary>
    public static int Run(string[] arguments)
    {
        Console.WriteLine($"{"context",8} {"arena",12} {"scratch",12} {"T x T scores",14} {"seconds",9} {"GFLOP/s",9}");
        foreach (int tokens in new[] { 1024, 4096, 16_384 }) Measure(tokens, tokens > 4096 ? 1 : 5);
        return 0;
    }

    private static void Measure(int tokens, int runs)
    {
        GraphBuilder builder = new();
        Value q = builder.Parameter("q", new Shape(1, tokens, Heads * HeadDimension));
        Value k = builder.Parameter("k", new Shape(1, tokens, KvHeads * HeadDimension)), v = builder.Parameter("v", new Shape(1, tokens, KvHeads * HeadDimension));
        Value dy = builder.Parameter("dy", q.Shape, trainable: false), ranges = builder.Input("ranges", new Shape(1, tokens, 2), DType.I32);
        Value y = builder.Attention(new Attention(Heads, KvHeads, 0.125f), q, k, v, ranges);
        foreach (Value gradient in Differentiation.Backward(builder, new Dictionary<Value, Value?> { [y] = dy }).Values) builder.Output(gradient);
        using ProgramTimer timer = new(builder.Build(), Environment.ProcessorCount, static _ => 1);
        int[] causal = new int[2 * tokens];
        for (int i = 0; i < tokens; i++) causal[(2 * i) + 1] = i;
        timer.Executor.Write<int>(timer.Program, "ranges", causal);
        timer.Seconds();
        double[] seconds = [.. Enumerable.Range(0, runs).Select(_ => timer.Seconds()).Order()];
        double flops = timer.Program.Graph.Nodes.Sum(static n => n.Op.Cost(n).Flops);
        ByteSize scratch = new(timer.Program.Instructions.Max(static i => i.WorkspaceBytes));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{tokens,8} {new ByteSize(timer.Program.ArenaBytes),12} {scratch,12} {new ByteSize(4L * Heads * tokens * tokens),14} {seconds[runs / 2],9:F3} {flops / seconds[runs / 2] / 1e9,9:F0}"));
    }
}
