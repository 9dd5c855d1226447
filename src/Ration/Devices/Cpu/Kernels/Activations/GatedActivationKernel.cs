namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// f(gate)·up (Shazeer 2020, "GLU variants improve transformer"): SwiGLU with <see cref="Silu"/>, GeGLU with <see cref="GeluTanh"/>.
/// </summary>
internal static unsafe class GatedActivationKernel
{
    /// <summary>y = f(gate)·up. y may be either input.</summary>
    public static void Forward<TActivation>(
        WorkerPool pool, float* gate /*[elements]*/, float* up /*[elements]*/, float* y /*[elements] overwritten*/, nint elements)
        where TActivation : struct, IActivation => ElementwiseKernel.Binary<Gate<TActivation>>(pool, gate, up, y, elements);

    /// <summary>dgate = dy·up·f′(gate) and dup = dy·f(gate). Each may be any one of the inputs; the two must differ.</summary>
    public static void Backward<TActivation>(
        WorkerPool pool, float* dy /*[elements]*/, float* gate /*[elements]*/, float* up /*[elements]*/,
        float* dgate /*[elements] overwritten*/, float* dup /*[elements] overwritten*/, nint elements)
        where TActivation : struct, IActivation
    {
        BackwardWork<TActivation> work = new() { Dy = dy, Gate = gate, Up = up, DGate = dgate, DUp = dup, Elements = elements };
        pool.Run(ref work, ElementwiseKernel.Items(elements));
    }

    private readonly struct Gate<TActivation> : IBinaryOperator
        where TActivation : struct, IActivation
    {
        public static T Do<T>(T x, T y)
            where T : unmanaged, ILanes<T> => TActivation.Do(x) * y;
    }

    private struct BackwardWork<TActivation> : IParallelWork
        where TActivation : struct, IActivation
    {
        public float* Dy;
        public float* Gate;
        public float* Up;
        public float* DGate;
        public float* DUp;
        public nint Elements;

        public readonly void Execute(int item, int worker)
        {
            nint i = item * ElementwiseKernel.Block, end = nint.Min(Elements, i + ElementwiseKernel.Block);
            if (LaneWidth.Is16) i = Body<Lanes16>(i, end);
            else if (LaneWidth.Is8) i = Body<Lanes8>(i, end);
            _ = Body<Lanes1>(i, end);
        }

        private readonly nint Body<T>(nint i, nint end)
            where T : unmanaged, ILanes<T>
        {
            float* dys = Dy, gates = Gate, ups = Up, dgates = DGate, dups = DUp;
            for (; i + T.Count <= end; i += T.Count)
            {
                T dy = T.Load(dys + i);
                T slope = TActivation.Slope(T.Load(gates + i), out T value);
                T dgate = dy * T.Load(ups + i) * slope;
                (dy * value).Store(dups + i);
                dgate.Store(dgates + i);
            }

            return i;
        }
    }
}
