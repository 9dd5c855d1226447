using Ration.Devices;
using Ration.Graphs;
using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Inference;

/// <summary>
/// The programs of a generation, one for each number of tokens taken at once, the largest first and that of a single token last. They share
/// weights and cache.
/// </summary>
public sealed class GenerationPrograms
{
    private static readonly int[] s_sizes = [512, 128, 32, 8, 1];
    private readonly ChunkSchedule _schedule;
    private readonly int[] _sizes;

    private GenerationPrograms(GenerationStep step, IReadOnlyList<StepProgram> all)
    {
        (Step, All) = (step, all);
        _sizes = [.. all.Select(static p => (int)p.Graph.Inputs.First(static v => v.Name == GenerationGraph.Places).Shape[1])];
        _schedule = new ChunkSchedule([.. all.Select((p, i) => (_sizes[i], Seconds(p.Graph)))]);
    }

    /// <summary>What they compute.</summary>
    public GenerationStep Step { get; }

    /// <summary>All of them.</summary>
    public IReadOnlyList<StepProgram> All { get; }

    /// <summary>The one that takes most tokens.</summary>
    public StepProgram Largest => All[0];

    /// <summary>The one that takes a token of each text.</summary>
    public StepProgram Single => All[^1];

    /// <summary>The arena of all of them.</summary>
    public long ArenaBytes => All.Max(static p => p.ArenaBytes);

    /// <summary>
    /// Numbers of tokens for the largest program, most first: up to what the longest prompt needs, or the one that is given.
    /// </summary>
    public static IReadOnlyList<int> Sizes(int longestPrompt, int? pinned = null)
    {
        if (pinned is { } one) return [one];
        int largest = s_sizes.LastOrDefault(s => s >= longestPrompt, s_sizes[0]);
        return [.. s_sizes.Where(s => s <= largest)];
    }

    /// <summary>What a program of so many tokens computes, with weights laid as the device prefers them, and those of some blocks read when needed.</summary>
    internal static Graph GraphOf(GenerationStep step, int tokens, IDevice device) =>
        new StreamedWeights(step.StreamedBlocks).Apply(new WeightLayout(device.LayoutOf).Apply(GenerationGraph.Build(step, tokens)));

    /// <summary>Compiles the programs of a step.</summary>
    public static GenerationPrograms Compile(GenerationStep step, IDevice device)
    {
        List<StepProgram> all = [];
        foreach (int size in (int[])[step.LargestChunk, .. s_sizes.Where(s => s < step.LargestChunk)])
        {
            all.Add(StepProgram.Compile(GraphOf(step, size, device), device, all.Count == 0 ? null : all[0].Layout));
        }

        return new GenerationPrograms(step, all);
    }

    /// <summary>Programs that give the states that the head reads instead of logits, in the memory of these: the sizes that fit it.</summary>
    internal GenerationPrograms ForHiddenStates(IDevice device)
    {
        List<StepProgram> fitting = [];
        foreach (StepProgram program in All)
        {
            StepProgram shorter = StepProgram.Compile(GenerationGraph.UpToHiddenStates(program.Graph), device, Single.Layout);
            if (shorter.ArenaBytes <= ArenaBytes) fitting.Add(shorter);
        }

        return fitting.Count > 0 ? new GenerationPrograms(Step, fitting)
            : throw new InvalidInputException("the memory of the model has no room for embeddings; load it with a larger budget or context");
    }

    /// <summary>The program to run where so many tokens are left, and how many it takes.</summary>
    internal StepProgram Next(int left, out int tokens)
    {
        tokens = _schedule.Next(left);
        return All[Array.IndexOf(_sizes, tokens)];
    }

    private static double Seconds(Graph graph) => new CostModel(MachineRates.Nominal).Seconds(graph);
}
