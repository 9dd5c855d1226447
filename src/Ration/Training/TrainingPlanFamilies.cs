using Ration.Graphs;
using Ration.Planning;

namespace Ration.Training;

/// <summary>The ways in which the memory of a training step can be arranged exactly.</summary>
internal static class TrainingPlanFamilies
{
    /// <summary>
    /// A family for each micro-batch and each place of the updates; within a family, ever more is computed again. The square-root schedule
    /// is a family of its own, because it may need more than its neighbours or less, and families are searched by bisection.
    /// </summary>
    public static IReadOnlyList<PlanFamily> Of(TrainingOptions options)
    {
        RecomputeChoice[][] schedules = [[.. BlockChoices(options)], [.. SquareRootChoice(options)]];
        List<PlanFamily> families = [];
        foreach (int rows in MicroBatches(options))
        {
            TrainingGraph traced = TrainingGraph.Trace(options.Step, rows);
            bool[] releases = rows < options.Rows ? [false] : MustRelease(options) ? [true] : [false, true];
            foreach (bool release in releases)
            {
                foreach (RecomputeChoice[] recompute in schedules)
                {
                    if (recompute.Length == 0) continue;
                    families.Add(new PlanFamily(
                        recompute.Length, i => new MemoryChoices(rows, recompute[i], release), c => TrainingGraph.Arrange(traced.Graph, options.Step, c)));
                }
            }
        }

        return families;
    }

    // What was asked for is a run that holds no gradients: that leaves nothing to add micro-batches up in.
    private static bool MustRelease(TrainingOptions options) =>
        options.Optimizer.ReleasesGradients || options is { ClipNorm: > 0, ClipScope: ClipScope.TwoPass };

    // Each divisor doubles at least: between two of them lies little.
    private static List<int> MicroBatches(TrainingOptions options)
    {
        if (options.Optimizer.GradientParts > 0) return [options.Rows / options.Optimizer.GradientParts];
        if (options.MicroBatchRows is { } pinned) return [pinned];
        if (MustRelease(options)) return [options.Rows];
        List<int> rows = [options.Rows];
        for (int candidate = options.Rows / 2; candidate >= 1; candidate--)
        {
            if (options.Rows % candidate == 0 && candidate <= rows[^1] / 2) rows.Add(candidate);
        }

        return rows;
    }

    private static IEnumerable<RecomputeChoice> BlockChoices(TrainingOptions options)
    {
        int layers = options.Model.Layers;
        if (options.Recompute is null or RecomputeMode.None) yield return new RecomputeChoice(RecomputeMode.None);
        if (options.Recompute is null) yield return new RecomputeChoice(RecomputeMode.Blocks);
        // Not the last block: its backward pass follows at once, so that forgetting it would only cost.
        for (int blocks = 1; blocks < layers && options.Recompute is null; blocks++) yield return new RecomputeChoice(RecomputeMode.Blocks, blocks);
        if (options.Recompute is RecomputeMode.Blocks) yield return new RecomputeChoice(RecomputeMode.Blocks, layers);
    }

    private static IEnumerable<RecomputeChoice> SquareRootChoice(TrainingOptions options)
    {
        if (options.Recompute is null or RecomputeMode.SquareRoot) yield return new RecomputeChoice(RecomputeMode.SquareRoot);
    }
}
