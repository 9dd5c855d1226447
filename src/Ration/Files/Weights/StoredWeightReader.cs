using Ration.Execution;
using Ration.Graphs;

namespace Ration.Files.Weights;

/// <summary>Reads weights of an opened model while a program runs that does not keep them.</summary>
/// <param name="source">The parameters.</param>
/// <param name="threads">Cores to use.</param>
internal sealed class StoredWeightReader(WeightSource source, int threads) : IWeightReader
{
    // A read of this size takes longer than waking the threads that share it.
    private const long WorthThreads = 1 << 20;

    /// <inheritdoc/>
    public void Read(Value weight, Action<long, ReadOnlySpan<byte>> write) =>
        WeightLoader.Load(source, [weight], (_, start, bytes) => write(start, bytes), threads, WorthThreads);
}
