using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>−x.</summary>
internal readonly struct Negate : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => -x;
}

/// <summary>|x|.</summary>
internal readonly struct Absolute : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => T.Abs(x);
}

/// <summary>x².</summary>
internal readonly struct Square : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => x * x;
}

/// <summary>√x.</summary>
internal readonly struct SquareRoot : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => T.Sqrt(x);
}

/// <summary>1/x.</summary>
internal readonly struct Reciprocal : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => T.Create(1f) / x;
}

/// <summary>−1, 0 or 1; 0 at NaN.</summary>
internal readonly struct Sign : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> =>
            T.Select(T.LessThan(T.Create(0f), x), T.Create(1f), T.Select(T.LessThan(x, T.Create(0f)), T.Create(-1f), T.Create(0f)));
}

/// <summary>e^x.</summary>
internal readonly struct Exponential : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => VectorMath.Exp(x);
}

/// <summary>ln(x).</summary>
internal readonly struct Logarithm : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => VectorMath.Log(x);
}

/// <summary>1/(1 + e^−x).</summary>
internal readonly struct Sigmoid : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => VectorMath.Sigmoid(x);
}

/// <summary>tanh(x).</summary>
internal readonly struct HyperbolicTangent : IUnaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => VectorMath.Tanh(x);
}
