using Ration.Devices.Cpu;

namespace Ration.Tests.Devices.Cpu;

public unsafe class WorkerPoolWakingTests
{
    [Fact]
    public void Workers_that_parked_are_all_woken_by_the_next_turn()
    {
        // More workers than processors, and pauses about as long as the spinning lasts, so that some sleep and some do not.
        using WorkerPool pool = new(3 * Environment.ProcessorCount);
        int ran = 0;
        for (int turn = 0; turn < 400; turn++)
        {
            CountWork work = new() { Counter = &ran };
            pool.Run(ref work, 64);
            Thread.SpinWait(turn * 200);
        }

        Assert.Equal(400 * 64, ran);
    }

    private struct CountWork : IParallelWork
    {
        public int* Counter;

        public readonly void Execute(int item, int worker) => Interlocked.Increment(ref *Counter);
    }
}
