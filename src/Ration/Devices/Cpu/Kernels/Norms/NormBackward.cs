namespace Ration.Devices.Cpu.Kernels;

/// <summary>Whether a normalization takes the mean away, and what its gradient reads.</summary>
internal interface ICentring
{
    /// <summary>It takes the mean away.</summary>
    static abstract bool IsCentred { get; }

    /// <summary>The gradient reads the normalized row n = (x − mean)·r in place of x.</summary>
    static abstract bool ReadsOutput { get; }
}

/// <summary>RMS normalization.</summary>
internal readonly struct Uncentred : ICentring
{
    /// <inheritdoc/>
    public static bool IsCentred => false;

    /// <inheritdoc/>
    public static bool ReadsOutput => false;
}

/// <summary>RMS normalization, by its output.</summary>
internal readonly struct UncentredOutput : ICentring
{
    /// <inheritdoc/>
    public static bool IsCentred => false;

    /// <inheritdoc/>
    public static bool ReadsOutput => true;
}

/// <summary>Layer normalization.</summary>
internal readonly struct Centred : ICentring
{
    /// <inheritdoc/>
    public static bool IsCentred => true;

    /// <inheritdoc/>
    public static bool ReadsOutput => false;
}

/// <summary>Layer normalization, by its output.</summary>
internal readonly struct CentredOutput : ICentring
{
    /// <inheritdoc/>
    public static bool IsCentred => true;

    /// <inheritdoc/>
    public static bool ReadsOutput => true;
}

/// <summary>The gradient of both normalizations; an item is a block of <see cref="RowBlocks"/>.</summary>
internal unsafe struct NormBackward<TCentring> : IParallelWork
    where TCentring : struct, ICentring
{
    /// <summary>[rows, columns].</summary>
    public float* Dy;

    /// <summary>[rows, columns]: x, or n.</summary>
    public float* X;

    /// <summary>[columns].</summary>
    public float* Gain;

    /// <summary>[rows]; not looked at unless centred, nor where n is read.</summary>
    public float* Mean;

    /// <summary>[rows].</summary>
    public float* InverseDeviation;

    /// <summary>[rows, columns].</summary>
    public float* Dx;

    /// <summary>[blocks, columns], or null.</summary>
    public float* GainPartials;

    /// <summary>[blocks, columns], or null.</summary>
    public float* BiasPartials;

    /// <summary>Rows of the matrices.</summary>
    public nint Rows;

    /// <summary>Columns of the matrices.</summary>
    public nint Columns;

    /// <summary>Whether to add to dx.</summary>
    public bool AccumulateDx;

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint size = RowBlocks.RowsOfBlock(Rows), end = nint.Min(Rows, (item + (nint)1) * size);
        float* gainPartial = GainPartials == null ? null : GainPartials + (item * Columns);
        float* biasPartial = BiasPartials == null ? null : BiasPartials + (item * Columns);
        if (gainPartial != null) new Span<float>(gainPartial, checked((int)Columns)).Clear();
        if (biasPartial != null) new Span<float>(biasPartial, checked((int)Columns)).Clear();
        for (nint row = item * size; row < end; row++)
        {
            float* dy = Dy + (row * Columns);
            if (biasPartial != null) ElementwiseLoops.Binary<Add>(biasPartial, dy, biasPartial, Columns);
            if (LaneWidth.Is16) Row<Lanes16>(row, gainPartial);
            else if (LaneWidth.Is8) Row<Lanes8>(row, gainPartial);
            else Row<Lanes1>(row, gainPartial);
        }
    }

    private readonly void Row<T>(nint row, float* gainPartial)
        where T : unmanaged, ILanes<T>
    {
        float inverse = InverseDeviation[row], mean = TCentring.IsCentred && !TCentring.ReadsOutput ? Mean[row] : 0;
        float sum = 0, product = 0;
        nint i = Sums<T>(row, 0, mean, ref sum, ref product);
        _ = Sums<Lanes1>(row, i, mean, ref sum, ref product);
        float scale = TCentring.ReadsOutput ? inverse : inverse * inverse * inverse;
        Coefficients c = new(mean, inverse, inverse * sum / Columns, scale * product / Columns);
        i = Apply<T>(row, 0, c, gainPartial);
        _ = Apply<Lanes1>(row, i, c, gainPartial);
    }

    // Σ gain·dy and Σ gain·dy·(x − mean).
    private readonly nint Sums<T>(nint row, nint i, float mean, ref float sum, ref float product)
        where T : unmanaged, ILanes<T>
    {
        float* dy = Dy + (row * Columns), x = X + (row * Columns);
        T centre = T.Create(mean), a = T.Create(0f), b = a, c = a, d = a;
        for (; i + (2 * T.Count) <= Columns; i += 2 * T.Count)
        {
            T first = T.Load(dy + i) * T.Load(Gain + i), second = T.Load(dy + i + T.Count) * T.Load(Gain + i + T.Count);
            if (TCentring.IsCentred)
            {
                c += first;
                d += second;
            }

            a = T.MultiplyAdd(first, TCentring.IsCentred ? T.Load(x + i) - centre : T.Load(x + i), a);
            b = T.MultiplyAdd(second, TCentring.IsCentred ? T.Load(x + i + T.Count) - centre : T.Load(x + i + T.Count), b);
        }

        for (; i + T.Count <= Columns; i += T.Count)
        {
            T first = T.Load(dy + i) * T.Load(Gain + i);
            if (TCentring.IsCentred) c += first;
            a = T.MultiplyAdd(first, T.Load(x + i) - centre, a);
        }

        sum += T.Sum(c + d);
        product += T.Sum(a + b);
        return i;
    }

    private readonly nint Apply<T>(nint row, nint i, in Coefficients c, float* gainPartial)
        where T : unmanaged, ILanes<T>
    {
        float* dys = Dy + (row * Columns), xs = X + (row * Columns), dxs = Dx + (row * Columns);
        float* gains = Gain;
        nint columns = Columns;
        bool accumulate = AccumulateDx;
        T centre = T.Create(c.Mean), inverse = T.Create(c.Inverse), shift = T.Create(c.Shift), factor = T.Create(c.Factor);
        for (; i + T.Count <= columns; i += T.Count)
        {
            T dy = T.Load(dys + i), x = T.Load(xs + i);
            if (TCentring.IsCentred) x -= centre;
            if (gainPartial != null) T.MultiplyAdd(dy, TCentring.ReadsOutput ? x : x * inverse, T.Load(gainPartial + i)).Store(gainPartial + i);
            T dx = T.MultiplyAdd(dy * T.Load(gains + i), inverse, -(x * factor));
            if (TCentring.IsCentred) dx -= shift;
            if (accumulate) dx += T.Load(dxs + i);
            dx.Store(dxs + i);
        }

        return i;
    }

    private readonly record struct Coefficients(float Mean, float Inverse, float Shift, float Factor);
}
