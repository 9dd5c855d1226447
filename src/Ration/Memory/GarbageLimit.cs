namespace Ration.Memory;

/// <summary>
/// Keeps small what a loop leaves behind. Left alone, the collector lets garbage grow to the size of a cache before it looks, and in hours that would be
/// more than a plan has room for. One thread at a time.
/// </summary>
internal struct GarbageLimit
{
    private const long Most = 1 << 20;

    private long _allocated;

    /// <summary>Collects, where the process has allocated more than a mebibyte since the last time.</summary>
    public void Keep()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        if (allocated - _allocated < Most) return;
        GC.Collect(0);
        _allocated = allocated;
    }
}
