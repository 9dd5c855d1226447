namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Adds up what stretches of keys left: with l the log-sum-exp of a stretch and L that of all, its output weighs e^(l − L). An item is a
/// row. A row of a single stretch is copied.
/// </summary>
internal unsafe struct AttentionMerge : IParallelWork
{
    /// <summary>[rows, stretches, queries, heads·d].</summary>
    public float* Parts;

    /// <summary>[rows, stretches, heads, queries].</summary>
    public float* PartLogSumExp;

    /// <summary>[rows, queries, 2].</summary>
    public int* KeyRanges;

    /// <summary>[rows·queries, heads·d], overwritten.</summary>
    public float* Output;

    /// <summary>[rows, heads, queries], overwritten.</summary>
    public float* LogSumExp;

    /// <summary>The sizes.</summary>
    public AttentionShape Shape;

    /// <summary>Stretches of every row.</summary>
    public nint Stretches;

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint count = nint.Max(1, AttentionOfFewQueries.Count(AttentionOfFewQueries.Seen(Shape, KeyRanges, item)));
        for (nint query = 0; query < Shape.Queries; query++)
        {
            for (nint head = 0; head < Shape.Heads; head++) Merge(item, query, head, count);
        }
    }

    private readonly void Merge(nint row, nint query, nint head, nint count)
    {
        nint d = Shape.HeadDimension;
        float* part = Parts + (((row * Stretches * Shape.Queries) + query) * Shape.OutputStep) + (head * d);
        float* statistic = PartLogSumExp + (((row * Stretches * Shape.Heads) + head) * Shape.Queries) + query;
        nint step = Shape.Queries * Shape.OutputStep, statisticStep = Shape.Heads * Shape.Queries;
        float greatest = float.NegativeInfinity, sum = 0;
        for (nint i = 0; i < count; i++) greatest = MathF.Max(greatest, statistic[i * statisticStep]);
        bool none = float.IsNegativeInfinity(greatest);
        for (nint i = 0; i < count && !none; i++) sum += MathF.Exp(statistic[i * statisticStep] - greatest);
        float* output = Output + (((row * Shape.Queries) + query) * Shape.OutputStep) + (head * d);
        for (nint i = 0; i < count; i++)
        {
            float weight = none ? 0 : MathF.Exp(statistic[i * statisticStep] - greatest) / sum;
            if (i == 0) ElementwiseLoops.BinaryScalar<Multiply>(part, weight, output, d);
            else ReductionLoops.Axpy(weight, part + (i * step), output, d);
        }

        LogSumExp[(((row * Shape.Heads) + head) * Shape.Queries) + query] = none ? greatest : count == 1 ? greatest : greatest + MathF.Log(sum);
    }
}
