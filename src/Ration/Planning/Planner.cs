using Ration.Devices;
using Ration.Graphs;

namespace Ration.Planning;

/// <summary>Plans that differ in one respect, each slower and smaller than the one before it.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Choices">The choices of one.</param>
/// <param name="Build">Its graph.</param>
public sealed record PlanFamily(int Count, Func<int, MemoryChoices> Choices, Func<MemoryChoices, Graph> Build)
{
    /// <summary>
    /// The group of the family, or null for none. Families of a group come in ascending order of the bytes of their weights, state and sums: where those
    /// of one exceed the budget by themselves, the rest of its group is passed over.
    /// </summary>
    public object? Group { get; init; }
}

/// <summary>A plan that was looked at.</summary>
/// <param name="Choices">What it chooses.</param>
/// <param name="ArenaBytes">Bytes of its arena: exact once compiled, before that a lower bound.</param>
/// <param name="Seconds">Predicted time of a step.</param>
/// <param name="PersistentBytes">Bytes of weights, state and sums over micro-batches, which no recomputation changes.</param>
/// <param name="Program">The compiled step, for what was found.</param>
public sealed record PlanCandidate(MemoryChoices Choices, long ArenaBytes, double Seconds, long PersistentBytes, StepProgram? Program)
{
    /// <summary>Whether it was placed, so that its bytes are exact.</summary>
    public bool IsPlaced { get; init; }
}

/// <summary>What the planner found.</summary>
/// <param name="Best">The fastest plan that fits, or null.</param>
/// <param name="Considered">Every plan that was looked at, in that order.</param>
public sealed record PlanningResult(PlanCandidate? Best, IReadOnlyList<PlanCandidate> Considered)
{
    /// <summary>Predicted seconds of a step if memory were no matter.</summary>
    public double Fastest => Considered.Min(static c => c.Seconds);

    /// <summary>Whether what fits is about as fast as what would be taken with any amount of memory, so that looking further is no use.</summary>
    public bool IsUnconstrained => Best is not null && Best.Seconds <= (1 + Planner.Handicap) * Fastest;

    /// <summary>The better of two results, over everything that was looked at for either.</summary>
    public PlanningResult Or(PlanningResult other) => new(
        Best is null || (other.Best is not null && Planner.Handicapped(other.Best) < Planner.Handicapped(Best)) ? other.Best : Best,
        [.. Considered, .. other.Considered]);
}

/// <summary>
/// Finds the fastest plan whose arena fits. Families are searched by bisection on a lower bound of their bytes, which needs no
/// placement; the survivors are placed, fastest first.
/// </summary>
/// <param name="device">Where plans would run.</param>
/// <param name="rates">What plans are compared by; null for nominal rates.</param>
public sealed class Planner(IDevice device, MachineRates? rates = null)
{
    // Exact numbers are worth something: a plan with others must be faster by this much for each step away.
    internal const double Handicap = 0.03;

    // The managed heap counts against the budget that is planned for; of a large one it is a thousandth, and left to the collector.
    private const long HeapStep = 6 << 20, LargeBudget = 4L << 30;

    // A forced collection walks the whole heap: that is worth it only once garbage is an eighth of it.
    private const int ShareOfHeap = 8;
    private bool _frees = true;

    private readonly CostModel _cost = new(rates ?? MachineRates.Nominal);
    private readonly List<PlanCandidate> _considered = [];
    private long _allocated = GC.GetAllocatedBytesForCurrentThread();

    /// <summary>Looks for the fastest plan.</summary>
    /// <param name="families">At least one family.</param>
    /// <param name="arenaBudget">Bytes that an arena may have.</param>
    /// <param name="alsoNeeded">Arena bytes that other programs of the run need with a candidate, for example evaluation.</param>
    public PlanningResult Choose(IReadOnlyList<PlanFamily> families, long arenaBudget, Func<StepProgram, long> alsoNeeded)
    {
        _considered.Clear();
        _frees = arenaBudget < LargeBudget;
        List<(PlanFamily Family, int Index, double Seconds)> open = [];
        HashSet<object> hopeless = [];
        foreach (PlanFamily family in families)
        {
            if (family.Group is not null && hopeless.Contains(family.Group)) continue;
            int first = FirstWithin(family, arenaBudget);
            if (first < family.Count) open.Add((family, first, Handicapped(Look(family, first))));
            else if (family.Group is not null && Look(family, 0).PersistentBytes > arenaBudget) hopeless.Add(family.Group);
        }

        PlanCandidate? best = null;
        while (best is null && open.Count > 0)
        {
            (PlanFamily family, int index, _) = open.MinBy(static o => o.Seconds);
            open.RemoveAll(o => o.Family == family);
            best = Place(family, index, alsoNeeded, arenaBudget);
            if (best is null && index + 1 < family.Count) open.Add((family, index + 1, Handicapped(Look(family, index + 1))));
        }

        return new PlanningResult(best, [.. _considered]);
    }

    /// <summary>Looks for the plan of the smallest arena, compiled.</summary>
    /// <param name="families">At least one family.</param>
    /// <param name="alsoNeeded">Arena bytes that other programs of the run need with a candidate.</param>
    public PlanCandidate FindSmallest(IReadOnlyList<PlanFamily> families, Func<StepProgram, long> alsoNeeded)
    {
        PlanCandidate? smallest = null;
        foreach (IEnumerable<PlanFamily> method in families.GroupBy(static f => f.Group).OrderBy(BytesOf).ToArray())
        {
            if (BytesOf(method) >= smallest?.ArenaBytes) break;
            foreach ((PlanFamily family, int index, long bound) in method.SelectMany(SmallEnd).OrderBy(static p => p.Bound).ToArray())
            {
                // Bounds ascend: none of those that follow can be smaller than what was placed.
                if (bound > smallest?.ArenaBytes) break;
                if (!IsSmaller(Look(family, index), smallest) || Place(family, index, alsoNeeded, smallest?.ArenaBytes ?? long.MaxValue) is not { } placed) continue;
                bool isSmaller = IsSmaller(placed, smallest);
                if ((isSmaller ? smallest : placed) is { } other) Forget(other);
                if (isSmaller) smallest = placed;
            }
        }

        return smallest!;

        // The first family of a method has no sums over micro-batches, and with them the fewest bytes that none of its arrangements can do without.
        long BytesOf(IEnumerable<PlanFamily> method) => Look(method.First(), 0).PersistentBytes;

        // Of as many bytes the fastest, which is what a budget of so many gets.
        static bool IsSmaller(PlanCandidate plan, PlanCandidate? than) =>
            than is null || plan.ArenaBytes < than.ArenaBytes || (plan.ArenaBytes == than.ArenaBytes && Handicapped(plan) < Handicapped(than));
    }

    /// <summary>The time by which plans are compared.</summary>
    internal static double Handicapped(PlanCandidate candidate) => candidate.Seconds * (1 + (Handicap * candidate.Choices.StepsFromExact));

    private int FirstWithin(PlanFamily family, long arenaBudget)
    {
        PlanCandidate fastest = Look(family, 0);
        if (fastest.ArenaBytes <= arenaBudget) return 0;
        if (fastest.PersistentBytes > arenaBudget)
        {
            // Nothing of the family fits; the smallest is looked at to know by how much.
            Look(family, family.Count - 1);
            return family.Count;
        }

        if (family.Count == 1) return 1;
        int low = 1, high = family.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Look(family, middle).ArenaBytes <= arenaBudget) high = middle;
            else low = middle + 1;
        }

        // Where schedules cross, plans before the last may be smaller than it, which is all that the bisection has seen of them.
        return low < family.Count ? low : SmallEnd(family).LastOrDefault(p => p.Bound <= arenaBudget, (family, family.Count, 0)).Index;
    }

    // The last of a family is its smallest, but where schedules cross: those before it count for as long as their bounds do not grow.
    private IEnumerable<(PlanFamily Family, int Index, long Bound)> SmallEnd(PlanFamily family)
    {
        long last = long.MaxValue;
        for (int i = family.Count - 1; i >= 0; i--)
        {
            long bound = Look(family, i).ArenaBytes;
            if (bound > last && i < family.Count - 2) yield break;
            last = Math.Min(last, bound);
            yield return (family, i, bound);
        }
    }

    private PlanCandidate Look(PlanFamily family, int index)
    {
        MemoryChoices choices = family.Choices(index);
        if (_considered.Find(c => c.Choices == choices) is { } known) return known;
        Graph graph = family.Build(choices);
        PlanCandidate candidate = new(choices, StepProgram.LowerBound(graph, device), _cost.Seconds(graph), graph.Persistent.Sum(static v => v.Bytes), null);
        _considered.Add(candidate);
        FreeGraphs();
        return candidate;
    }

    // Graphs of plans that were looked at are garbage by the megabyte, long before the collector would come by itself.
    private void FreeGraphs()
    {
        if (!_frees || GC.GetAllocatedBytesForCurrentThread() - _allocated < Math.Max(HeapStep, GC.GetGCMemoryInfo().HeapSizeBytes / ShareOfHeap)) return;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        _allocated = GC.GetAllocatedBytesForCurrentThread();
    }

    // The plan with its program, if that takes no more than so many bytes.
    private PlanCandidate? Place(PlanFamily family, int index, Func<StepProgram, long> alsoNeeded, long most)
    {
        PlanCandidate looked = Look(family, index);
        if (looked.IsPlaced && looked.ArenaBytes > most) return null;
        PlanCandidate placed = looked.Program is null ? Compile(family, looked, alsoNeeded) : looked;
        if (placed.ArenaBytes <= most) return placed;
        Forget(placed);
        return null;
    }

    private PlanCandidate Compile(PlanFamily family, PlanCandidate looked, Func<StepProgram, long> alsoNeeded)
    {
        StepProgram program = StepProgram.Compile(family.Build(looked.Choices), device);
        PlanCandidate compiled = looked with { Program = program, ArenaBytes = Math.Max(program.ArenaBytes, alsoNeeded(program)), IsPlaced = true };
        _considered[IndexOf(looked)] = compiled;
        return compiled;
    }

    // A program holds its graph, and the heap counts against the budget.
    private void Forget(PlanCandidate candidate)
    {
        _considered[IndexOf(candidate)] = candidate with { Program = null };
        FreeGraphs();
    }

    private int IndexOf(PlanCandidate candidate) => _considered.FindIndex(c => c.Choices == candidate.Choices);
}
