namespace Ration.Benchmarks;

/// <summary>What a run saves memory by; in the order of the table and of the chart's legend.</summary>
internal enum MethodFamily
{
    /// <summary>Nothing changes a number: the fastest plan, other arrangements.</summary>
    Exact,

    /// <summary>How optimizer state is stored.</summary>
    State,

    /// <summary>How weights are held.</summary>
    Weights,

    /// <summary>How activations wait, and a loss that is not of the whole vocabulary.</summary>
    Activations,

    /// <summary>Another update rule.</summary>
    Rule,

    /// <summary>Several of these.</summary>
    Combination,

    /// <summary>What the planner chooses with quality <c>exact</c>.</summary>
    PlannerExact,

    /// <summary>What it chooses with quality <c>high</c>.</summary>
    PlannerHigh,

    /// <summary>What it chooses with quality <c>any</c>.</summary>
    PlannerAny,
}

/// <summary>One way to train: options of the tool, and the memory that it is given.</summary>
/// <param name="Family">What it saves memory by.</param>
/// <param name="Name">Its name in the table and the chart; without a comma, which divides names on the command line.</param>
/// <param name="Options">Options of <c>ration train</c>, with spaces between.</param>
/// <param name="Share">The budget, from the least that fits (0) to what the fastest exact plan takes (1); null for plenty.</param>
internal sealed record MemoryMethod(MethodFamily Family, string Name, string Options, double? Share = null)
{
    private static readonly (string Rule, string Name)[] s_rules =
    [
        ("sgd", "SGD"), ("sgd-plain", "plain SGD"), ("sgd-sai", "SGD-SaI"), ("lion", "Lion"), ("lamb", "LAMB"), ("muon", "Muon"), ("cosmos", "COSMOS"),
        ("adafactor", "Adafactor"), ("lomo", "LOMO"), ("adalomo", "AdaLomo"), ("apollo", "APOLLO"), ("apollo-mini", "APOLLO-Mini"), ("galore", "GaLore"),
        ("q-galore", "Q-GaLore"), ("grad-norm-lorp", "GradNormLoRP"), ("fira", "Fira"), ("compact", "CompAct's rule"), ("frugal-columns", "FRUGAL columns"),
        ("frugal-random", "FRUGAL random"), ("frugal-blocks", "FRUGAL blocks"), ("dct-adamw", "DCT-AdamW"), ("lisa", "LISA"), ("badam", "BAdam"), ("slimfit", "SlimFit"),
    ];

    /// <summary>The exact plan with plenty of memory, to which all others are compared.</summary>
    public static MemoryMethod Unconstrained { get; } = new(MethodFamily.Exact, "unconstrained", "");

    /// <summary>All methods, that one first.</summary>
    public static IReadOnlyList<MemoryMethod> All { get; } =
    [
        Unconstrained,
        new(MethodFamily.Exact, "gradients kept", "--recompute none --clip-scope global"),
        new(MethodFamily.Exact, "clipping in two passes", "--recompute none --clip-scope two-pass"),
        new(MethodFamily.Exact, "one row at a time", "--recompute none --micro-batch 1"),
        new(MethodFamily.Exact, "recompute attention", "--recompute attention"),
        new(MethodFamily.Exact, "recompute MLP", "--recompute mlp"),
        new(MethodFamily.Exact, "recompute blocks", "--recompute all"),
        new(MethodFamily.Exact, "recompute √n", "--recompute sqrt"),
        new(MethodFamily.Exact, "late head gradient", "--recompute none --head-gradient late"),
        new(MethodFamily.Exact, "4 MLP tiles", "--recompute none --mlp-tiles 4"),
        new(MethodFamily.Exact, "full logits", "--recompute none --loss full"),
        new(MethodFamily.State, "BF16 state", "--state bf16"),
        new(MethodFamily.State, "8-bit state", "--state 8bit"),
        new(MethodFamily.State, "4-bit state", "--state 4bit"),
        new(MethodFamily.State, "FP8 state", "--state fp8"),
        new(MethodFamily.Weights, "BF16 weights", "--weights bf16"),
        new(MethodFamily.Weights, "compensated BF16 weights", "--weights bf16-kahan"),
        new(MethodFamily.Weights, "INT8 weights", "--weights int8"),
        new(MethodFamily.Weights, "products of bytes", "--products int8"),
        new(MethodFamily.Activations, "BF16 activations", "--recompute none --activations bf16"),
        new(MethodFamily.Activations, "Mesa", "--recompute none --activations mesa"),
        new(MethodFamily.Activations, "WTA-CRS", "--recompute none --activations wta-crs"),
        new(MethodFamily.Activations, "CompAct", "--recompute none --activations compact"),
        new(MethodFamily.Activations, "sampled softmax", "--recompute none --loss sampled"),
        .. s_rules.Select(static r => new MemoryMethod(MethodFamily.Rule, r.Name, $"--optimizer {r.Rule}")),
        new(MethodFamily.Combination, "AdamW all in BF16", "--state bf16 --weights bf16 --activations bf16"),
        new(MethodFamily.Combination, "8-bit GaLore + BF16 weights", "--optimizer galore --state 8bit --weights bf16"),
        new(MethodFamily.Combination, "8-bit Q-GaLore + INT8 weights", "--optimizer q-galore --state 8bit --weights int8"),
        new(MethodFamily.Combination, "APOLLO-Mini + INT8 weights", "--optimizer apollo-mini --weights int8"),
        new(MethodFamily.Combination, "LOMO + BF16 weights + recompute", "--optimizer lomo --weights bf16 --recompute all"),
        new(MethodFamily.Combination, "AdaLomo + INT8 weights + Mesa + recompute", "--optimizer adalomo --weights int8 --activations mesa --recompute all"),
        .. Planner(MethodFamily.PlannerExact, "exact", 0, 0.3, 0.7),
        .. Planner(MethodFamily.PlannerHigh, "high", 0, 0.2, 0.5, 0.8),
        .. Planner(MethodFamily.PlannerAny, "any", 0, 0.1, 0.3, 0.6),
    ];

    /// <summary>Whether the planner chose.</summary>
    public bool IsPlanned => Family >= MethodFamily.PlannerExact;

    private static IEnumerable<MemoryMethod> Planner(MethodFamily family, string quality, params double[] shares) =>
        shares.Select(share => new MemoryMethod(family, FormattableString.Invariant($"planner {quality} {100 * share:0} %"), $"--quality {quality}", share));
}
