using Ration.Devices;
using Ration.Execution;
using Ration.Graphs;
using Ration.Models;
using Ration.Planning;

namespace Ration.Inference;

/// <summary>
/// Generates tokens with a cache of keys and values. Two programs share the weights and the cache: one for chunks of the prompt, one for
/// single tokens.
/// </summary>
public sealed class Generator : IDisposable
{
    private const int ChunkTokens = 64;
    private readonly StepProgram _chunk;
    private readonly StepProgram _single;
    private readonly int[] _buffer = new int[2 * ChunkTokens];
    private readonly float[] _logits;

    private Generator(IDevice device, StepProgram chunk, StepProgram single, int capacity)
    {
        (_chunk, _single, Capacity) = (chunk, single, capacity);
        _logits = new float[single.Graph.Outputs[0].Shape.Elements];
        Executor = new Executor(device, chunk, single);
        foreach (Value cache in chunk.Graph.Persistent.Where(static v => v.Kind == Memory.MemoryKind.KvCache)) Executor.Clear(cache);
    }

    /// <summary>The most tokens of a text.</summary>
    public int Capacity { get; }

    /// <summary>Tokens in the cache.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes reserved.</summary>
    public long ArenaBytes => Executor.ArenaBytes;

    /// <summary>Weights of the model, to be written before use.</summary>
    public IEnumerable<Value> Weights => _single.Graph.Persistent.Where(static v => v.Kind == Memory.MemoryKind.Weights);

    /// <summary>Holds the weights.</summary>
    public Executor Executor { get; }

    /// <summary>Places the programs for texts of at most <paramref name="capacity"/> tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="device">Where to run; the generator disposes it.</param>
    /// <param name="capacity">At least 1.</param>
    /// <param name="arenaBudget">Most bytes of the arena.</param>
    /// <param name="runtimeBytes">What the process needs besides, for the message of a refusal.</param>
    /// <exception cref="MemoryBudgetException">It does not fit.</exception>
    public static Generator Create(ModelConfiguration model, IDevice device, int capacity, long arenaBudget = long.MaxValue, long runtimeBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        StepProgram chunk = StepProgram.Compile(GenerationGraph.Build(model, ChunkTokens, capacity), device);
        StepProgram single = StepProgram.Compile(GenerationGraph.Build(model, 1, capacity), device, chunk.Layout);
        long needed = Math.Max(chunk.ArenaBytes, single.ArenaBytes);
        if (needed <= arenaBudget) return new Generator(device, chunk, single, capacity);
        Memory.ByteSize smallest = new(needed + RuntimeFootprint.Overhead(needed) + runtimeBytes);
        throw new MemoryBudgetException(
            $"generating {capacity} tokens with {model.Name} does not fit {new Memory.ByteSize(arenaBudget + runtimeBytes)}: the smallest budget that fits is "
            + $"{smallest.Bytes} bytes (--memory {(smallest.Bytes + (1 << 20) - 1) >> 20}MiB); fewer --max-tokens or a shorter prompt need less", smallest);
    }

    /// <summary>Puts tokens into the cache and returns the logits after the last of them; the span is valid until the next call.</summary>
    /// <exception cref="InvalidOperationException">The cache is too small, or there are no tokens.</exception>
    public ReadOnlySpan<float> Feed(scoped ReadOnlySpan<int> tokens)
    {
        if (tokens.IsEmpty || tokens.Length > Capacity - Position)
            throw new InvalidOperationException($"{tokens.Length} tokens cannot be added to a cache that holds {Position} of {Capacity}");
        while (tokens.Length > 0)
        {
            int count = tokens.Length == 1 ? 1 : Math.Min(ChunkTokens, tokens.Length);
            Run(tokens.Length == 1 ? _single : _chunk, tokens[..count]);
            tokens = tokens[count..];
        }

        return _logits;
    }

    /// <summary>Forgets all tokens.</summary>
    public void Reset() => Position = 0;

    /// <inheritdoc/>
    public void Dispose() => Executor.Dispose();

    private void Run(StepProgram program, ReadOnlySpan<int> tokens)
    {
        int chunk = program == _single ? 1 : ChunkTokens;
        Span<int> values = _buffer.AsSpan(0, chunk);
        values.Clear();
        tokens.CopyTo(values);
        Executor.Write<int>(program, "tokens", values);
        for (int i = 0; i < chunk; i++) values[i] = Position + i;
        Executor.Write<int>(program, "positions", values);
        Span<int> ranges = _buffer.AsSpan(0, 2 * chunk);
        for (int i = 0; i < chunk; i++) (ranges[2 * i], ranges[(2 * i) + 1]) = (0, Math.Min(Position + i, Capacity - 1));
        Executor.Write<int>(program, "keyRanges", ranges);
        Executor.Write<int>(program, GenerationGraph.FirstRow, [Position]);
        Executor.Write<int>(program, GenerationGraph.LastToken, [tokens.Length - 1]);
        Executor.Run(program, Phase.Repeat);
        Executor.Read<float>(program, GenerationGraph.Logits, _logits);
        Position += tokens.Length;
    }
}
