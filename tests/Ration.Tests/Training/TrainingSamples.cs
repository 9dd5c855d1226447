using Ration.Data;
using Ration.Devices;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Small runs for tests of training.</summary>
internal static class TrainingSamples
{
    /// <summary>Wide enough that every kernel splits its work.</summary>
    public static ModelConfiguration Model => new()
    {
        Name = "sample",
        Vocabulary = 300,
        Width = 48,
        HiddenWidth = 136,
        Layers = 2,
        Heads = 4,
        KvHeads = 2,
        HeadDimension = 12,
    };

    public static TrainingOptions Options(string optimizer = "adamw", float dropout = 0) => new()
    {
        Model = Model,
        Steps = 6,
        BatchTokens = 8 * 40,
        Sequence = 40,
        LearningRate = 0.01,
        WarmupSteps = 2,
        Dropout = dropout,
        Seed = 3,
        Optimizer = OptimizerCatalog.Create(optimizer, new OptimizerSettings { Rank = 4, TokensPerStep = 320 }),
    };

    /// <summary>A run whose matrices have rows of whole blocks, so that state in blocks is really used.</summary>
    public static TrainingOptions InBlocks(StateFormat state, WeightFormat weights = WeightFormat.F32) => Options() with
    {
        Model = Model with { Width = 256, HiddenWidth = 256, HeadDimension = 64, Layers = 1 },
        BatchTokens = 4 * 40,
        State = state,
        Weights = weights,
    };

    /// <summary>Every optimizer that can be asked for: what holds of a run holds with each.</summary>
    public static TheoryData<string> Optimizers => [.. OptimizerCatalog.All.Select(static o => o.Name)];

    /// <summary>Every way to keep activations that can be asked for.</summary>
    public static TheoryData<string> ActivationMethods => [.. Ration.Planning.Passes.ActivationMethods.All.Select(static m => m.Name)];

    /// <summary>Every way of storing optimizer state.</summary>
    public static TheoryData<StateFormat> States => [.. Enum.GetValues<StateFormat>()];

    /// <summary>Every way of holding weights.</summary>
    public static TheoryData<WeightFormat> WeightFormats => [.. Enum.GetValues<WeightFormat>()];

    /// <summary>The most rows at once that an optimizer allows.</summary>
    public static int LargestMicroBatch(string optimizer) => Options(optimizer).Rows / Math.Max(1, Options(optimizer).Optimizer.GradientParts);

    /// <summary>
    /// Rules that turn to something else within a few steps: low-rank rules with bases of whole blocks that renew their subspaces, and rules that
    /// train some blocks or layers of the model at a time.
    /// </summary>
    public static IReadOnlyDictionary<string, IOptimizer> Renewing { get; } = new IOptimizer[]
    {
        new GaLore(32, Period: 2), new QGaLore(32, Period: 1, Patience: 1), new NaturalGaLore(32, History: 3, Period: 2), new DctAdamW(32, Period: 2),
            new GradNormLoRP(32, Period: 2), new CompAct(8, Period: 2),
        new Lisa(Layers: 1, Period: 1), new BAdam(Period: 1, BlockOrder.Shuffled), new Frugal(StateFullPart.Blocks, Period: 1), new SlimFit(Frozen: 0.8),
    }.ToDictionary(static o => o.Name);

    /// <summary>Names of <see cref="Renewing"/>.</summary>
    public static TheoryData<string> RenewingNames => [.. Renewing.Keys];

    /// <summary>Rows for these options.</summary>
    public static PackedBatches Data(TrainingOptions options) => new(new RandomTokens(5000, options.Model.Vocabulary, seed: 9), options.Sequence, options.Seed);

    /// <summary>A plan, of the planner's choices or of given ones.</summary>
    public static TrainingPlan Plan(TrainingOptions options, IDevice device, int threads = 1, MemoryChoices? choices = null) =>
        TrainingPlan.Create(options with { Memory = ByteSize.Parse("64GiB") }, device, pinned: choices);

    /// <summary>Bytes of all weights and optimizer state.</summary>
    public static byte[] State(Trainer trainer)
    {
        List<byte> all = [];
        foreach (Value value in trainer.Plan.Program.Graph.Persistent.Where(static v => v.Kind != MemoryKind.Gradients).OrderBy(static v => v.Name, StringComparer.Ordinal))
        {
            byte[] bytes = new byte[value.Bytes];
            trainer.Executor.ReadPersistent(value, 0, bytes);
            all.AddRange(bytes);
        }

        return [.. all];
    }
}
