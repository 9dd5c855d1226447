using Ration.Devices;
using Ration.Planning;

namespace Ration.Training;

/// <summary>What a search among methods found.</summary>
/// <param name="Plans">The best plan, or none, and everything that was looked at.</param>
/// <param name="Smallest">Where nothing fits: the plan of the smallest budget.</param>
/// <param name="RuntimeBytes">What the process needs besides the arena of that plan.</param>
/// <param name="NarrowestBytes">What it would need if only the methods of the narrowest quality were looked at.</param>
/// <param name="IsKept">Whether nothing was searched for, because the choices are those of a checkpoint.</param>
internal sealed record FoundPlan(PlanningResult Plans, PlanCandidate? Smallest, long RuntimeBytes, long NarrowestBytes, bool IsKept = false);

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
        List<(IReadOnlyList<TrainingMethod> Methods, long Runtime)> looked = [];
        foreach ((IReadOnlyList<TrainingMethod> methods, long needed) in Levels(options))
        {
            long arena = RuntimeFootprint.LargestArena(budget - needed);
            if (found?.Best is { } best && best.ArenaBytes > arena)
            {
                PlanningResult within = Choose(options, [.. looked.SelectMany(static l => l.Methods)], arena);
                // The most that others can win is taken to be what memory costs; what looking takes costs for certain.
                if (within.Best is null || within.Best.Seconds / best.Seconds > best.Seconds / found.Fastest) break;
                found = within with { Considered = [.. found.Considered, .. within.Considered] };
            }

            PlanningResult more = Choose(options, methods, arena);
            found = found?.Or(more) ?? more;
            runtime = needed;
            if (found.IsUnconstrained) break;
            looked.Add((methods, needed));
        }

        long narrowest = Levels(options).First().Runtime;
        if (found!.Best is not null) return new FoundPlan(found, null, runtime, narrowest);
        (PlanCandidate smallest, runtime) = looked.Select(level => (Smallest(options, level.Methods, level.Runtime), level.Runtime))
            .MinBy(static p => p.Item1.ArenaBytes + RuntimeFootprint.Overhead(p.Item1.ArenaBytes) + p.Runtime);
        return new FoundPlan(found, smallest, runtime, narrowest);
    }

    /// <summary>The plan of choices that were made before, with what the process was given for them at the narrowest quality that has them.</summary>
    public FoundPlan Keep(TrainingOptions options, MemoryChoices choices)
    {
        TrainingMethod method = new(choices.Methods, choices.Activations);
        long runtime = Levels(options).Where(level => level.Methods.Contains(method)).Select(static level => level.Runtime).DefaultIfEmpty(runtimeOf(options)).First();
        PlanFamily[] family = [new(1, _ => choices, c => TrainingGraph.Build(options.With(c.Methods).Step, c).Graph)];
        PlanningResult kept = planner.Choose(family, RuntimeFootprint.LargestArena(budget - runtime), alsoNeeded);
        return new FoundPlan(kept, kept.Best is null ? planner.FindSmallest(family, alsoNeeded) : null, runtime, runtime, IsKept: true);
    }

    private PlanningResult Choose(TrainingOptions options, IReadOnlyList<TrainingMethod> methods, long arena) =>
        planner.Choose(TrainingPlanFamilies.Of(options, methods, device, arena), arena, alsoNeeded);

    private PlanCandidate Smallest(TrainingOptions options, IReadOnlyList<TrainingMethod> methods, long runtime) =>
        planner.FindSmallest(TrainingPlanFamilies.Of(options, methods, device, RuntimeFootprint.LargestArena(budget - runtime)), alsoNeeded);

    // The methods that each quality adds to those before, and what the process needs where they are looked at.
    private IEnumerable<(IReadOnlyList<TrainingMethod> Methods, long Runtime)> Levels(TrainingOptions options)
    {
        HashSet<TrainingMethod> before = [];
        for (MethodQuality quality = MethodQuality.Exact; quality <= options.Quality; quality++)
        {
            TrainingOptions allowed = options with { Quality = quality };
            TrainingMethod[] further = [.. TrainingMethods.Of(allowed).Where(before.Add)];
            if (further.Length > 0) yield return (further, runtimeOf(allowed));
        }
    }
}
