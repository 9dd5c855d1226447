namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// What the backward pass needs of every query beforehand: delta (Dao 2023, algorithm 2, line 4) and the keys that its block sees.
/// An item is a block of queries of a row.
/// </summary>
internal unsafe struct AttentionPrepare : IParallelWork
{
    /// <summary>[rows·queries, heads·d].</summary>
    public float* Output;

    /// <summary>[rows·queries, heads·d].</summary>
    public float* DOutput;

    /// <summary>[rows, queries, 2].</summary>
    public int* KeyRanges;

    /// <summary>[rows·queries, heads·d]: cleared where a block sees nothing; elsewhere the first key tile overwrites it.</summary>
    public float* Dq;

    /// <summary>The sizes.</summary>
    public AttentionShape Shape;

    /// <summary>Where the results go.</summary>
    public AttentionBackwardPlan Plan;

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint row = item / Plan.Blocks, block = item % Plan.Blocks, d = Shape.HeadDimension;
        nint start = block * AttentionBackwardPlan.QueriesOfBlock,
            end = nint.Min(Shape.Queries, start + AttentionBackwardPlan.QueriesOfBlock);
        nint first = int.MaxValue, last = -1;
        for (nint query = start; query < end; query++)
        {
            (nint from, nint to) = Shape.Range(KeyRanges, row, query);
            (first, last) = (nint.Min(first, from), nint.Max(last, to));
            nint token = (row * Shape.Queries) + query;
            for (nint head = 0; head < Shape.Heads; head++)
            {
                nint at = (token * Shape.OutputStep) + (head * d);
                Plan.Delta[(((row * Shape.Heads) + head) * Shape.Queries) + query] = ReductionLoops.Dot(Output + at, DOutput + at, d);
            }
        }

        (Plan.Seen[2 * item], Plan.Seen[(2 * item) + 1]) = ((int)first, (int)last);
        for (nint head = 0; head < Shape.Heads; head++) Plan.Done[(((row * Shape.Heads) + head) * Plan.Blocks) + block] = 0;
        if (last >= 0) return;
        for (nint query = start; query < end; query++)
            new Span<float>(Dq + (((row * Shape.Queries) + query) * Shape.QueryStep), checked((int)(Shape.Heads * d))).Clear();
    }
}
