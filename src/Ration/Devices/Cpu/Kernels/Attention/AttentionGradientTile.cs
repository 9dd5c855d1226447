namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// The elementwise part of the backward pass on a tile whose rows are keys and whose columns are queries (Dao 2023, algorithm 2,
/// lines 11, 13 and 14): p = exp(score − log-sum-exp) and ds = scale·p·(dp − delta).
/// </summary>
internal unsafe struct AttentionGradientTile
{
    private const nint Stride = AttentionBackwardPlan.QueriesOfBlock;

    /// <summary>[rows, queries of a block]: products q·k in, p out.</summary>
    public float* P;

    /// <summary>[rows, queries of a block]: dp in, ds out.</summary>
    public float* Ds;

    /// <summary>[queries of a block].</summary>
    public float* LogSumExp;

    /// <summary>[queries of a block].</summary>
    public float* Delta;

    /// <summary>Of the block's queries.</summary>
    public LaneRanges Ranges;

    /// <summary>The key of row 0.</summary>
    public nint Key;

    /// <summary>Factor on scores.</summary>
    public float Scale;

    /// <summary>Bound on scores, or 0.</summary>
    public float SoftCap;

    /// <summary>Works on columns from <paramref name="column"/> to before <paramref name="columnEnd"/> and on rows likewise.</summary>
    public readonly void Apply(nint column, nint columnEnd, nint start, nint end)
    {
        if (LaneWidth.Is16) Apply<Lanes16>(column, columnEnd, start, end);
        else if (LaneWidth.Is8) Apply<Lanes8>(column, columnEnd, start, end);
        else Apply<Lanes1>(column, columnEnd, start, end);
    }

    private readonly void Apply<T>(nint column, nint columnEnd, nint start, nint end)
        where T : unmanaged, ILanes<T>
    {
        for (; column < columnEnd; column += T.Count)
        {
            (nint from, nint to) = Ranges.WhollySeen<T>(column, Key, end);
            (from, to) = (nint.Max(from, start), nint.Max(to, start));
            Masked<T>(column, start, from);
            if (SoftCap > 0) Masked<T>(column, from, to);
            else Plain<T>(column, from, to);
            Masked<T>(column, to, end);
        }
    }

    private readonly void Plain<T>(nint column, nint row, nint end)
        where T : unmanaged, ILanes<T>
    {
        T scale = T.Create(Scale), logSumExp = -T.Load(LogSumExp + column), delta = T.Load(Delta + column);
        float* p = P + (row * Stride) + column, ds = Ds + (row * Stride) + column;
        for (; row < end; row++, p += Stride, ds += Stride)
        {
            T probability = VectorMath.Exp(T.MultiplyAdd(T.Load(p), scale, logSumExp));
            T slope = (T.Load(ds) - delta) * scale;
            probability.Store(p);
            (probability * slope).Store(ds);
        }
    }

    private readonly void Masked<T>(nint column, nint row, nint end)
        where T : unmanaged, ILanes<T>
    {
        T scale = T.Create(Scale), logSumExp = T.Load(LogSumExp + column), delta = T.Load(Delta + column), zero = T.Create(0f);
        T first = T.Load(Ranges.First + column), last = T.Load(Ranges.Last + column);
        float* p = P + (row * Stride) + column, ds = Ds + (row * Stride) + column;
        for (; row < end; row++, p += Stride, ds += Stride)
        {
            T score = T.Load(p) * scale, slope = scale;
            if (SoftCap > 0)
            {
                score = AttentionTile.Cap(T.Load(p), scale, SoftCap, out slope);
                slope *= scale;
            }

            T probability = VectorMath.Exp(score - logSumExp), gradient = probability * ((T.Load(ds) - delta) * slope);
            LaneRanges.IfSeen(first, last, Key + row, probability, zero).Store(p);
            LaneRanges.IfSeen(first, last, Key + row, gradient, zero).Store(ds);
        }
    }
}
