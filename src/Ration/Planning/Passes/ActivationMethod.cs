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

    /// <summary>Whether there must be activation functions without a gate, of which alone it saves something.</summary>
    internal bool NeedsUngatedActivations { get; init; }

    /// <summary>Whether the gradients of linear layers are estimated from less than their whole inputs.</summary>
    internal bool EstimatesLinearInputs { get; init; }

    /// <summary>Whether a plan may choose it by itself: what saves the most is for those who ask for it.</summary>
    internal bool IsChosenByPlans { get; init; }

    /// <summary>The graph with its activations kept so.</summary>
    public Graph Apply(Graph graph) => _pass?.Apply(graph) ?? graph;

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>Every way to keep activations by name, by plain calls: nothing is found by reflection. A new one is added here and works everywhere.</summary>
public static class ActivationMethods
{
    /// <summary>As they were computed.</summary>
    public static ActivationMethod Full { get; } = new("f32", MethodQuality.Exact, "as they were computed", null) { IsChosenByPlans = true };

    /// <summary>All methods, the default first.</summary>
    public static IReadOnlyList<ActivationMethod> All { get; } =
    [
        Full,
        new("bf16", MethodQuality.High, "rounded to BF16", new SavedActivations(new BFloat16Store())) { IsChosenByPlans = true },
        new("mesa", MethodQuality.High, "in 8 bits by running estimates of their range", new SavedActivations(new MesaStore())) { IsChosenByPlans = true },
        new("slimfit", MethodQuality.Any, "inputs of products and activation functions in 8-bit or 4-bit fixed point", new SavedActivations(new FixedPointStore()))
        {
            ShortensSlots = true,
        },
        new("ms-bp", MethodQuality.Exact, "one tensor shared by a norm and the linear layers after it", new MemorySharingNorms(), changesOperations: true),
        new("approx-bp", MethodQuality.Any, "two bits an element for activation functions without a gate", new ApproximateBackpropagation(), changesOperations: true)
        {
            NeedsUngatedActivations = true,
        },
        new("wta-crs", MethodQuality.Any, "30 % of the tokens of each linear layer's input", new LinearInputs(new WinnerTakeAllStore(0.3)), changesOperations: true)
        {
            EstimatesLinearInputs = true,
        },
        new("compact", MethodQuality.Any, "a random projection of each linear layer's input to a quarter of its width", new LinearInputs(new ProjectedStore(0.25)), changesOperations: true)
        {
            EstimatesLinearInputs = true,
        },
    ];

    /// <summary>The method of a name.</summary>
    /// <exception cref="FormatException">There is none; the message lists what there is.</exception>
    public static ActivationMethod Parse(string name) => All.FirstOrDefault(m => m.Name == name)
        ?? throw new FormatException($"there is no way '{name}' to keep activations; there are {string.Join(", ", All.Select(static m => m.Name))}");
}
