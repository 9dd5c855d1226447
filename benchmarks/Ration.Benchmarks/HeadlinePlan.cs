using Ration.Devices.Cpu;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>A training step to plan, by the choices that papers differ in; what is not said is as <c>ration train</c> has it.</summary>
/// <param name="Model">The model.</param>
internal sealed record HeadlinePlan(ModelConfiguration Model)
{
    private static readonly CpuDevice s_device = new(2);

    /// <summary>The update rule.</summary>
    public string Rule { get; init; } = "adamw";

    /// <summary>The update rule where it is not as it is by default; null for the one that is named.</summary>
    public IOptimizer? Optimizer { get; init; }

    /// <summary>The rank of a low-rank rule.</summary>
    public int? Rank { get; init; }

    /// <summary>Tokens of a row.</summary>
    public int Sequence { get; init; } = 256;

    /// <summary>Rows, all at once.</summary>
    public int Rows { get; init; } = 1;

    /// <summary>How state is stored.</summary>
    public StateFormat State { get; init; }

    /// <summary>How matrices are held.</summary>
    public WeightFormat Weights { get; init; }

    /// <summary>How activations wait.</summary>
    public string Activations { get; init; } = "f32";

    /// <summary>What is computed again; of <see cref="RecomputeMode.Blocks"/> all blocks.</summary>
    public RecomputeMode Recompute { get; init; }

    /// <summary>Whether only what is cheap is computed again, of all blocks.</summary>
    public bool RecomputesCheap { get; init; }

    /// <summary>Whether weights are updated as their gradients complete.</summary>
    public bool Release { get; init; }

    /// <summary>Into how many tiles MLPs are cut.</summary>
    public int Tiles { get; init; } = 1;

    /// <summary>Bytes of everything.</summary>
    public long ArenaBytes => Compile().ArenaBytes;

    /// <summary>The most bytes of activations that live at once.</summary>
    public long ActivationBytes
    {
        get
        {
            MemoryTimeline timeline = Compile().Timeline;
            return Enumerable.Range(0, timeline.Instructions).Max(i => timeline[i, MemoryKind.Activations]);
        }
    }

    /// <summary>Bytes of optimizer state.</summary>
    /// <param name="prefix">What the names of weights begin with that count.</param>
    public long StateBytes(string prefix = "") => Bytes(MemoryKind.OptimizerState, prefix);

    /// <summary>Bytes of weights.</summary>
    public long WeightBytes => Bytes(MemoryKind.Weights, "");

    private long Bytes(MemoryKind kind, string prefix) => Compile().Layout.Values
        .Where(v => v.Value.Kind == kind && v.Value.Name.StartsWith(prefix, StringComparison.Ordinal)).Sum(static v => v.Value.Bytes);

    private StepProgram Compile()
    {
        IOptimizer optimizer = Optimizer ?? OptimizerCatalog.Create(Rule, new OptimizerSettings { Rank = Rank, TokensPerStep = Rows * Sequence });
        TrainingStep step = new(Model with { Context = Math.Max(Model.Context, Sequence) }, Rows, Sequence, optimizer) { State = State, Weights = Weights };
        RecomputeChoice recompute = Recompute == RecomputeMode.Blocks ? new RecomputeChoice(Recompute, RecomputesCheap ? 0 : Model.Layers) : new RecomputeChoice(Recompute);
        MemoryChoices choices = new(Rows, recompute, Release) { Activations = ActivationMethods.Parse(Activations), MlpTiles = Tiles };
        return StepProgram.Compile(TrainingGraph.Build(step, choices).Graph, s_device);
    }
}
