using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// Compressed gradients (Shamshoum et al. 2024, "CompAct"). The gradient of a linear layer's weight [n, m] is dyᵀ·x; projected
/// by P [m, r] it is dyᵀ·(x·P), [n, r], for which of the input x only x·P need be kept. P has independent normal numbers of variance 1/r, so
/// that P·Pᵀ is the identity in the mean, and is made again wherever it is read. Layers that share an input share P.
/// </summary>
/// <param name="Rank">r, at most m; null for a quarter of it.</param>
/// <param name="Period">Steps from one P to the next, at least 1.</param>
/// <param name="Seed">Decides P.</param>
public sealed record GradientCompression(int? Rank, int Period, ulong Seed)
{
    // All linear layers of attention and MLP but the attention's last, whose input the attention's own gradient reads anyway. Experts are no
    // single matrices.
    private static readonly string[] s_layers = ["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>Whether a weight's gradient is compressed.</summary>
    /// <param name="weight">Any parameter of a model.</param>
    public static bool Takes(Value weight) => weight is { Shape.Rank: 2, Block: not null }
        && Array.Exists(s_layers, layer => weight.Name.EndsWith($".{layer}.weight", StringComparison.Ordinal));

    /// <summary>The shape of a parameter's gradient: [n, r] where it is compressed, else the parameter's.</summary>
    /// <param name="parameter">Any parameter of a model.</param>
    public Shape ShapeOf(Value parameter) => Takes(parameter) ? new Shape(parameter.Shape[0], RankOf(parameter)) : parameter.Shape;

    /// <summary>P for a weight, and for whatever else reads the same input.</summary>
    /// <param name="weight">A weight [n, m] of a linear layer.</param>
    /// <param name="scalars">Has the number of the P.</param>
    public GradientProjection ProjectionFor(Value weight, HostScalars scalars)
    {
        long rank = RankOf(weight);
        ulong stream = CounterRandom.StreamOf($"{weight.Name}.projection");
        return new GradientProjection(new RandomMatrix(weight.Shape[1], rank, (float)Math.Sqrt(1.0 / rank), Seed, stream), scalars.Epoch(Period));
    }

    private long RankOf(Value weight) => Math.Clamp(Rank ?? (weight.Shape[1] / 4), 1, weight.Shape[1]);
}

/// <summary>A projection that is not stored.</summary>
/// <param name="Matrix">Makes it.</param>
/// <param name="Epoch">F32 scalar: how many times it has been renewed.</param>
public sealed record GradientProjection(RandomMatrix Matrix, Value Epoch)
{
    /// <summary>Makes it where nodes are emitted now.</summary>
    /// <param name="builder">Receives the node.</param>
    public Value Emit(GraphBuilder builder) => builder.Emit(Matrix, "projection", MemoryKind.Workspace, Epoch)[0];
}
