namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// One-threaded reductions in an order that depends on nothing but the count (and the width of the machine's vectors): four
/// registers of partial results are folded pairwise, then their lanes by halves, then the tail follows.
/// </summary>
internal static unsafe class ReductionLoops
{
    /// <summary>Σ x; 0 of nothing.</summary>
    public static float Sum(float* x /*[count]*/, nint count) => Fold<SumStep>(x, x, count);

    /// <summary>Σ x².</summary>
    public static float SumOfSquares(float* x /*[count]*/, nint count) => Fold<MultiplyAdd>(x, x, count);

    /// <summary>Σ x·y.</summary>
    public static float Dot(float* x /*[count]*/, float* y /*[count]*/, nint count) => Fold<MultiplyAdd>(x, y, count);

    /// <summary>The greatest; −∞ of nothing. NaN may be passed over.</summary>
    public static float Max(float* x /*[count]*/, nint count) => MaxOf<Unchanged>(x, count);

    /// <summary>The greatest of f(x); −∞ of nothing. NaN may be passed over.</summary>
    public static float MaxOf<TOperator>(float* x /*[count]*/, nint count)
        where TOperator : struct, IUnaryOperator
    {
        if (LaneWidth.Is16) return MaxBody<TOperator, Lanes16>(x, count);
        return LaneWidth.Is8 ? MaxBody<TOperator, Lanes8>(x, count) : MaxBody<TOperator, Lanes1>(x, count);
    }

    /// <summary>y += factor·x.</summary>
    public static void Axpy(float factor, float* x /*[count]*/, float* y /*[count] accumulated*/, nint count) =>
        ElementwiseLoops.TernaryScalar<AddScaled>(y, x, factor, y, count);

    /// <summary>Folds z = f(x, y, z) from z = 0 in each lane and adds the lanes up, so f must be some sum.</summary>
    public static float Fold<TOperator>(float* x /*[count]*/, float* y /*[count]*/, nint count)
        where TOperator : struct, ITernaryOperator
    {
        if (LaneWidth.Is16) return FoldBody<TOperator, Lanes16>(x, y, count);
        return LaneWidth.Is8 ? FoldBody<TOperator, Lanes8>(x, y, count) : FoldBody<TOperator, Lanes1>(x, y, count);
    }

    private static float FoldBody<TOperator, T>(float* x, float* y, nint count)
        where TOperator : struct, ITernaryOperator
        where T : unmanaged, ILanes<T>
    {
        T a = T.Create(0f), b = a, c = a, d = a;
        nint i = 0;
        for (; i + (4 * T.Count) <= count; i += 4 * T.Count)
        {
            a = TOperator.Do(T.Load(x + i), T.Load(y + i), a);
            b = TOperator.Do(T.Load(x + i + T.Count), T.Load(y + i + T.Count), b);
            c = TOperator.Do(T.Load(x + i + (2 * T.Count)), T.Load(y + i + (2 * T.Count)), c);
            d = TOperator.Do(T.Load(x + i + (3 * T.Count)), T.Load(y + i + (3 * T.Count)), d);
        }

        for (; i + T.Count <= count; i += T.Count) a = TOperator.Do(T.Load(x + i), T.Load(y + i), a);
        Lanes1 total = new(T.Sum((a + b) + (c + d)));
        for (; i < count; i++) total = TOperator.Do(new Lanes1(x[i]), new Lanes1(y[i]), total);
        return total.Value;
    }

    private static float MaxBody<TOperator, T>(float* x, nint count)
        where TOperator : struct, IUnaryOperator
        where T : unmanaged, ILanes<T>
    {
        T a = T.Create(float.NegativeInfinity), b = a;
        nint i = 0;
        for (; i + (2 * T.Count) <= count; i += 2 * T.Count)
        {
            a = T.Max(TOperator.Do(T.Load(x + i)), a);
            b = T.Max(TOperator.Do(T.Load(x + i + T.Count)), b);
        }

        float greatest = T.Greatest(T.Max(a, b));
        for (; i < count; i++) greatest = MathF.Max(greatest, TOperator.Do(new Lanes1(x[i])).Value);
        return greatest;
    }

    private readonly struct Unchanged : IUnaryOperator
    {
        public static T Do<T>(T x)
            where T : unmanaged, ILanes<T> => x;
    }

    private readonly struct SumStep : ITernaryOperator
    {
        public static T Do<T>(T x, T y, T z)
            where T : unmanaged, ILanes<T> => z + x;
    }
}
