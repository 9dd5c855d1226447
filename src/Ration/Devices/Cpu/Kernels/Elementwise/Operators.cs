namespace Ration.Devices.Cpu.Kernels;

/// <summary>A function of one number.</summary>
internal interface IUnaryOperator
{
    /// <summary>Applies it to each lane.</summary>
    static abstract T Do<T>(T x)
        where T : unmanaged, ILanes<T>;
}

/// <summary>A function of two numbers.</summary>
internal interface IBinaryOperator
{
    /// <summary>Applies it to each pair of lanes.</summary>
    static abstract T Do<T>(T x, T y)
        where T : unmanaged, ILanes<T>;
}

/// <summary>A function of three numbers.</summary>
internal interface ITernaryOperator
{
    /// <summary>Applies it to each triple of lanes.</summary>
    static abstract T Do<T>(T x, T y, T z)
        where T : unmanaged, ILanes<T>;
}
