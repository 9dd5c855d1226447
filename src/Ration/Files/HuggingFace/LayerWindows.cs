using Ration.Models;

namespace Ration.Files.HuggingFace;

/// <summary>Which layers have an attention window.</summary>
/// <param name="Any">Whether any has.</param>
/// <param name="FullEvery">If not 0, layer i has none where i + 1 is a multiple of this.</param>
/// <param name="First">Layers before this one have none.</param>
internal readonly record struct LayerWindows(bool Any, int FullEvery, int First)
{
    private const int LongestPattern = 64;
    private const string Windowed = "sliding_attention", Full = "full_attention";

    /// <summary>Whether a layer has a window.</summary>
    public bool Has(int layer) => Any && layer >= First && (FullEvery == 0 || (layer + 1) % FullEvery != 0);

    /// <summary>What <c>layer_types</c> says, or this where the file has none.</summary>
    /// <exception cref="FileFormatException">The pattern is not a regular one, or differs from the only one that the family knows.</exception>
    public LayerWindows OrOf(ConfigObject config, int layers, bool mayDiffer)
    {
        if (config.Texts("layer_types") is not { } types) return this;
        if (types.Length != layers) throw config.Fault($"layer_types has {types.Length} entries for {layers} layers", "give one for each layer");
        foreach (string type in types)
        {
            if (type is not (Windowed or Full)) throw config.Fault($"layer_types holds {InvalidInputException.Quote(type)}", $"only {Windowed} and {Full} are supported");
        }

        LayerWindows own = this;
        if (Fits(own, types)) return own;
        int first = Array.IndexOf(types, Windowed);
        if (mayDiffer && first < 0) return default;
        for (int every = 0; mayDiffer && every <= LongestPattern; every++)
        {
            foreach (int start in (ReadOnlySpan<int>)[0, first])
            {
                LayerWindows pattern = new(true, every, start);
                if (every != 1 && Fits(pattern, types)) return pattern;
            }
        }

        throw config.Fault("layer_types mixes layers with and without a window in a way that is not supported", "only every n-th layer, or the first ones, may be without");
    }

    /// <summary>The model with these windows.</summary>
    public ModelConfiguration Apply(ModelConfiguration model, int window)
    {
        bool any = false;
        for (int i = 0; i < model.Layers && !any; i++) any = Has(i);
        return any && window > 0 ? model with { SlidingWindow = window, FullAttentionEvery = FullEvery, FirstWindowedLayer = First } : model;
    }

    /// <summary>The <c>layer_types</c> of a model.</summary>
    public static IEnumerable<string> TypesOf(ModelConfiguration model)
    {
        LayerWindows layers = new(model.SlidingWindow > 0, model.FullAttentionEvery, model.FirstWindowedLayer);
        return Enumerable.Range(0, model.Layers).Select(i => layers.Has(i) ? Windowed : Full);
    }

    private static bool Fits(LayerWindows layers, string[] types)
    {
        for (int i = 0; i < types.Length; i++)
        {
            if (layers.Has(i) != (types[i] == Windowed)) return false;
        }

        return true;
    }
}
