namespace Ration.Optimizers;

/// <summary>What is asked of an optimizer beside its name; what a rule has no use for it leaves unread.</summary>
public sealed record OptimizerSettings
{
    /// <summary>Rank of the subspace that a low-rank rule works in, or null for the rule's own.</summary>
    public int? Rank { get; init; }

    /// <summary>Decides everything random in a rule.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>An optimizer that can be asked for by name.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Create">Makes it.</param>
public sealed record OptimizerEntry(string Name, Func<OptimizerSettings, IOptimizer> Create);

/// <summary>Every optimizer by name, by plain calls: nothing is found by reflection. A new one is added here and works everywhere.</summary>
public static class OptimizerCatalog
{
    /// <summary>All optimizers, the default first.</summary>
    public static IReadOnlyList<OptimizerEntry> All { get; } =
    [
        new("adamw", static _ => new AdamW()),
        new("sgd", static _ => new Sgd()),
        new("galore", static s => new GaLore(s.Rank, Seed: s.Seed)),
        new("dct-adamw", static s => new DctAdamW(s.Rank)),
