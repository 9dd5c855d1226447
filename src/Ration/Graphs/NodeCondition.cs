namespace Ration.Graphs;

/// <summary>Numbers from a least to a greatest, both included.</summary>
/// <param name="Least">The least.</param>
/// <param name="Greatest">The greatest.</param>
public readonly record struct NumberRange(float Least, float Greatest)
{
    /// <summary>Whether all of another range lies within.</summary>
    public bool Contains(NumberRange other) => Least <= other.Least && other.Greatest <= Greatest;
}

/// <summary>
/// What must hold for a node to run in a step: a subspace that is renewed every 200 steps, for example, or the block whose turn it is.
/// </summary>
/// <param name="Scalar">An F32 scalar that the host writes or that is state; the node runs unless it is zero when its turn comes.</param>
/// <param name="Share">In which share of the steps it runs, about, in (0, 1]: for predicting time. Memory is planned as if it always ran.</param>
public sealed record NodeCondition(Value Scalar, double Share)
{
    /// <summary>The numbers that the scalar must be among; null for any but zero.</summary>
    public NumberRange? Range { get; init; }

    /// <summary>What must hold besides.</summary>
    public NodeCondition? Outer { get; init; }

    /// <summary>This and everything that must hold besides.</summary>
    public IEnumerable<NodeCondition> All
    {
        get
        {
            for (NodeCondition? each = this; each is not null; each = each.Outer) yield return each;
        }
    }

    /// <summary>Whether all scalars are written by the host, so that it holds all through a step or not at all.</summary>
    public bool IsOfHost => All.All(static c => c.Scalar.Role == ValueRole.Input);

    /// <summary>Whether another condition holds whenever this one does.</summary>
    public bool Implies(NodeCondition other) => other.All.All(theirs => All.Any(ours => ours.Scalar.Id == theirs.Scalar.Id
        && (ours.Range == theirs.Range || (ours.Range is { } own && theirs.Range is { } wider && wider.Contains(own)))));

    /// <summary>Whether the two never hold in the same step: a scalar of the host would have to be two numbers.</summary>
    public bool Excludes(NodeCondition other) => All.Any(ours => ours is { Range: not null, Scalar.Role: ValueRole.Input } && other.All.Any(theirs =>
        theirs.Scalar.Id == ours.Scalar.Id && theirs.Range is { } range && (range.Greatest < ours.Range!.Value.Least || ours.Range.Value.Greatest < range.Least)));

    /// <summary>A condition that holds whenever one of the two does, or null where none is known. It may hold in other steps too.</summary>
    public NodeCondition? Or(NodeCondition other)
    {
        if (All.FirstOrDefault(other.Implies) is { } common) return common;
        if (other.All.FirstOrDefault(Implies) is { } theirs) return theirs;
        foreach (NodeCondition ours in All)
        {
            if (ours.Range is { } range && other.All.FirstOrDefault(c => c.Scalar.Id == ours.Scalar.Id && c.Range is not null) is { Range: { } second } match)
                return new NodeCondition(ours.Scalar, Math.Min(1, ours.Share + match.Share)) { Range = new(Math.Min(range.Least, second.Least), Math.Max(range.Greatest, second.Greatest)) };
        }

        return null;
    }

    /// <summary>For example <c>%7 place.of.3 in 0..1, %9 every.200</c>.</summary>
    public override string ToString() =>
        string.Join(", ", All.Select(static c => $"%{c.Scalar.Id} {c.Scalar.Name}{(c.Range is { } range ? $" in {range.Least}..{range.Greatest}" : "")}"));
}
