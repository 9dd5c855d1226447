using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Optimizers.LowRank;
using Ration.Tensors;

namespace Ration.Benchmarks;

/// <summary>
/// What low-rank rules cost: one power iteration of a subspace, and whole updates between renewals, against the three products (forward,
/// and both gradients) that a training step makes of the same matrix.
/// </summary>
internal static class SubspaceCost
{
    /// <summary>Compares all shapes of the matrices of a preset's blocks.</summary>
    public static int Run(string[] arguments)
    {
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount), rounds = Options.Number(arguments, "--rounds", 7);
        int tokens = Options.Number(arguments, "--tokens", 1024);
        ModelConfiguration model = Presets.Get(Options.Text(arguments, "--preset", "small"));
        var pair = new PairedBenchmark("rule", "products", "/s", rounds);
        pair.WriteHead();
        GraphBuilder traced = new();
        _ = new TransformerModel(traced, model, 8);
        foreach (Shape shape in traced.Persistent.Where(static p => p.Shape.Rank == 2 && p.Name.Contains("layers.0.", StringComparison.Ordinal)).Select(static p => p.Shape).Distinct())
        {
            using ProgramTimer products = new(Products(shape, tokens), threads, static _ => 0.1f);
            using ProgramTimer iteration = new(Iteration(shape), threads, static _ => 0.1f);
            Compare("one power iteration", iteration);
            foreach (IOptimizer rule in (IOptimizer[])[new AdamW(), new GaLore(), new DctAdamW()])
            {
                (Graph graph, HostScalar[] scalars) = Update(rule, shape);
                using ProgramTimer update = new(graph, threads, static _ => 0.1f);
                foreach (HostScalar scalar in scalars) update.Executor.WriteScalar(update.Program, scalar.Name, (float)scalar.Compute(new StepState(2, 1e-6)));
                Compare(rule.Name, update);
            }

            void Compare(string name, ProgramTimer timer) => pair.Compare($"{shape} {name}", 1, () => timer.Seconds(), () => products.Seconds());
        }

        return 0;
    }

    private static Graph Products(Shape shape, long tokens)
    {
        GraphBuilder builder = new();
        Value weight = builder.Parameter("weight", shape), x = builder.Parameter("x", new Shape(tokens, shape[1])), dy = builder.Parameter("dy", new Shape(tokens, shape[0]));
        builder.Output(builder.Linear(x, weight, "y"));
        builder.Output(builder.MatMul(dy, weight, false, false, name: "dx"));
        builder.Output(builder.MatMul(dy, x, true, false, name: "dweight"));
        return builder.Build();
    }

    private static Graph Iteration(Shape shape)
    {
        GraphBuilder builder = new();
        UpdateBuilder update = Begin(builder, new HostScalars(builder), shape);
        Subspace subspace = new(update, null);
        Load basis = new(builder.State("basis", subspace.BasisShape, MemoryKind.OptimizerState));
        update.AssignNow(basis, new Load(subspace.Iterate(basis.Value, 1)));
        return builder.Build();
    }

    private static (Graph Graph, HostScalar[] Scalars) Update(IOptimizer rule, Shape shape)
    {
        GraphBuilder builder = new();
        HostScalars scalars = new(builder);
        UpdateBuilder update = Begin(builder, scalars, shape);
        rule.Update(update);
        update.Emit();
        return (builder.Build(), [.. scalars.All]);
    }

    private static UpdateBuilder Begin(GraphBuilder builder, HostScalars scalars, Shape shape)
    {
        Value weight = builder.Parameter("layers.0.weight", shape, block: new BlockPart(0, "weight")), gradient = builder.Parameter("gradient", shape);
        builder.Pass = Pass.Update;
        return new UpdateBuilder(builder, scalars, weight, new Load(gradient));
    }
}
