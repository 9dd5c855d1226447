using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Ration.Memory;

namespace Ration.Tests.Files;

/// <summary>
/// What opening a file may cost, whatever is in it: a second of processor time and 64 MiB beyond its size, managed and native memory together.
/// Opening is work of one thread, so that thread's processor time is how long it takes on a machine with nothing else to do; a loaded one cannot
/// make a file look slow.
/// </summary>
internal static class OpeningLimits
{
    private const long MostBytes = 64L << 20;

    // What threads have on systems that give them least: recursion that a file drives must end before.
    private const int StackBytes = 1 << 20;
    private const int Attempts = 3;
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(1), s_hang = TimeSpan.FromMinutes(5);

    /// <summary>Runs tries one after another on a thread of its own, and fails where one does not end.</summary>
    /// <param name="name">What is tried.</param>
    /// <param name="count">How many tries.</param>
    /// <param name="attempt">The try of a number.</param>
    public static void Run(string name, int count, Action<int> attempt)
    {
        int current = 0;
        long start = Stopwatch.GetTimestamp();
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    for (int i = 0; i < count; i++)
                    {
                        Volatile.Write(ref current, i);
                        Volatile.Write(ref start, Stopwatch.GetTimestamp());
                        attempt(i);
                    }
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e);
                }
            },
            StackBytes)
        { IsBackground = true };
        thread.Start();
        while (!thread.Join(TimeSpan.FromSeconds(1)))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref start)) > s_hang) Assert.Fail($"{name}, seed {Volatile.Read(ref current)}: it hangs");
        }

        failure?.Throw();
    }

    /// <summary>Opens one file within the limits, or gets the one error for files that cannot be used.</summary>
    /// <param name="label">Which it is.</param>
    /// <param name="fileBytes">Its size.</param>
    /// <param name="open">Opens it and reads what it holds.</param>
    /// <returns>Whether it was refused.</returns>
    public static bool Refuses(string label, long fileBytes, Action open)
    {
        // A collection of other tests' memory may fall into one of them; a file that is slow is so every time.
        for (int left = Attempts; ; left--)
        {
            long allocated = Allocated();
            TimeSpan used = ThreadClock.Used();
            bool refused = false;
            try
            {
                open();
            }
            catch (InvalidInputException)
            {
                refused = true;
            }
            catch (Exception e)
            {
                Assert.Fail($"{label}: {e}");
            }

            used = ThreadClock.Used() - used;
            allocated = Allocated() - allocated;
            if (allocated > MostBytes + fileBytes) Assert.Fail($"{label}: {allocated} bytes for a file of {fileBytes}");
            if (used <= s_most) return refused;
            if (left == 1) Assert.Fail($"{label}: {used.TotalSeconds} s");
        }
    }

    private static long Allocated() => GC.GetAllocatedBytesForCurrentThread() + NativeAllocator.AllocatedBytesForCurrentThread;
}
