using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>What is asked of an optimizer beside its name; what a rule has no use for it leaves unread.</summary>
public sealed record OptimizerSettings
{
    /// <summary>Rank of the subspace that a low-rank rule works in, or null for the rule's own.</summary>
    public int? Rank { get; init; }

    /// <summary>Tokens of a step, for rules that go by them.</summary>
    public long TokensPerStep { get; init; }

    /// <summary>Equal parts that a step is divided into, for rules that compare their gradients.</summary>
    public int GradientParts { get; init; } = 2;

    /// <summary>Numbers of the rule by name, such as <c>weight-decay</c>, where they are not to be the rule's own.</summary>
    public IReadOnlyDictionary<string, double> Numbers { get; init; } = new Dictionary<string, double>();

    /// <summary>Decides everything random in a rule.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>What a rule's rank counts.</summary>
public enum RankKind
{
    /// <summary>It has none.</summary>
    None,

    /// <summary>Dimensions of a subspace of a matrix' shorter side.</summary>
    ShorterSide,

    /// <summary>Columns of a matrix.</summary>
    Columns,
}

/// <summary>An optimizer that can be asked for by name.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Make">Makes it with its own numbers.</param>
/// <param name="Rank">What <see cref="OptimizerSettings.Rank"/> counts for it.</param>
public sealed record OptimizerEntry(string Name, Func<OptimizerSettings, IOptimizer> Make, RankKind Rank = RankKind.None)
{
    /// <summary>The numbers that <see cref="OptimizerSettings.Numbers"/> can set.</summary>
    public IReadOnlyList<RuleNumber> Numbers => RuleNumbers.Of(Make(new OptimizerSettings { TokensPerStep = 1 }));

    /// <summary>The optimizer with the numbers that are asked for.</summary>
    /// <exception cref="InvalidInputException">It has no number of a name, or cannot use one.</exception>
    public IOptimizer Create(OptimizerSettings settings)
    {
        RuleNumbers numbers = new(settings.Numbers);
        IOptimizer optimizer = Make(settings).WithNumbers(numbers);
        numbers.RequireTaken(Name);
        return optimizer;
    }

    /// <summary>The largest rank that a matrix has for it.</summary>
    /// <param name="matrix">Shape of the matrix, or of a stack of them.</param>
    public long MostRank(Shape matrix) => Rank == RankKind.Columns ? matrix[^1] : Math.Min(matrix[^1], matrix[^2]);
}

/// <summary>Every optimizer by name, by plain calls: nothing is found by reflection. A new one is added here and works everywhere.</summary>
public static class OptimizerCatalog
{
    /// <summary>All optimizers, the default first.</summary>
    public static IReadOnlyList<OptimizerEntry> All { get; } =
    [
        new("adamw", static _ => new AdamW()),
        new("adamw-small-batch", static s => new AdamWSmallBatch(s.TokensPerStep)),
        new("sgd", static _ => new Sgd()),
        new("sgd-plain", static _ => new Sgd(Momentum: 0)),
        new("sgd-sai", static _ => new SgdSai()),
        new("lion", static _ => new Lion()),
        new("adafactor", static _ => new Adafactor()),
        new("lamb", static _ => new Lamb()),
        new("lars", static _ => new Lars()),
        new("vr-sgd", static s => new Vrgd(new Sgd(), s.GradientParts)),
        new("vr-adamw", static s => new Vrgd(new AdamW(), s.GradientParts, Beta3: 0.9f)),
        new("vr-lamb", static s => new Vrgd(new Lamb(), s.GradientParts, Beta3: 0.9f)),
        new("lomo", static _ => new Lomo()),
        new("adalomo", static _ => new AdaLomo()),
        new("apollo", static s => new Apollo(Rank: s.Rank, Seed: s.Seed), Rank: RankKind.ShorterSide),
        new("apollo-mini", static s => Apollo.Mini(s.Seed)),
        new("muon", static _ => new Muon()),
        new("galore", static s => new GaLore(s.Rank, Seed: s.Seed), Rank: RankKind.ShorterSide),
        new("q-galore", static s => new QGaLore(s.Rank, Seed: s.Seed), Rank: RankKind.ShorterSide),
        new("grad-norm-lorp", static s => new GradNormLoRP(s.Rank, Seed: s.Seed), Rank: RankKind.ShorterSide),
        new("natural-galore", static s => new NaturalGaLore(s.Rank, Seed: s.Seed), Rank: RankKind.ShorterSide),
        new("dct-adamw", static s => new DctAdamW(s.Rank), Rank: RankKind.ShorterSide),
        new("compact", static s => new CompAct(s.Rank, Seed: s.Seed), Rank: RankKind.Columns),
        new("fira", static s => new Fira(s.Rank, Seed: s.Seed), Rank: RankKind.ShorterSide),
        new("frugal-columns", static s => new Frugal(StateFullPart.Columns, s.Rank, Seed: s.Seed), Rank: RankKind.Columns),
        new("frugal-random", static s => new Frugal(StateFullPart.RandomProjection, s.Rank, Seed: s.Seed), Rank: RankKind.ShorterSide),
        new("frugal-blocks", static s => new Frugal(StateFullPart.Blocks, Seed: s.Seed)),
        new("lisa", static s => new Lisa(Seed: s.Seed)),
        new("badam", static s => new BAdam(Seed: s.Seed)),
        new("slimfit", static s => new SlimFit(Seed: s.Seed)),
        new("soap", static _ => new Soap()),
        new("cosmos", static s => new Cosmos(s.Rank ?? 64, Seed: s.Seed), Rank: RankKind.ShorterSide),
    ];

    /// <summary>The optimizer of a name.</summary>
    /// <exception cref="InvalidInputException">There is none; the message lists what there is.</exception>
    public static IOptimizer Create(string name, OptimizerSettings settings) =>
        (All.FirstOrDefault(o => o.Name == name)
            ?? throw new InvalidInputException(
                $"there is no optimizer '{name}'{Spelling.Suggestion(name, All.Select(static o => o.Name))}; there are {string.Join(", ", All.Select(static o => o.Name))}")).Create(settings);
}
