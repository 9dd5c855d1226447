namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Grouped-query attention, softmax(scale·q·kᵀ)·v, tile by tile (FlashAttention-2, Dao 2023): no matrix of queries by keys ever
/// exists. Sizes, layouts and key ranges as in <see cref="AttentionShape"/>.
/// </summary>
internal static unsafe class AttentionKernel
{
    // Fewer queries than this waste more in a panel of padding than tiles save.
    private const nint FewQueries = 4;

    /// <summary>
    /// Computes the output and the natural logarithm of each softmax's denominator. A query that sees nothing gets 0 and −∞.
    /// </summary>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void Forward(
        WorkerPool pool, float* q, void* k, void* v, int* keyRanges, float* output /*overwritten*/, float* logSumExp /*overwritten*/,
        in AttentionShape shape, byte* workspace /*ForwardWorkspaceBytes, aligned to 64*/)
    {
        shape.Require();
        if (shape.Queries <= FewQueries)
        {
            ForwardOfFew(pool, q, k, v, keyRanges, output, logSumExp, shape, (float*)workspace);
            return;
        }

        AttentionForward work = new()
        {
            Q = q,
            K = (byte*)k,
            V = (byte*)v,
            KeyRanges = keyRanges,
            Output = output,
            LogSumExp = logSumExp,
            Scratch = (float*)workspace,
            Shape = shape,
            Cut = new AttentionCut(shape),
        };
        pool.Run(ref work, work.Cut.Items);
    }

    /// <summary>Bytes of scratch for <see cref="Forward"/>.</summary>
    public static long ForwardWorkspaceBytes(in AttentionShape shape, int threads)
    {
        if (shape.Queries > FewQueries) return (long)threads * new AttentionCut(shape).ScratchFloats * sizeof(float);
        long stretches = MostStretches(shape);
        return stretches <= 1 ? 0 : stretches * shape.Rows * shape.Queries * (shape.OutputStep + shape.Heads) * sizeof(float);
    }

    /// <summary>
    /// The gradients of q, k and v, from those of the output; scores are computed again. Strides of dq as q's, of dk and dv as
    /// k's.
    /// </summary>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void Backward(
        WorkerPool pool, float* dOutput, float* q, float* k, float* v, float* output, float* logSumExp, int* keyRanges,
        float* dq /*overwritten*/, float* dk /*overwritten*/, float* dv /*overwritten*/, in AttentionShape shape,
        byte* workspace /*BackwardWorkspaceBytes, aligned to 64*/)
    {
        shape.Require();
        AttentionBackwardPlan plan = new(shape, workspace);
        AttentionPrepare prepare = new() { Output = output, DOutput = dOutput, KeyRanges = keyRanges, Dq = dq, Shape = shape, Plan = plan };
        pool.Run(ref prepare, checked((int)(shape.Rows * plan.Blocks)));
        AttentionBackward work = new()
        {
            DOutput = dOutput,
            Q = q,
            K = k,
            V = v,
            LogSumExp = logSumExp,
            KeyRanges = keyRanges,
            Dq = dq,
            Dk = dk,
            Dv = dv,
            Shape = shape,
            Plan = plan,
        };
        pool.Run(ref work, checked((int)(shape.Rows * shape.KvHeads * plan.Tiles)));
    }

    /// <summary>Bytes of scratch for <see cref="Backward"/>.</summary>
    public static long BackwardWorkspaceBytes(in AttentionShape shape, int threads)
    {
        AttentionBackwardPlan plan = new(shape, null);
        return plan.SharedBytes + ((long)threads * plan.ScratchFloats * sizeof(float));
    }

    // Seen keys that begin within a stretch touch one more than their number holds.
    private static long MostStretches(in AttentionShape shape)
    {
        long seen = shape.Window > 0 ? nint.Min(shape.Keys, shape.Window + shape.Queries - 1) : shape.Keys;
        long all = (shape.Keys + AttentionOfFewQueries.Stretch - 1) / AttentionOfFewQueries.Stretch;
        long touched = ((seen + AttentionOfFewQueries.Stretch - 2) / AttentionOfFewQueries.Stretch) + 1;
        return shape.Ring ? touched : Math.Min(all, touched);
    }

    private static void ForwardOfFew(
        WorkerPool pool, float* q, void* k, void* v, int* keyRanges, float* output, float* logSumExp, in AttentionShape shape, float* parts)
    {
        nint stretches = 1;
        for (nint row = 0; row < shape.Rows; row++)
            stretches = nint.Max(stretches, AttentionOfFewQueries.Count(AttentionOfFewQueries.Seen(shape, keyRanges, row)));
        if (stretches > MostStretches(shape)) throw new InvalidOperationException($"queries see keys too far apart for {shape}");
        float* statistics = parts + (shape.Rows * stretches * shape.Queries * shape.OutputStep);
        AttentionOfFewQueries few = new()
        {
            Q = q,
            K = (byte*)k,
            V = (byte*)v,
            KeyRanges = keyRanges,
            Output = stretches == 1 ? output : parts,
            LogSumExp = stretches == 1 ? logSumExp : statistics,
            Shape = shape,
            Stretches = stretches,
        };
        pool.Run(ref few, checked((int)(shape.Rows * stretches)));
        if (stretches == 1) return;
        AttentionMerge merge = new()
        {
            Parts = parts,
            PartLogSumExp = statistics,
            KeyRanges = keyRanges,
            Output = output,
            LogSumExp = logSumExp,
            Shape = shape,
            Stretches = stretches,
        };
        pool.Run(ref merge, checked((int)shape.Rows));
    }
}
