using System.Diagnostics;
using Ration.Devices.Cpu;

namespace Ration.Tests.Devices.Cpu;

public unsafe class WorkerPoolWakingTests
{
    [Fact]
    public void Workers_that_parked_are_all_woken_by_the_next_turn()
    {
        // Items wait for each other, so that none is left to the caller: a worker that sleeps on is missed. There are more workers than
        // processors, so that some have no processor to spin on.
        int threads = (2 * Environment.ProcessorCount) + 1;
        using WorkerPool pool = new(threads);
        int[] ran = new int[threads];
        for (int turn = 1; turn <= 5; turn++)
        {
            // Far longer than the spinning lasts.
            Thread.Sleep(100);
            int arrived = 0;
            fixed (int* of = ran)
            {
                MeetingWork work = new() { Arrived = &arrived, Ran = of, Threads = threads, Start = Stopwatch.GetTimestamp() };
                pool.Run(ref work, threads);
            }

            Assert.Equal(threads, arrived);
            Assert.All(ran, times => Assert.Equal(turn, times));
        }
    }

    [Fact]
    public void Every_item_runs_once_whether_workers_spin_or_sleep()
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

    private struct MeetingWork : IParallelWork
    {
        // A guard against hanging, nothing else.
        private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

        public int* Arrived;
        public int* Ran;
        public int Threads;
        public long Start;

        public readonly void Execute(int item, int worker)
        {
            Ran[worker]++;
            Interlocked.Increment(ref *Arrived);
            while (Volatile.Read(ref *Arrived) < Threads && Stopwatch.GetElapsedTime(Start) < s_limit) Thread.Sleep(1);
        }
    }
}
