using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class ActivationKernelTests
{
    private static readonly double s_root = Math.Sqrt(2 / Math.PI);

    [Fact]
    public void Silu_and_its_gradients() => Agree<Silu>(x => x / (1 + Math.Exp(-x)));

    [Fact]
    public void Gelu_and_its_gradients() => Agree<Gelu>(x => 0.5 * x * (1 + Reference.Erf(x / Math.Sqrt(2))));

    [Fact]
    public void Gelu_by_tanh_and_its_gradients() => Agree<GeluTanh>(x => 0.5 * x * (1 + Math.Tanh(s_root * (x + (0.044715 * x * x * x)))));

    [Fact]
    public void Large_inputs_have_slope_one_or_zero()
    {
        foreach (float x in (float[])[150f, 1e10f, 1e25f])
        {
            Assert.Equal((1f, 0f), (Slope<Silu>(x), Slope<Silu>(-x)));
            Assert.Equal((1f, 0f), (Slope<Gelu>(x), Slope<Gelu>(-x)));
            Assert.Equal((1f, 0f), (Slope<GeluTanh>(x), Slope<GeluTanh>(-x)));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void The_number_of_threads_changes_nothing(int threads)
    {
        const int Count = (2 * (int)ElementwiseKernel.Block) + 5;
        using WorkerPool one = new(1), many = new(threads);
        using Guarded<float> dy = new(Check.Random(Count, 1)), gate = new(Check.Random(Count, 2)), up = new(Check.Random(Count, 3));
        using Guarded<float> a = new(Count), b = new(Count), c = new(Count), d = new(Count);
        GatedActivationKernel.Backward<Silu>(one, dy, gate, up, a, b, Count);
        GatedActivationKernel.Backward<Silu>(many, dy, gate, up, c, d, Count);
        Check.Same(a.Span, c.Span);
        Check.Same(b.Span, d.Span);
    }

    private static float Slope<TActivation>(float x)
        where TActivation : struct, IActivation => TActivation.Slope(new Lanes1(x), out _).Value;

    private static void Agree<TActivation>(Func<double, double> f)
        where TActivation : struct, IActivation
    {
        using WorkerPool pool = new(2);
        double Derivative(double x) => (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
        foreach (int count in Check.Counts)
        {
            using Guarded<float> dy = new(Check.Random(count, 1), 1), gate = new(Check.Random(count, 2, 6), 2),
                up = new(Check.Random(count, 3), 3);
            using Guarded<float> y = new(count, 5), dgate = new(count), dup = new(count, 1);
            float[] g = gate.ToArray(), u = up.ToArray(), d = dy.ToArray();
            ActivationKernel.Forward<TActivation>(pool, gate, y, count);
            Check.Close(Array.ConvertAll(g, x => f(x)), y.Span, 2e-6, 1e-3);
            ActivationKernel.Backward<TActivation>(pool, dy, gate, y, count);
            Check.Close([.. g.Zip(d, (x, v) => v * Derivative(x))], y.Span, 2e-6, 0.1);

            GatedActivationKernel.Forward<TActivation>(pool, gate, up, y, count);
            Check.Close([.. g.Zip(u, (x, v) => v * f(x))], y.Span, 2e-6, 1e-3);
            GatedActivationKernel.Backward<TActivation>(pool, dy, gate, up, dgate, dup, count);
            double[] wantGate = [.. Enumerable.Range(0, count).Select(i => d[i] * u[i] * Derivative(g[i]))];
            double[] wantUp = [.. Enumerable.Range(0, count).Select(i => d[i] * f(g[i]))];
            Check.Close(wantGate, dgate.Span, 2e-6, 0.1);
            Check.Close(wantUp, dup.Span, 2e-6, 1e-3);

            float[] kept = dgate.ToArray(), keptUp = dup.ToArray();
            GatedActivationKernel.Backward<TActivation>(pool, dy, gate, up, gate, up, count);
            Check.Same(kept, gate.Span, "over gate");
            Check.Same(keptUp, up.Span, "over up");
            g.CopyTo(gate.Span);
            u.CopyTo(up.Span);
            GatedActivationKernel.Backward<TActivation>(pool, dy, gate, up, dgate, dy, count);
            Check.Same(keptUp, dy.Span, "over dy");
        }
    }
}
