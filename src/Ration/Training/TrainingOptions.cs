using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Training;

/// <summary>What to train, on how much memory. Everything that changes the numbers is here; how memory is arranged is the planner's.</summary>
public sealed record TrainingOptions
{
    /// <summary>The model.</summary>
    public required ModelConfiguration Model { get; init; }

    /// <summary>Most bytes that the process may have resident at any time, or null for four fifths of what the machine has free.</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>Optimizer steps.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>Tokens of a step; a multiple of <see cref="Sequence"/>.</summary>
    public int BatchTokens { get; init; } = 1024;

    /// <summary>Tokens of a row.</summary>
    public int Sequence { get; init; } = 128;

    /// <summary>Peak learning rate, or null for a rate by the model's width.</summary>
    public double? LearningRate { get; init; }

    /// <summary>How the learning rate falls.</summary>
    public ScheduleShape Schedule { get; init; } = ScheduleShape.Cosine;

    /// <summary>Steps of warm-up, or null for a twentieth of all steps, at most 500.</summary>
    public long? WarmupSteps { get; init; }

    /// <summary>The update rule.</summary>
    public IOptimizer Optimizer { get; init; } = new AdamW();

    /// <summary>With what the plan may make another update rule than <see cref="Optimizer"/>, or null for never.</summary>
    public OptimizerSettings? RuleSettings { get; init; }

    /// <summary>Which methods the plan may choose where none is named.</summary>
    public MethodQuality Quality { get; init; }

    /// <summary>How optimizer state is stored between steps; null for F32, or as the plan chooses where <see cref="Quality"/> allows it.</summary>
    public StateFormat? State { get; init; }

    /// <summary>How matrices are held while training; null for F32, or as the plan chooses where <see cref="Quality"/> allows it.</summary>
    public WeightFormat? Weights { get; init; }

    /// <summary>In what linear layers are multiplied while training; evaluation multiplies floats.</summary>
    public ProductFormat Products { get; init; }

    /// <summary>The limit that clipping holds gradients to; 0 for never.</summary>
    public float ClipNorm { get; init; } = 1;

    /// <summary>What of the gradient is held to it.</summary>
    public ClipScope ClipScope { get; init; } = ClipScope.Parameter;

    /// <summary>Probability of dropout on embeddings and on what blocks add, in [0, 1).</summary>
    public float Dropout { get; init; }

    /// <summary>How the loss over the vocabulary is computed while training.</summary>
    public LossOptions Loss { get; init; } = new();

    /// <summary>Decides initial weights, order of data, dropout and what a sampled loss draws.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Cores that a tool is to give the device; 0 for all. Plans go by the threads of their device.</summary>
    public int Threads { get; init; }

    /// <summary>A recompute choice that the planner must keep to, or null for its own.</summary>
    public RecomputeMode? Recompute { get; init; }

    /// <summary>How activations wait for the backward pass, or null for as they were computed.</summary>
    public ActivationMethod? Activations { get; init; }

    /// <summary>Into how many tiles of tokens MLPs are cut, or null for the planner's choice.</summary>
    public int? MlpTiles { get; init; }

    /// <summary>When the gradient of the head is computed, or null for the planner's choice.</summary>
    public HeadGradient? HeadGradient { get; init; }

    /// <summary>A micro-batch (in rows) that the planner must keep to, or null for its own.</summary>
    public int? MicroBatchRows { get; init; }

    /// <summary>Rows of a step.</summary>
    public int Rows => BatchTokens / Sequence;

    /// <summary>The peak learning rate that is used: given, or one that suits the rule and falls with width as larger models need it.</summary>
    public double PeakLearningRate => LearningRate ?? Optimizer.RateShare * 2.5e-3 * Math.Pow(128.0 / Model.Width, 0.8);

    /// <summary>The learning rate of each step.</summary>
    public LearningRateSchedule LearningRateSchedule => new(Schedule, PeakLearningRate, 0.1, WarmupSteps ?? Math.Min(500, (Steps / 20) + (Steps % 20 > 0 ? 1 : 0)), Steps);

    /// <summary>What a step computes.</summary>
    public TrainingStep Step =>
        new(Model, Rows, Sequence, Optimizer, ClipNorm, ClipScope) { Dropout = Dropout, State = State ?? StateFormat.F32, Weights = Weights ?? WeightFormat.F32, Products = Products, Loss = Loss };

    /// <summary>The run with the methods that a plan chose.</summary>
    public TrainingOptions With(MethodChoices methods) => this with
    {
        Optimizer = methods.Rule is { } rule ? OptimizerCatalog.Create(rule, RuleSettings ?? new OptimizerSettings()) : Optimizer,
        State = methods.State ?? State,
        Weights = methods.Weights ?? Weights,
    };

    /// <summary>Whether a first backward pass measures the norm for a second (<see cref="ClipScope.TwoPass"/>): not where micro-batches are added up.</summary>
    internal bool HasTwoBackwardPasses => ClipNorm > 0 && ClipScope == ClipScope.TwoPass && (MicroBatchRows ?? Rows) == Rows && Optimizer.GradientParts == 0;

    /// <summary>Why the gradient of the head cannot be computed late, and what to do; null where it can.</summary>
    internal string? ReasonForEarlyHead =>
        Optimizer.TrainsOnlyBlocks ? $"{Optimizer.Name} does not train the head; leave it out"
        : Loss.Method == LossMethod.Full ? "--loss full keeps all logits so that they need not be computed again; take another --loss, or leave one of them out"
        : Optimizer.GradientParts > 0 || (MicroBatchRows ?? Rows) != Rows ? "micro-batches add to one gradient that lives through the step; leave it out"
        : null;

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="InvalidInputException">One of them cannot be used; the message says which and what would do.</exception>
    public void Validate()
    {
        Model.Validate();
        Loss.Validate();
        InvalidInputException.Require(Steps > 0, $"--steps {Steps}: give at least 1");
        InvalidInputException.Require(BatchTokens <= 1 << 29, $"--batch {BatchTokens}: give 536,870,912 at the most");
        InvalidInputException.Require(Sequence is > 0 and <= 1 << 24, $"--sequence {Sequence}: give 1 to 16,777,216");
        InvalidInputException.Require(BatchTokens > 0 && BatchTokens % Sequence == 0,
            $"--batch {BatchTokens} is not a multiple of --sequence {Sequence}: give {Math.Max(1, BatchTokens / Math.Max(1, Sequence)) * (long)Sequence}, say");
        InvalidInputException.Require(LearningRate is null or (> 0 and < double.PositiveInfinity), $"--learning-rate {LearningRate}: give a positive number such as 0.001");
        InvalidInputException.Require(WarmupSteps is null or >= 0, $"--warmup {WarmupSteps}: give 0 or more");
        InvalidInputException.Require(WarmupSteps is null || WarmupSteps <= Steps,
            $"--warmup {WarmupSteps} is longer than the run, whose learning rate would never be at its peak; give at most {Steps}");
        InvalidInputException.Require(ClipNorm is >= 0 and < float.PositiveInfinity, $"--clip {ClipNorm}: give 0 (never) or a positive norm");
        InvalidInputException.Require(Dropout is >= 0 and < 1, $"--dropout {Dropout}: give a probability from 0 to below 1");
        InvalidInputException.Require(Threads is >= 0 and <= 1024, $"--threads {Threads}: give 1 to 1024, or 0 for all cores");
        InvalidInputException.Require(!Optimizer.ReleasesGradients || ClipNorm == 0 || ClipScope != ClipScope.Global,
            $"--clip-scope global holds every gradient, and {Optimizer.Name} is there to hold none: give --clip-scope two-pass, which has the same numbers");
        InvalidInputException.Require(Optimizer.TrainsAllInEveryStep || ClipNorm == 0 || ClipScope is not (ClipScope.Global or ClipScope.TwoPass),
            $"--clip-scope {ClipScope.Name()} measures the gradients of all weights, and {Optimizer.Name} computes those of what it trains: leave it out, or give --clip-scope value");
        int parts = Optimizer.GradientParts;
        InvalidInputException.Require(parts == 0 || Rows % parts == 0,
            $"{Optimizer.Name} divides a step into {parts} equal parts, and the {Rows} rows of a step do not divide so; give a --batch of a multiple of {(long)parts * Sequence} tokens");
        InvalidInputException.Require(parts == 0 || MicroBatchRows is null || MicroBatchRows == Rows / parts,
            $"--micro-batch {MicroBatchRows}: {Optimizer.Name} with {parts} parts needs {Rows / Math.Max(1, parts)} rows at a time");
        InvalidInputException.Require(MicroBatchRows is null || MicroBatchRows == Rows || !Optimizer.ReleasesGradients,
            $"--micro-batch {MicroBatchRows}: {Optimizer.Name} never holds gradients, so all {Rows} rows go through at once; leave it out, give a smaller --batch, or take sgd-plain or adafactor");
        InvalidInputException.Require(Activations is not { NeedsUngatedActivations: true } || !(Model.GatedMlp || Model.Experts > 0),
            $"--activations {Activations}: {Model.Name} has only gated activation functions, of which nothing would be saved; leave it out");
        InvalidInputException.Require(Optimizer.Compression is null || Activations is not { EstimatesLinearInputs: true },
            $"--activations {Activations}: {Optimizer.Name} keeps only a projection of what linear layers read, and there is no estimate of an estimate; leave it out, or take another --optimizer");
        InvalidInputException.Require(Optimizer.Compression is null || MlpTiles is null or 1,
            $"--mlp-tiles {MlpTiles}: tiles of MLPs make whole gradients, and {Optimizer.Name} takes compressed ones; leave it out");
        InvalidInputException.Require(MlpTiles is null or >= 1, $"--mlp-tiles {MlpTiles}: give at least 1, or auto");
        long most = Math.Max(1, (long)(MicroBatchRows ?? Rows) * Sequence / TiledMlp.LeastRows);
        InvalidInputException.Require(MlpTiles is null || MlpTiles <= most,
            $"--mlp-tiles {MlpTiles}: a tile has at least {TiledMlp.LeastRows} tokens, and those that go through the model at once make {most}; give at most {most}, or auto");
        InvalidInputException.Require(Products == ProductFormat.F32 || MlpTiles is null or 1,
            $"--mlp-tiles {MlpTiles}: tiles multiply floats, not the bytes of --products int8; give one or the other");
        InvalidInputException.Require(HeadGradient is not Planning.Passes.HeadGradient.Late || ReasonForEarlyHead is null, $"--head-gradient late: {ReasonForEarlyHead}");
        InvalidInputException.Require(Recompute is not RecomputeMode.Optimal || !HasTwoBackwardPasses,
            $"--recompute optimal reckons with one backward pass, and --clip-scope two-pass makes two: give --recompute sqrt or all, or leave it out");
        InvalidInputException.Require(MicroBatchRows is null || (MicroBatchRows > 0 && Rows % MicroBatchRows == 0),
            $"--micro-batch {MicroBatchRows} does not divide the {Rows} rows of a step; give {LargestDivisor(Rows, MicroBatchRows ?? 1)}, say");
    }

    private static int LargestDivisor(int number, int most)
    {
        int divisor = Math.Clamp(most, 1, number);
        while (number % divisor != 0) divisor--;
        return divisor;
    }
}
