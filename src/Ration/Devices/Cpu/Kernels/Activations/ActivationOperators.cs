using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>A nonlinearity with its slope.</summary>
internal interface IActivation : IUnaryOperator
{
    /// <summary>f′(x), and f(x), which shares most of the work.</summary>
    static abstract T Slope<T>(T x, out T value)
        where T : unmanaged, ILanes<T>;
}

/// <summary>x·sigmoid(x) (Elfwing et al. 2017).</summary>
internal readonly struct Silu : IActivation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => x * VectorMath.Sigmoid(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Slope<T>(T x, out T value)
        where T : unmanaged, ILanes<T>
    {
        T sigmoid = VectorMath.Sigmoid(x);
        value = x * sigmoid;
        return T.MultiplyAdd(value, T.Create(1f) - sigmoid, sigmoid);
    }
}

/// <summary>x·Φ(x) (Hendrycks and Gimpel 2016).</summary>
internal readonly struct Gelu : IActivation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => x * VectorMath.NormalDistribution(x, out _);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Slope<T>(T x, out T value)
        where T : unmanaged, ILanes<T>
    {
        T distribution = VectorMath.NormalDistribution(x, out T density);
        value = x * distribution;
        return T.MultiplyAdd(x, density, distribution);
    }
}

/// <summary>The tanh approximation of GELU: x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), which is x·sigmoid of twice that argument.</summary>
internal readonly struct GeluTanh : IActivation
{
    private const float Linear = 1.5957691216f; // 2·√(2/π)
    private const float Cubic = 0.0713548163f;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x)
        where T : unmanaged, ILanes<T> => x * VectorMath.Sigmoid(x * T.MultiplyAdd(x * x, T.Create(Cubic), T.Create(Linear)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Slope<T>(T x, out T value)
        where T : unmanaged, ILanes<T>
    {
        T square = x * x;
        T sigmoid = VectorMath.Sigmoid(x * T.MultiplyAdd(square, T.Create(Cubic), T.Create(Linear)));
        value = x * sigmoid;

        // Beyond |x| = 2⁶⁰ the square overflows, where the factor beside it is zero: without the bound, NaN.
        T inner = T.MultiplyAdd(T.Min(square, T.Create(1e30f)), T.Create(3 * Cubic), T.Create(Linear));
        return T.MultiplyAdd(value * (T.Create(1f) - sigmoid), inner, sigmoid);
    }
}
