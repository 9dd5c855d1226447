using System.Diagnostics;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Devices.Cpu;

/// <summary>
/// The most floating-point operations that the cores can do: multiply-adds on registers alone, in enough independent chains to hide
/// their latency. What any matrix product is measured against.
/// </summary>
public static class ArithmeticLimit
{
    private const int Rounds = 20_000;
    private const int Chains = 12;

    // Enough calls that the compiler's last tier runs.
    private const int Runs = 400;

    /// <summary>Operations a second of all threads, the best of many short runs.</summary>
    public static double Flops(int threads)
    {
        using WorkerPool pool = new(threads);
        double best = double.MaxValue;
        Work work = default;
        for (int i = 0; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            pool.Run(ref work, threads);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        int lanes = LaneWidth.Is16 ? 16 : LaneWidth.Is8 ? 8 : 1;
        return 2.0 * lanes * Chains * Rounds * threads / best;
    }

    private struct Work : IParallelWork
    {
        public float Sink;

        public void Execute(int item, int worker)
        {
            if (LaneWidth.Is16) Sink = MultiplyAdds<Lanes16>();
            else if (LaneWidth.Is8) Sink = MultiplyAdds<Lanes8>();
            else Sink = MultiplyAdds<Lanes1>();
        }

        private static float MultiplyAdds<T>()
            where T : unmanaged, ILanes<T>
        {
            T x = T.Create(0.999f), y = T.Create(0.001f);
            T a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (int round = 0; round < Rounds; round++)
            {
                a = T.MultiplyAdd(a, x, y);
                b = T.MultiplyAdd(b, x, y);
                c = T.MultiplyAdd(c, x, y);
                d = T.MultiplyAdd(d, x, y);
                e = T.MultiplyAdd(e, x, y);
                f = T.MultiplyAdd(f, x, y);
                g = T.MultiplyAdd(g, x, y);
                h = T.MultiplyAdd(h, x, y);
                i = T.MultiplyAdd(i, x, y);
                j = T.MultiplyAdd(j, x, y);
                k = T.MultiplyAdd(k, x, y);
                l = T.MultiplyAdd(l, x, y);
            }

            return T.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
        }
    }
}
