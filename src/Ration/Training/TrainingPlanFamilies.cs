using Ration.Devices;
using Ration.Graphs;
using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Training;

/// <summary>The ways in which the memory of a training step can be arranged.</summary>
internal static class TrainingPlanFamilies
{
    private static readonly double[] s_shares = [1, 0.995, 0.99, 0.98, 0.96, 0.92, 0];

    /// <summary>
    /// A family for each micro-batch and each place of the updates; within a family, ever more is computed again. The square-root schedule
    /// is a family of its own, because it may need more than its neighbours or less, and families are searched by bisection.
    /// </summary>
    /// <param name="options">The run.</param>
    /// <param name="device">Where it will run.</param>
    /// <param name="arenaBudget">Bytes that an arena may have; the optimal schedule is made for them.</param>
    public static IReadOnlyList<PlanFamily> Of(TrainingOptions options, IDevice device, long arenaBudget) => Of(options, TrainingMethods.Of(options), device, arenaBudget);

    /// <summary>The families of some combinations of methods.</summary>
    public static IReadOnlyList<PlanFamily> Of(TrainingOptions options, IReadOnlyList<TrainingMethod> methods, IDevice device, long arenaBudget)
    {
        LastTrace traces = new();
        return [.. methods.SelectMany(method => OfMethod(options.With(method.Methods), method, method == methods[^1], device, arenaBudget, traces))];
    }

    private static List<PlanFamily> OfMethod(TrainingOptions options, TrainingMethod method, bool isLast, IDevice device, long arenaBudget, LastTrace traces)
    {
        TrainingStep step = options.Step;
        RecomputeChoice[][] schedules = [[.. BlockChoices(options)], [.. SquareRootChoice(options)], [.. PartChoice(options)]];
        List<PlanFamily> families = [];
        TrainingMethod? shared = method.Quality == MethodQuality.Exact ? null : method;
        List<int> microBatches = MicroBatches(options);
        foreach ((int rows, int mlpTiles) in Parts(options, microBatches, method.Quality))
        {
            Graph Arrange(MemoryChoices choices) => TrainingGraph.Arrange(traces.Of(step, rows, mlpTiles), step, choices);
            bool[] releases = rows < options.Rows || CannotRelease(options) ? [false] : MustRelease(options) || (mlpTiles > 1 && options.MlpTiles is null) ? [true] : [false, true];
            foreach ((bool release, HeadGradient head) in releases.SelectMany(release => HeadGradients(options, rows, release == releases[^1]).Select(head => (release, head))))
            {
                MemoryChoices plain = new(rows, default, release) { Activations = method.Activations, Methods = method.Methods, MlpTiles = mlpTiles, HeadGradient = head };
                foreach (RecomputeChoice[] recompute in schedules.Where(static s => s.Length > 0))
                    families.Add(new PlanFamily(recompute.Length, i => plain with { Recompute = recompute[i] }, Arrange) { Group = shared });
                // Released gradients cost no time, so that keeping them is no use where every byte counts. The search takes long, so that of
                // inexact methods only the smallest is given it, the last, unless it is asked for.
                bool isSearched = options.Recompute is RecomputeMode.Optimal || (options.Recompute is null && (isLast || method.Quality == MethodQuality.Exact) && !options.HasTwoBackwardPasses);
                if (release == releases[^1] && isSearched) families.Add(OptimalFamily(plain, Arrange, device, arenaBudget, options.Model.Layers) with { Group = shared });
            }
        }

        return families;
    }

    // To compute the head's gradient late costs one more product with the vocabulary: worth it where every byte counts.
    private static HeadGradient[] HeadGradients(TrainingOptions options, int rows, bool isSmallest) =>
        options.HeadGradient is { } asked ? [asked] : isSmallest && rows == options.Rows && options.ReasonForEarlyHead is null ? [HeadGradient.Early, HeadGradient.Late] : [HeadGradient.Early];

    // Tiles cost time, and are worth it where a hidden layer is large although little else is: of the fewest rows, or of all where gradients are released.
    // Gradients of tiles are equal to rounding only, so that exact plans take them where a single micro-batch leaves no other way.
    private static IEnumerable<(int Rows, int Tiles)> Parts(TrainingOptions options, List<int> microBatches, MethodQuality quality)
    {
        if (options.MlpTiles is { } pinned) return microBatches.Select(rows => (rows, pinned));
        return microBatches.SelectMany(rows => Tiles(rows).Distinct().Select(tiles => (rows, tiles)));

        int[] Tiles(int rows) => rows == microBatches[^1] || (rows == options.Rows && quality != MethodQuality.Exact) ? [1, AutomaticTiles(options, rows)] : [1];
    }

    // What was asked for is a run that holds no gradients: that leaves nothing to add micro-batches up in.
    private static bool MustRelease(TrainingOptions options) => options.Optimizer.ReleasesGradients || options.HasTwoBackwardPasses;

    // The norm of all gradients holds them all.
    private static bool CannotRelease(TrainingOptions options) => options is { ClipNorm: > 0, ClipScope: ClipScope.Global };

    // What is optimal for a little less than the budget, in case the placement loses as much; last what is smallest.
    private static PlanFamily OptimalFamily(MemoryChoices plain, Func<MemoryChoices, Graph> arrange, IDevice device, long arenaBudget, int layers)
    {
        Lazy<OptimalRecompute> search = new(() => new OptimalRecompute(choice => arrange(plain with { Recompute = choice }), device, layers));
        Lazy<(long Persistent, bool Fits)> kept = new(() =>
        {
            Graph graph = arrange(plain);
            return (PersistentLayout.Of(graph).Bytes, StepProgram.LowerBound(graph, device) <= arenaBudget);
        });
        var chosen = new RecomputeChoice?[s_shares.Length];
        return new PlanFamily(s_shares.Length, i => plain with { Recompute = chosen[i] ??= Choose(s_shares[i]) }, arrange);

        RecomputeChoice Choose(double share)
        {
            if (share == 1 && kept.Value.Fits) return new RecomputeChoice(RecomputeMode.Optimal, 0, new string(RecomputedParts.Nothing, layers));
            long bytes = (long)((arenaBudget - kept.Value.Persistent) * share);
            return (bytes <= 0 ? null : search.Value.Fastest(bytes)) ?? search.Value.Smallest();
        }
    }

    // As many tiles as leave each about as many tokens as the model is wide (Bekman et al. 2025).
    // Tiles multiply floats, so that with products of bytes they would change the numbers, and keep no compressed inputs.
    private static int AutomaticTiles(TrainingOptions options, int rows) =>
        options.Products != ProductFormat.F32 || options.Optimizer.Compression is not null ? 1 : (int)Math.Max(1, (((long)rows * options.Sequence) + options.Model.Width - 1) / options.Model.Width);

    // Each divisor doubles at least: between two of them lies little.
    private static List<int> MicroBatches(TrainingOptions options)
    {
        if (options.Optimizer.GradientParts > 0) return [options.Rows / options.Optimizer.GradientParts];
        if (options.MicroBatchRows is { } pinned) return [pinned];
        if (MustRelease(options) || options.HeadGradient is HeadGradient.Late) return [options.Rows];
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

    private static IEnumerable<RecomputeChoice> PartChoice(TrainingOptions options)
    {
        if (options.Recompute is RecomputeMode.Attention or RecomputeMode.Mlp) yield return new RecomputeChoice(options.Recompute.Value);
    }

    private static IEnumerable<RecomputeChoice> SquareRootChoice(TrainingOptions options)
    {
        if (options.Recompute is null or RecomputeMode.SquareRoot) yield return new RecomputeChoice(RecomputeMode.SquareRoot);
    }

    // Plans that differ in arrangement alone share a trace and are looked at one after another. No more than one is held: the heap counts against the budget.
    private sealed class LastTrace
    {
        private (TrainingStep Step, int Rows, int Tiles, Graph Graph)? _last;

        public Graph Of(TrainingStep step, int rows, int tiles)
        {
            if (_last is not { } last || last.Step != step || last.Rows != rows || last.Tiles != tiles)
            {
                _last = null;
                _last = last = (step, rows, tiles, TrainingGraph.Trace(step, rows, tiles).Graph);
            }

            return last.Graph;
        }
    }
}
