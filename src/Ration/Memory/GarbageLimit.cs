namespace Ration.Memory;

/// <summary>
/// Keeps small what a loop leaves behind. Left alone, the collector lets garbage grow to the size of a cache before it looks, and in hours that would be
/// more than a plan has room for. One thread at a time.
/// </summary>
public struct GarbageLimit
{
    private const long Most = 1 << 20;

    private long _allocated;
    private int _thread;

    /// <summary>Gives back at once all that nobody holds any more, as the graphs of plans that were not chosen: before an arena is reserved, not beside it.</summary>
    public static void ReleaseAll() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>Collects, where this thread has allocated more than a mebibyte since the last time: what others in the process leave is their own matter.</summary>
    public void Keep()
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        int thread = Environment.CurrentManagedThreadId;
        bool isSame = thread == _thread;
        if (isSame && allocated - _allocated < Most) return;
        (_thread, _allocated) = (thread, allocated);
        if (isSame) GC.Collect(0);
    }
}
