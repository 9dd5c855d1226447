using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Writes new keys or values into a cache.</summary>
internal static unsafe class CacheKernel
{
    // Tokens of an item of work: enough bytes to be worth a hand-over.
    private const nint ElementsOfItem = 32 << 10;

    /// <summary>
    /// Stores each token in its row of the cache; with <paramref name="ring"/>, its number is taken modulo the capacity. Negative rows,
    /// and rows beyond a capacity that is no ring, are dropped.
    /// </summary>
    /// <param name="pool">The workers.</param>
    /// <param name="source">[rows, tokens, channels].</param>
    /// <param name="slots">[rows, tokens]: where in the cache.</param>
    /// <param name="cache">[rows, capacity, channels] of <paramref name="type"/>, some rows overwritten.</param>
    /// <param name="type">How the cache is stored.</param>
    /// <param name="rows">Independent sequences.</param>
    /// <param name="tokens">New tokens of each.</param>
    /// <param name="capacity">Cached tokens of each.</param>
    /// <param name="channels">Channels of a token.</param>
    /// <param name="ring">Whether tokens go round.</param>
    public static void Append(
        WorkerPool pool, float* source, int* slots, byte* cache, DType type, nint rows, nint tokens, nint capacity, nint channels, bool ring)
    {
        nint tokensOfItem = nint.Max(1, ElementsOfItem / nint.Max(1, channels));
        Work work = new()
        {
            Source = source,
            Slots = slots,
            Cache = cache,
            Type = type,
            All = rows * tokens,
            Tokens = tokens,
            Capacity = capacity,
            Channels = channels,
            RowBytes = (nint)type.Bytes(channels),
            TokensOfItem = tokensOfItem,
            Ring = ring,
        };
        pool.Run(ref work, checked((int)((work.All + tokensOfItem - 1) / tokensOfItem)));
    }

    private struct Work : IParallelWork
    {
        public float* Source;
        public int* Slots;
        public byte* Cache;
        public DType Type;
        public nint All;
        public nint Tokens;
        public nint Capacity;
        public nint Channels;
        public nint RowBytes;
        public nint TokensOfItem;
        public bool Ring;

        public readonly void Execute(int item, int worker)
        {
            nint end = nint.Min(All, (item + (nint)1) * TokensOfItem);
            for (nint token = item * TokensOfItem; token < end; token++)
            {
                nint slot = Slots[token];
                if (slot < 0 || (slot >= Capacity && !Ring)) continue;
                if (Ring) slot %= Capacity;
                nint row = token / Tokens;
                CacheStorage.Store(Source + (token * Channels), Cache + (((row * Capacity) + slot) * RowBytes), Type, Channels);
            }
        }
    }
}
