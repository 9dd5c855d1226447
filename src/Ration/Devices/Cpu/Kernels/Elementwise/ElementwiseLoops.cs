namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// The only loops over elementwise operators: one thread, any count, any alignment. The output may be the very same memory as an
/// input, but may not overlap one otherwise. A number's result does not depend on where in the loop it stands.
/// </summary>
internal static unsafe class ElementwiseLoops
{
    /// <summary>y = f(x).</summary>
    public static void Unary<TOperator>(float* x /*[count]*/, float* y /*[count] overwritten*/, nint count)
        where TOperator : struct, IUnaryOperator
    {
        nint i = 0;
        if (LaneWidth.Is16) i = UnaryBody<TOperator, Lanes16>(x, y, 0, count);
        else if (LaneWidth.Is8) i = UnaryBody<TOperator, Lanes8>(x, y, 0, count);
        _ = UnaryBody<TOperator, Lanes1>(x, y, i, count);
    }

    /// <summary>z = f(x, y).</summary>
    public static void Binary<TOperator>(float* x /*[count]*/, float* y /*[count]*/, float* z /*[count] overwritten*/, nint count)
        where TOperator : struct, IBinaryOperator
    {
        nint i = 0;
        if (LaneWidth.Is16) i = BinaryBody<TOperator, Lanes16>(x, y, z, 0, count);
        else if (LaneWidth.Is8) i = BinaryBody<TOperator, Lanes8>(x, y, z, 0, count);
        _ = BinaryBody<TOperator, Lanes1>(x, y, z, i, count);
    }

    /// <summary>z = f(x, scalar).</summary>
    public static void BinaryScalar<TOperator>(float* x /*[count]*/, float scalar, float* z /*[count] overwritten*/, nint count)
        where TOperator : struct, IBinaryOperator
    {
        nint i = 0;
        if (LaneWidth.Is16) i = BinaryScalarBody<TOperator, Lanes16>(x, scalar, z, 0, count);
        else if (LaneWidth.Is8) i = BinaryScalarBody<TOperator, Lanes8>(x, scalar, z, 0, count);
        _ = BinaryScalarBody<TOperator, Lanes1>(x, scalar, z, i, count);
    }

    /// <summary>z = f(scalar, y).</summary>
    public static void ScalarBinary<TOperator>(float scalar, float* y /*[count]*/, float* z /*[count] overwritten*/, nint count)
        where TOperator : struct, IBinaryOperator => BinaryScalar<Exchanged<TOperator>>(y, scalar, z, count);

    /// <summary>w = f(x, y, z).</summary>
    public static void Ternary<TOperator>(float* x /*[count]*/, float* y /*[count]*/, float* z /*[count]*/,
        float* w /*[count] overwritten*/, nint count)
        where TOperator : struct, ITernaryOperator
    {
        nint i = 0;
        if (LaneWidth.Is16) i = TernaryBody<TOperator, Lanes16>(x, y, z, w, 0, count);
        else if (LaneWidth.Is8) i = TernaryBody<TOperator, Lanes8>(x, y, z, w, 0, count);
        _ = TernaryBody<TOperator, Lanes1>(x, y, z, w, i, count);
    }

    /// <summary>w = f(x, y, scalar).</summary>
    public static void TernaryScalar<TOperator>(float* x /*[count]*/, float* y /*[count]*/, float scalar,
        float* w /*[count] overwritten*/, nint count)
        where TOperator : struct, ITernaryOperator
    {
        nint i = 0;
        if (LaneWidth.Is16) i = TernaryScalarBody<TOperator, Lanes16>(x, y, scalar, w, 0, count);
        else if (LaneWidth.Is8) i = TernaryScalarBody<TOperator, Lanes8>(x, y, scalar, w, 0, count);
        _ = TernaryScalarBody<TOperator, Lanes1>(x, y, scalar, w, i, count);
    }

    /// <summary>w = f(x, scalar1, scalar2).</summary>
    public static void TernaryScalars<TOperator>(float* x /*[count]*/, float scalar1, float scalar2, float* w /*[count] overwritten*/,
        nint count)
        where TOperator : struct, ITernaryOperator
    {
        nint i = 0;
        if (LaneWidth.Is16) i = TernaryScalarsBody<TOperator, Lanes16>(x, scalar1, scalar2, w, 0, count);
        else if (LaneWidth.Is8) i = TernaryScalarsBody<TOperator, Lanes8>(x, scalar1, scalar2, w, 0, count);
        _ = TernaryScalarsBody<TOperator, Lanes1>(x, scalar1, scalar2, w, i, count);
    }

    private static nint UnaryBody<TOperator, T>(float* x, float* y, nint i, nint count)
        where TOperator : struct, IUnaryOperator
        where T : unmanaged, ILanes<T>
    {
        for (; i + T.Count <= count; i += T.Count) TOperator.Do(T.Load(x + i)).Store(y + i);
        return i;
    }

    private static nint BinaryBody<TOperator, T>(float* x, float* y, float* z, nint i, nint count)
        where TOperator : struct, IBinaryOperator
        where T : unmanaged, ILanes<T>
    {
        for (; i + T.Count <= count; i += T.Count) TOperator.Do(T.Load(x + i), T.Load(y + i)).Store(z + i);
        return i;
    }

    private static nint BinaryScalarBody<TOperator, T>(float* x, float scalar, float* z, nint i, nint count)
        where TOperator : struct, IBinaryOperator
        where T : unmanaged, ILanes<T>
    {
        T y = T.Create(scalar);
        for (; i + T.Count <= count; i += T.Count) TOperator.Do(T.Load(x + i), y).Store(z + i);
        return i;
    }

    private static nint TernaryBody<TOperator, T>(float* x, float* y, float* z, float* w, nint i, nint count)
        where TOperator : struct, ITernaryOperator
        where T : unmanaged, ILanes<T>
    {
        for (; i + T.Count <= count; i += T.Count) TOperator.Do(T.Load(x + i), T.Load(y + i), T.Load(z + i)).Store(w + i);
        return i;
    }

    private static nint TernaryScalarBody<TOperator, T>(float* x, float* y, float scalar, float* w, nint i, nint count)
        where TOperator : struct, ITernaryOperator
        where T : unmanaged, ILanes<T>
    {
        T z = T.Create(scalar);
        for (; i + T.Count <= count; i += T.Count) TOperator.Do(T.Load(x + i), T.Load(y + i), z).Store(w + i);
        return i;
    }

    private static nint TernaryScalarsBody<TOperator, T>(float* x, float scalar1, float scalar2, float* w, nint i, nint count)
        where TOperator : struct, ITernaryOperator
        where T : unmanaged, ILanes<T>
    {
        T y = T.Create(scalar1), z = T.Create(scalar2);
        for (; i + T.Count <= count; i += T.Count) TOperator.Do(T.Load(x + i), y, z).Store(w + i);
        return i;
    }
}
