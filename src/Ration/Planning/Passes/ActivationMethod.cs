using Ration.Graphs;

namespace Ration.Planning.Passes;

/// <summary>A way to keep what the backward pass reads of the forward pass.</summary>
public sealed class ActivationMethod
{
    private readonly IGraphPass? _pass;

    internal ActivationMethod(string name, MethodQuality quality, string description, IGraphPass? pass, bool changesOperations = false) =>
        (Name, Quality, Description, _pass, ChangesOperations) = (name, quality, description, pass, changesOperations);

    /// <summary>The name on the command line and in checkpoints.</summary>
    public string Name { get; }

    /// <summary>What it does to the numbers.</summary>
    public MethodQuality Quality { get; }

    /// <summary>What it does, in a few words.</summary>
    public string Description { get; }

    /// <summary>
    /// Whether it replaces operations, which must happen before it is decided what is computed again; other methods take what is left to save
    /// after that.
    /// </summary>
    internal bool ChangesOperations { get; }

    /// <summary>Whether what waits only for layers that are trained is in fewer bits too, for rules that freeze layers; see <see cref="InputSlots"/>.</summary>
    internal bool ShortensSlots { get; init; }

    /// <summary>The graph with its activations kept so.</summary>
    public Graph Apply(Graph graph) => _pass?.Apply(graph) ?? graph;

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>Every way to keep activations by name, by plain calls: nothing is found by reflection. A new one is added here and works everywhere.</summary>
public static class ActivationMethods
{
    /// <summary>As they were computed.</summary>
    public static ActivationMethod Full { get; } = new("f32", MethodQuality.Exact, "as they were computed", null);

    /// <summary>All methods, the default first.</summary>
    public static IReadOnlyList<ActivationMethod> All { get; } =
    [
        Full,
        new("bf16", MethodQuality.High, "rounded to BF16", new SavedActivations(new BFloat16Store())),
        new("mesa", MethodQuality.High, "in 8 bits by running estimates of their range", new SavedActivations(new MesaStore())),
        new("slimfit", MethodQuality.Any, "of what products and activation functions read 8 bits in a fixed range, or 4", new SavedActivations(new FixedPointStore())) { ShortensSlots = true },
        new("ms-bp", MethodQuality.Exact, "of norms and the linear layers after them one tensor for both", new MemorySharingNorms(), changesOperations: true),
        new("approx-bp", MethodQuality.Any, "of activation functions without a gate two bits", new ApproximateBackpropagation(), changesOperations: true),
        new("wta-crs", MethodQuality.Any, "of inputs of linear layers three tenths of the tokens", new LinearInputs(new WinnerTakeAllStore(0.3)), changesOperations: true),
        new("compact", MethodQuality.Any, "of inputs of linear layers a random projection to a quarter", new LinearInputs(new ProjectedStore(0.25)), changesOperations: true),
    ];

    /// <summary>The method of a name.</summary>
    /// <exception cref="FormatException">There is none; the message lists what there is.</exception>
    public static ActivationMethod Parse(string name) => All.FirstOrDefault(m => m.Name == name)
        ?? throw new FormatException($"there is no way '{name}' to keep activations; there are {string.Join(", ", All.Select(static m => m.Name))}");
}
