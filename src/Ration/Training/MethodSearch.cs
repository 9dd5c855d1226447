using Ration.Devices;
using Ration.Planning;

namespace Ration.Training;

/// <summary>What a search among methods found.</summary>
/// <param name="Plans">The best plan, or the smallest where none fits, over everything that was looked at.</param>
/// <param name="RuntimeBytes">What the process needs besides the arena of that plan.</param>
/// <param name="NarrowestBytes">What it would need if only the methods of the narrowest quality were looked at.</param>
internal sealed record FoundPlan(PlanningResult Plans, long RuntimeBytes, long NarrowestBytes);

/// <summary>
/// Looks for the fastest plan among the methods that a run allows. Looking takes memory that the plan then lacks, so that narrower
/// qualities are looked at first, and wider ones only where memory costs more time than what looking takes would: a budget that holds
/// a plan of a narrow quality is never refused at a wide one.
/// </summary>
/// <param name="device">Where plans would run.</param>
/// <param name="planner">What compares them.</param>
/// <param name="budget">Bytes that the process may have.</param>
/// <param name="runtimeOf">What the process needs besides the arena where a run's <see cref="TrainingOptions.Quality"/> is looked at.</param>
/// <param name="alsoNeeded">Arena bytes that other programs of the run need with a candidate.</param>
internal sealed class MethodSearch(IDevice device, Planner planner, long budget, Func<TrainingOptions, long> runtimeOf, Func<StepProgram, long> alsoNeeded)
{
    /// <summary>The search.</summary>
    public FoundPlan Find(TrainingOptions options)
    {
        PlanningResult? found = null;
        long runtime = 0;
        TrainingMethod[] looked = [];
        foreach (TrainingOptions allowed in Levels(options))
        {
            TrainingMethod[] further = [.. TrainingMethods.Of(allowed).Except(looked)];
            if (further.Length == 0) continue;
            long wider = runtimeOf(allowed), arena = RuntimeFootprint.LargestArena(budget - wider);
            if (found?.Best is { } best && best.ArenaBytes > arena)
            {
                PlanningResult within = Choose(options, looked, arena, findsSmallest: false);
                // The most that others can win is taken to be what memory costs; what looking takes costs for certain.
                if (within.Best is null || within.Best.Seconds / best.Seconds > best.Seconds / found.Fastest) break;
                found = within with { Considered = [.. found.Considered, .. within.Considered] };
            }

            PlanningResult more = Choose(options, further, arena, findsSmallest: found?.Best is null);
            PlanningResult all = found?.Or(more, wider - runtime) ?? more;
            if (all.Best is not null || all.Smallest == more.Smallest) runtime = wider;
            found = all;
            if (found.IsUnconstrained) break;
            looked = [.. looked, .. further];
        }

        return new FoundPlan(found!, runtime, runtimeOf(Levels(options).First()));
    }

    /// <summary>The plan of choices that were made before, with what the process was given for them at the narrowest quality that has them.</summary>
    public FoundPlan Keep(TrainingOptions options, MemoryChoices choices)
    {
        TrainingMethod method = new(choices.Methods, choices.Activations);
        long runtime = runtimeOf(Levels(options).FirstOrDefault(allowed => TrainingMethods.Of(allowed).Contains(method), options));
        PlanFamily family = new(1, _ => choices, c => TrainingGraph.Build(options.With(c.Methods).Step, c).Graph);
        return new FoundPlan(planner.Choose([family], RuntimeFootprint.LargestArena(budget - runtime), alsoNeeded), runtime, runtime);
    }

    private PlanningResult Choose(TrainingOptions options, TrainingMethod[] methods, long arena, bool findsSmallest) =>
        planner.Choose([.. methods.SelectMany(method => TrainingPlanFamilies.Of(options, method, device, arena))], arena, alsoNeeded, findsSmallest);

    private static IEnumerable<TrainingOptions> Levels(TrainingOptions options) =>
        Enum.GetValues<MethodQuality>().Where(quality => quality <= options.Quality).Select(quality => options with { Quality = quality });
}
