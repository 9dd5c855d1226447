namespace Ration.Files.Peft;

/// <summary>
/// What an <c>adapter_config.json</c> says of a low-rank adapter (Hugging Face PEFT, "PEFT checkpoint format"): an adapted matrix W becomes
/// W + scale · B · A, with A of rank × inputs and B of outputs × rank.
/// </summary>
public sealed record PeftConfig
{
    /// <summary>Rank of the modules that no pattern names, from 1 on.</summary>
    public required int Rank { get; init; }

    /// <summary>Numerator of the scale of the modules that no pattern names.</summary>
    public required double Alpha { get; init; }

    /// <summary>Last parts of the names of the adapted modules, such as <c>q_proj</c>; empty where <see cref="TargetPattern"/> says which.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = [];

    /// <summary>A regular expression over the names of the adapted modules, or <c>all-linear</c>, or null.</summary>
    public string? TargetPattern { get; init; }

    /// <summary>Modules whose whole weights were trained and are in the adapter.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>Ranks of the modules whose names match a pattern, in order of precedence.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>Alphas of the modules whose names match a pattern, in order of precedence.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary>Share of the inputs of A that training left out.</summary>
    public double Dropout { get; init; }

    /// <summary>Whether the adapted matrices are stored as inputs × outputs, as GPT-2's are.</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>Whether the scale is alpha / √rank (Kalajdzievski 2023) and not alpha / rank.</summary>
    public bool RankStabilized { get; init; }

    /// <summary>Whether the sum's columns are scaled to stored lengths (Liu et al. 2024, DoRA).</summary>
    public bool WeightDecomposed { get; init; }

    /// <summary>The model that was adapted, as its maker named it, or null.</summary>
    public string? BaseModel { get; init; }

    /// <summary>What the model is for, such as <c>CAUSAL_LM</c>, or null.</summary>
    public string? TaskType { get; init; }

    /// <summary>Whether a head that is the embedding was kept so, with one change for both (<c>ensure_weight_tying</c>).</summary>
    public bool KeepsTies { get; init; }

    /// <summary>Keys of the file that are not known, by their names; they are passed over.</summary>
    public IReadOnlyList<string> UnknownKeys { get; init; } = [];

    /// <summary>The factor of B · A for an alpha and a rank.</summary>
    public double Scale(double alpha, int rank) => alpha / (RankStabilized ? Math.Sqrt(rank) : rank);
}
