using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// The softmax of one panel of queries: scores stand key by key, the queries beside each other, so that everything is done for a
/// vector of queries at once and the panel is afterwards the packed factor of the product with v. FlashAttention-2 (Dao 2023),
/// algorithm 1, lines 9 and 10.
/// </summary>
internal unsafe struct AttentionPanel
{
    /// <summary>[rows, width]: products q·k in, exp(score − maximum) out.</summary>
    public float* Scores;

    /// <summary>Keys of this tile.</summary>
    public nint Rows;

    /// <summary>Queries of the panel.</summary>
    public nint Width;

    /// <summary>The key of the first row.</summary>
    public nint Key;

    /// <summary>Of the queries.</summary>
    public LaneRanges Ranges;

    /// <summary>[width]: the greatest score of each query so far; updated.</summary>
    public float* Maximum;

    /// <summary>[width]: Σ exp(score − maximum) so far; updated.</summary>
    public float* Sum;

    /// <summary>[channels, width]: the output so far, rescaled to the new maximum; null before the first tile.</summary>
    public float* Output;

    /// <summary>Rows of the output.</summary>
    public nint Channels;

    /// <summary>Factor on scores.</summary>
    public float Scale;

    /// <summary>Bound on scores, or 0.</summary>
    public float SoftCap;

    /// <summary>Takes the tile in.</summary>
    public readonly void Update()
    {
        if (LaneWidth.Is16) Update<Lanes16>();
        else if (LaneWidth.Is8) Update<Lanes8>();
        else Update<Lanes1>();
    }

    private readonly void Update<T>()
        where T : unmanaged, ILanes<T>
    {
        for (nint lane = 0; lane < Width; lane += T.Count)
        {
            float scale = SoftCap > 0 ? 1 : Scale;
            if (SoftCap > 0) CapScores<T>(lane);
            Mask<T>(lane);
            T before = T.Load(Maximum + lane);
            T maximum = T.Max(Greatest<T>(lane) * T.Create(scale), before);

            // Nothing seen so far: any finite number keeps exp(−∞ − it) at 0, where −∞ − −∞ would be NaN.
            T shift = T.Select(T.AreEqual(maximum, T.Create(float.NegativeInfinity)), T.Create(0f), maximum);
            T factor = VectorMath.Exp(before - shift);
            T sum = T.MultiplyAdd(T.Load(Sum + lane), factor, Exponentiate(lane, T.Create(scale), shift));
            sum.Store(Sum + lane);
            maximum.Store(Maximum + lane);
            if (Output != null && T.Greatest(T.Select(T.LessThan(before, maximum), T.Create(1f), T.Create(0f))) > 0) Rescale(lane, factor);
        }
    }

    private readonly void CapScores<T>(nint lane)
        where T : unmanaged, ILanes<T>
    {
        float* scores = Scores + lane;
        for (nint row = 0; row < Rows; row++, scores += Width)
            AttentionTile.Cap(T.Load(scores), T.Create(Scale), SoftCap, out _).Store(scores);
    }

    private readonly void Mask<T>(nint lane)
        where T : unmanaged, ILanes<T>
    {
        (nint start, nint end) = Ranges.WhollySeen<T>(lane, Key, Rows);
        if (start == 0 && end == Rows) return;
        T first = T.Load(Ranges.First + lane), last = T.Load(Ranges.Last + lane), hidden = T.Create(float.NegativeInfinity);
        for (nint row = 0; row < Rows; row++)
        {
            if (row == start) row = end;
            if (row == Rows) break;
            float* scores = Scores + (row * Width) + lane;
            LaneRanges.IfSeen(first, last, Key + row, T.Load(scores), hidden).Store(scores);
        }
    }

    private readonly T Greatest<T>(nint lane)
        where T : unmanaged, ILanes<T>
    {
        float* scores = Scores + lane;
        nint width = Width, row = 0;
        T a = T.Create(float.NegativeInfinity), b = a, c = a, d = a;
        for (; row + 4 <= Rows; row += 4, scores += 4 * width)
        {
            a = T.Max(T.Load(scores), a);
            b = T.Max(T.Load(scores + width), b);
            c = T.Max(T.Load(scores + (2 * width)), c);
            d = T.Max(T.Load(scores + (3 * width)), d);
        }

        for (; row < Rows; row++, scores += width) a = T.Max(T.Load(scores), a);
        return T.Max(T.Max(a, b), T.Max(c, d));
    }

    private readonly T Exponentiate<T>(nint lane, T scale, T shift)
        where T : unmanaged, ILanes<T>
    {
        float* scores = Scores + lane;
        nint width = Width, row = 0;
        T negative = -shift, even = T.Create(0f), odd = even;
        for (; row + 2 <= Rows; row += 2, scores += 2 * width)
        {
            T first = VectorMath.Exp(T.MultiplyAdd(T.Load(scores), scale, negative));
            T second = VectorMath.Exp(T.MultiplyAdd(T.Load(scores + width), scale, negative));
            first.Store(scores);
            second.Store(scores + width);
            even += first;
            odd += second;
        }

        if (row < Rows)
        {
            T first = VectorMath.Exp(T.MultiplyAdd(T.Load(scores), scale, negative));
            first.Store(scores);
            even += first;
        }

        return even + odd;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void Rescale<T>(nint lane, T factor)
        where T : unmanaged, ILanes<T>
    {
        float* output = Output + lane;
        for (nint channel = 0; channel < Channels; channel++, output += Width) (T.Load(output) * factor).Store(output);
    }
}
