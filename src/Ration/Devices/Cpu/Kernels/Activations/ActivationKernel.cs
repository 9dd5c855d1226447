namespace Ration.Devices.Cpu.Kernels;

/// <summary>A nonlinearity applied elementwise.</summary>
internal static unsafe class ActivationKernel
{
    /// <summary>y = f(x). y may be x.</summary>
    public static void Forward<TActivation>(WorkerPool pool, float* x /*[elements]*/, float* y /*[elements] overwritten*/, nint elements)
        where TActivation : struct, IActivation => ElementwiseKernel.Unary<TActivation>(pool, x, y, elements);

    /// <summary>dx = dy·f′(x). dx may be dy or x.</summary>
    public static void Backward<TActivation>(
        WorkerPool pool, float* dy /*[elements]*/, float* x /*[elements]*/, float* dx /*[elements] overwritten*/, nint elements)
        where TActivation : struct, IActivation => ElementwiseKernel.Binary<SlopeTimes<TActivation>>(pool, dy, x, dx, elements);

    private readonly struct SlopeTimes<TActivation> : IBinaryOperator
        where TActivation : struct, IActivation
    {
        public static T Do<T>(T x, T y)
            where T : unmanaged, ILanes<T> => x * TActivation.Slope(y, out _);
    }
}
