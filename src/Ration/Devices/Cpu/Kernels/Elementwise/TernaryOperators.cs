using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>x·y + z, rounded once.</summary>
internal readonly struct MultiplyAdd : ITernaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y, T z)
        where T : unmanaged, ILanes<T> => T.MultiplyAdd(x, y, z);
}

/// <summary>x + z·y, rounded once: the form with the factor last, for loops whose last operand is a scalar.</summary>
internal readonly struct AddScaled : ITernaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y, T z)
        where T : unmanaged, ILanes<T> => T.MultiplyAdd(z, y, x);
}

/// <summary>x + z·(y − x).</summary>
internal readonly struct Interpolate : ITernaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y, T z)
        where T : unmanaged, ILanes<T> => T.MultiplyAdd(z, y - x, x);
}

/// <summary>x held within y … z; y at NaN.</summary>
internal readonly struct Clamp : ITernaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y, T z)
        where T : unmanaged, ILanes<T> => T.Min(T.Max(x, y), z);
}
