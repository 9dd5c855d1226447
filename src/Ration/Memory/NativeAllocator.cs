using System.Runtime.InteropServices;

namespace Ration.Memory;

/// <summary>The one place where memory is taken outside the managed heap; it counts, as the runtime counts managed memory.</summary>
internal static unsafe class NativeAllocator
{
    [ThreadStatic]
    private static long s_ofThread;

    /// <summary>Bytes that this thread has taken so far, whether given back or not: the native part beside <see cref="GC.GetAllocatedBytesForCurrentThread"/>.</summary>
    public static long AllocatedBytesForCurrentThread => s_ofThread;

    /// <summary>Takes a block, aligned to a power of two.</summary>
    /// <exception cref="OutOfMemoryException">The operating system has no such block.</exception>
    public static void* Allocate(nuint bytes, nuint alignment)
    {
        void* block = NativeMemory.AlignedAlloc(bytes, alignment);
        s_ofThread += checked((long)bytes);
        return block;
    }

    /// <summary>Gives a block back.</summary>
    public static void Free(void* block) => NativeMemory.AlignedFree(block);
}
