using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>x + y.</summary>
internal readonly struct Add : IBinaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => x + y;
}

/// <summary>x − y.</summary>
internal readonly struct Subtract : IBinaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => x - y;
}

/// <summary>x·y.</summary>
internal readonly struct Multiply : IBinaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => x * y;
}

/// <summary>x/y.</summary>
internal readonly struct Divide : IBinaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => x / y;
}

/// <summary>The lesser; y where either is NaN.</summary>
internal readonly struct Minimum : IBinaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => T.Min(x, y);
}

/// <summary>The greater; y where either is NaN.</summary>
internal readonly struct Maximum : IBinaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => T.Max(x, y);
}

/// <summary>An operator with its operands exchanged.</summary>
internal readonly struct Exchanged<TOperator> : IBinaryOperator
    where TOperator : struct, IBinaryOperator
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T> => TOperator.Do(y, x);
}
