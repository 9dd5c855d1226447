using Ration.Graphs;
using Ration.Memory;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// Inter-layer scheduling (Ardakani et al. 2023, "SlimFit"). A layer is a matrix or the gain of a norm. Each has a distance: by how much of
/// themselves its weights moved in its last update. In every step the share of the layers that moved least stands still. Distances that are not known yet are
/// very large and drawn by chance, so that every layer is tried first.
/// </summary>
/// <param name="Share">F: of t layers ⌊F·t⌋ stand still, in [0, 1).</param>
/// <param name="Seed">Decides in which order layers are tried.</param>
public sealed record LayerFreezing(double Share, ulong Seed)
{
    // As in the authors' code.
    private const double Unknown = 1e10;

    private const string ScalarPrefix = "trained.";

    private static readonly ulong s_stream = CounterRandom.StreamOf("layers");

    /// <summary>The name of the scalar that is not zero in steps that train a layer.</summary>
    /// <param name="layer">Name of the layer.</param>
    public static string ScalarOf(string layer) => ScalarPrefix + layer;

    /// <summary>The step with room for what the layers read that are trained at once, and not for what all read.</summary>
    /// <param name="graph">A step in which a rule freezes layers so.</param>
    /// <param name="shortens">Whether part of it waits in fewer bits; see <see cref="InputSlots"/>.</param>
    public Graph WithSlots(Graph graph, bool shortens)
    {
        Dictionary<string, Value> layers = graph.Inputs.Where(static v => v.Name.StartsWith(ScalarPrefix, StringComparison.Ordinal)).ToDictionary(static v => v.Name[ScalarPrefix.Length..]);
        return new InputSlots(layers, Trained(layers.Count), shortens).Apply(graph);
    }

    /// <summary>Whether a parameter is a layer. All others, as biases, are trained in every step.</summary>
    /// <param name="parameter">Any parameter of a model.</param>
    public static bool Takes(Value parameter) => parameter is { Kind: MemoryKind.Weights, Trainable: true }
        && (parameter.Shape.Rank >= 2 || parameter.Name.EndsWith(".weight", StringComparison.Ordinal));

    /// <summary>How many layers are trained in a step, at least one of any.</summary>
    /// <param name="layers">t.</param>
    public int Trained(int layers) => layers - (int)(Share * layers);

    /// <summary>Whether a layer is among those that are trained. Of layers that moved as much, later ones are.</summary>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="distances">Of each layer its distance, or 0 where it is not known.</param>
    public bool IsTrained(int layer, ReadOnlySpan<float> distances)
    {
        double own = Distance(layer, distances);
        int before = 0;
        for (int i = 0; i < distances.Length; i++)
        {
            double other = Distance(i, distances);
            if (other < own || (other == own && i < layer)) before++;
        }

        return before >= distances.Length - Trained(distances.Length);
    }

    private double Distance(int layer, ReadOnlySpan<float> distances) =>
        distances[layer] != 0 ? distances[layer] : Unknown * (1 + new CounterRandom(Seed, s_stream).Uniform((ulong)layer));
}
