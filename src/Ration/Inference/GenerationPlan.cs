using Ration.Devices;
using Ration.Inference.Sampling;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Tensors;
using Ration.Training;

namespace Ration.Inference;

/// <summary>
/// A generation, known byte by byte before it starts: its placed programs, what the process needs besides, and the choices with their
/// reasons.
/// </summary>
public sealed class GenerationPlan
{
    // Code and buffers beyond what every process grows by, as measured: those of generation, and of weights in blocks.
    private const long Code = 2L << 20, CodeOfBlocks = 4L << 20;

    private GenerationPlan(
        GenerationOptions options, GenerationChoices choices, GenerationPrograms programs, long budget, long runtime, IDevice device, DType? typeThatFits)
    {
        (Options, Choices, Programs, BudgetBytes, Device, WeightTypeThatFits) = (options, choices, programs, budget, device, typeThatFits);
        RuntimeBytes = runtime + HostBytes(programs.Step) + RuntimeFootprint.Overhead(programs.ArenaBytes);
        Reasons = GenerationReasons.Explain(this);
    }

    /// <summary>What is generated.</summary>
    public GenerationOptions Options { get; }

    /// <summary>How memory is arranged.</summary>
    public GenerationChoices Choices { get; }

    /// <summary>The choices with their reasons.</summary>
    public IReadOnlyList<PlanReason> Reasons { get; }

    /// <summary>Matrices that are not held in the chosen type, because their rows are no whole blocks of it or it takes no less: the types that they
    /// keep, and how many keep each.</summary>
    public IReadOnlyDictionary<DType, int> OtherWeightTypes => Choices is not { WeightType: { } type } || Choices.WeightTypeOf(Options) is not { } typeOf ? new Dictionary<DType, int>()
        : TransformerModel.ParameterShapes(Options.Model).Where(static p => p.Shape.Rank >= 2)
            .CountBy(p => typeOf(p.Name, p.Shape)).Where(c => c.Key != type).OrderBy(static c => c.Key).ToDictionary();

    /// <summary>Where weights are read from the files, the type in which all would be kept with <see cref="GenerationQuality.Any"/>; null where none is or they are not.</summary>
    public DType? WeightTypeThatFits { get; }

    /// <summary>What runs.</summary>
    public GenerationPrograms Programs { get; }

    /// <summary>What the process may have.</summary>
    public long BudgetBytes { get; }

    /// <summary>What the process needs besides the arena.</summary>
    public long RuntimeBytes { get; }

    /// <summary>The arena of all programs.</summary>
    public long ArenaBytes => Programs.ArenaBytes;

    /// <summary>The most bytes that the process will have resident.</summary>
    public long PlannedPeakBytes => ArenaBytes + RuntimeBytes;

    /// <summary>Where it will run.</summary>
    public IDevice Device { get; }

    /// <summary>Predicted tokens a second of long prompts, all texts together.</summary>
    public double PrefillTokensPerSecond(MachineRates rates) =>
        (double)Options.Rows * Choices.Chunk / new CostModel(rates).Seconds(Programs.Largest.Graph);

    /// <summary>Predicted tokens a second after the prompt with a full cache, all texts together.</summary>
    public double DecodeTokensPerSecond(MachineRates rates) => Options.Rows / new CostModel(rates).Seconds(Programs.Single.Graph);

    /// <summary>Makes a plan. No memory for tensors is needed, so a model of any size can be planned.</summary>
    /// <param name="options">What is generated.</param>
    /// <param name="device">Where it will run; needs no memory yet.</param>
    /// <param name="hostBytes">Managed memory that the caller will hold, such as a tokenizer's.</param>
    /// <exception cref="InvalidInputException">The options are not usable.</exception>
    /// <exception cref="MemoryBudgetException">Nothing fits.</exception>
    public static GenerationPlan Create(GenerationOptions options, IDevice device, long hostBytes = 0)
    {
        options.Validate();
        long runtime = RuntimeFootprint.Reserve(device.Threads, hostBytes);
        long budget = options.Memory?.Bytes ?? MeasuredMemory.DefaultBudgetBytes();
        if (Find(options, GenerationChoices.BlocksInFiles(options), device, budget, runtime) is not { } found) throw Refusal(options, device, budget, runtime);
        DType? typeThatFits = found.Choices.StreamedBlocks > 0 ? TypeThatFits(options, found.Choices.Context, device, budget, runtime) : null;
        return new GenerationPlan(options, found.Choices, found.Programs, budget, runtime, device, typeThatFits);
    }

    private static DType? TypeThatFits(GenerationOptions options, int context, IDevice device, long budget, long runtime)
    {
        if (options.Quality == GenerationQuality.Any || options.KeepsWeights || options.WeightType is not null) return null;
        return Find(options with { Quality = GenerationQuality.Any }, [0], device, budget, runtime) is { } kept && kept.Choices.Context >= context ? kept.Choices.WeightType : null;
    }

    private static (GenerationChoices Choices, GenerationPrograms Programs)? Find(
        GenerationOptions options, IEnumerable<int> blocksInFiles, IDevice device, long budget, long runtime)
    {
        foreach (int blocks in blocksInFiles)
        {
            // Where what takes least does not fit, no other does. The first arrangement of all mostly fits, so that it is looked at at once.
            if (blocks > 0 && !GenerationChoices.Least(options, blocks).Any(MayFit)) continue;
            foreach (GenerationChoices choices in GenerationChoices.Of(options, blocks).Where(MayFit))
            {
                GenerationStep step = choices.Step(options);
                GenerationPrograms programs = GenerationPrograms.Compile(step, device);
                if (programs.ArenaBytes <= Arena(step)) return (choices, programs);
            }
        }

        return null;

        long Arena(GenerationStep step) => RuntimeFootprint.LargestArena(budget - runtime - HostBytes(step));
        bool MayFit(GenerationChoices choices) => StepProgram.LowerBound(GenerationPrograms.GraphOf(choices.Step(options), choices.Chunk, device), device) <= Arena(choices.Step(options));
    }

    // Logits, twice where there are several texts; a sampler, whose window is no longer than the text; the texts.
    private static long HostBytes(GenerationStep step)
    {
        bool blocks = step.WeightType?.Invoke("model.embed_tokens.weight", new Shape(step.Model.Vocabulary, step.Model.Width)).IsQuantized() == true;
        long logits = (long)step.Rows * step.Model.Vocabulary * sizeof(float) * (step.Rows > 1 ? 2 : 1);
        return logits + Sampler.HostBytes(step.Model.Vocabulary, step.Capacity) + RowInputs.HostBytes(step) + Code + (blocks ? CodeOfBlocks : 0);
    }

    private static MemoryBudgetException Refusal(GenerationOptions options, IDevice device, long budget, long runtime)
    {
        (long needed, GenerationChoices last) = Smallest(options, device, runtime);
        ByteSize smallest = new(needed);
        string kept = $"{last.Chunk} token{(last.Chunk == 1 ? "" : "s")} at a time, keys and values in {last.CacheType}"
            + (last.WeightType is { } type ? $", weights in {type}" : "") + ", weights of all blocks read from the files for each token";
        return new MemoryBudgetException(
            $"generating {options.LeastContext} tokens with {options.Model.Name} does not fit {new ByteSize(budget)}: "
            + $"{MemoryBudgetException.Words(smallest)} with {kept}{Hint(options, device, budget, runtime)}", new ByteSize(budget), smallest);
    }

    private static string Hint(GenerationOptions options, IDevice device, long budget, long runtime)
    {
        (long needed, GenerationChoices last) = Smallest(options with { Quality = GenerationQuality.Any }, device, runtime);
        if (needed <= budget && !options.KeepsWeights && options.Quality != GenerationQuality.Any)
            return $"; --quality any would fit, with weights {(last.WeightType is { } type ? $"in {type}" : "as they are")}, those of all blocks read from the files, "
                + $"and keys and values in {last.CacheType}";
        return options.MaxTokens > 1 ? $"; give {options.FewerTokens} to need less" : "; a smaller model needs less";
    }

    private static (long Bytes, GenerationChoices Choices) Smallest(GenerationOptions options, IDevice device, long runtime) =>
        GenerationChoices.Least(options, options.Model.Layers).Select(c => (Needed(options, c, device, runtime), c)).MinBy(static n => n.Item1);

    private static long Needed(GenerationOptions options, GenerationChoices choices, IDevice device, long runtime)
    {
        GenerationStep step = choices.Step(options);
        long arena = GenerationPrograms.Compile(step, device).ArenaBytes;
        return arena + RuntimeFootprint.Overhead(arena) + HostBytes(step) + runtime;
    }
}
