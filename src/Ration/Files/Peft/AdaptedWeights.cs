using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using Ration.Files.Weights;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Files.Peft;

/// <summary>
/// The parameters of a model with a low-rank adapter merged into them, under the conventions of Hugging Face folders: W + scale · B · A, computed for
/// the rows that are read. Besides those rows only one factor of one module is held.
/// </summary>
internal sealed class AdaptedWeights : WeightSource
{
    private const string Head = "lm_head.weight", Embedding = "model.embed_tokens.weight";
    private readonly WeightSource _base;
    private readonly bool _baseIsTied;
    private readonly WeightMap _map;
    private readonly ITensorSource _factors;
    private readonly Dictionary<string, PeftModule> _modules;
    private readonly StoredWeights? _saved;
    private readonly HashSet<string> _savedParameters;
    private volatile ColumnFactor? _last;

    /// <summary>Puts a base and an adapter together.</summary>
    /// <param name="baseWeights">The parameters of the base.</param>
    /// <param name="baseIsTied">Whether its head is its embedding, where the merged model has a head of its own.</param>
    /// <param name="map">Where Hugging Face folders keep the merged model's parameters.</param>
    /// <param name="factors">The adapter's tensors.</param>
    /// <param name="modules">The adapted matrices, by the published names of their tensors.</param>
    /// <param name="saved">Parameters that take the place of the base's; null for none.</param>
    /// <param name="savedParameters">Their names.</param>
    public AdaptedWeights(WeightSource baseWeights, bool baseIsTied, WeightMap map, ITensorSource factors,
        Dictionary<string, PeftModule> modules, StoredWeights? saved, HashSet<string> savedParameters)
    {
        (_base, _baseIsTied, _map, _factors, _modules, _saved, _savedParameters) = (baseWeights, baseIsTied, map, factors, modules, saved, savedParameters);
        HostBytes = (WeightLoader.MostThreads + 1) * modules.Values.Select(static m => sizeof(float) * (m.IsEmbedding ? m.B : m.A).Shape.Elements).DefaultIfEmpty().Max();
    }

    /// <summary>Most bytes held of the adapter, where each thread reads another module.</summary>
    public long HostBytes { get; }

    /// <inheritdoc/>
    public override DType TypeOf(string parameter)
    {
        (WeightSource source, string name) = OriginOf(parameter);
        return source.TypeOf(name);
    }

    /// <inheritdoc/>
    public override void Read(string parameter, Shape shape, long row, Span<float> numbers)
    {
        (WeightSource source, string name) = OriginOf(parameter);
        source.Read(name, shape, row, numbers);
        int columns = checked((int)WeightMap.ColumnsOf(shape));
        foreach ((WeightLink link, long first, int count) in _map.Overlapping(parameter, row, numbers.Length / columns))
        {
            if (_modules.TryGetValue(link.Tensor, out PeftModule? module))
                Add(module, link.TensorRow + first - link.ParameterRow, numbers.Slice((int)(first - row) * columns, count * columns), columns);
        }
    }

    /// <inheritdoc/>
    public override bool TryCopy(string parameter, Shape shape, long row, DType type, Span<byte> bytes)
    {
        long rows = bytes.Length / type.BlockBytes() * type.BlockElements() / WeightMap.ColumnsOf(shape);
        foreach ((WeightLink link, _, _) in _map.Overlapping(parameter, row, rows))
        {
            if (_modules.ContainsKey(link.Tensor)) return false;
        }

        (WeightSource source, string name) = OriginOf(parameter);
        return source.TryCopy(name, shape, row, type, bytes);
    }

    private (WeightSource Source, string Name) OriginOf(string parameter)
    {
        if (_saved is not null && _savedParameters.Contains(parameter)) return (_saved, parameter);
        return (_base, _baseIsTied && parameter == Head ? Embedding : parameter);
    }

    // Adds scale · (rows of one factor) · (the other, whole).
    private void Add(PeftModule module, long row, Span<float> numbers, int columns)
    {
        int count = numbers.Length / columns, rank = module.Rank;
        float[] rows = ArrayPool<float>.Shared.Rent(count * rank), sum = ArrayPool<float>.Shared.Rent(columns);
        ReadRows(module, row, count, rows);
        float[] factor = ColumnsOf(module);
        float scale = (float)module.Scale;
        for (int i = 0; i < count; i++)
        {
            Span<float> total = sum.AsSpan(0, columns);
            total.Clear();
            for (int r = 0; r < rank; r++) AddScaled(total, factor.AsSpan(r * columns, columns), rows[(i * rank) + r]);
            AddScaled(numbers.Slice(i * columns, columns), total, scale);
        }

        ArrayPool<float>.Shared.Return(sum);
        ArrayPool<float>.Shared.Return(rows);
    }

    private static void AddScaled(Span<float> target, ReadOnlySpan<float> source, float scale)
    {
        int i = 0;
        Span<Vector<float>> targets = MemoryMarshal.Cast<float, Vector<float>>(target);
        ReadOnlySpan<Vector<float>> sources = MemoryMarshal.Cast<float, Vector<float>>(source);
        for (; i < targets.Length; i++) targets[i] += sources[i] * scale;
        for (i *= Vector<float>.Count; i < target.Length; i++) target[i] += source[i] * scale;
    }

    // [rows, rank]: of B as it is stored; of an embedding, of A, which lies the other way.
    private void ReadRows(PeftModule module, long row, int count, float[] rows)
    {
        int rank = module.Rank;
        if (!module.IsEmbedding)
        {
            Decode(module.B, row * rank, rows.AsSpan(0, count * rank));
            return;
        }

        float[] run = ArrayPool<float>.Shared.Rent(count);
        for (int r = 0; r < rank; r++)
        {
            Decode(module.A, (r * module.A.Shape[1]) + row, run.AsSpan(0, count));
            for (int i = 0; i < count; i++) rows[(i * rank) + r] = run[i];
        }

        ArrayPool<float>.Shared.Return(run);
    }

    // [rank, columns]. Pieces of one matrix are read one after another, so the last one will mostly do.
    private float[] ColumnsOf(PeftModule module)
    {
        if (_last is { } last && ReferenceEquals(last.Module, module)) return last.Numbers;
        StoredTensor stored = module.IsEmbedding ? module.B : module.A;
        float[] numbers = new float[stored.Shape.Elements];
        Decode(stored, 0, numbers);
        if (module.IsEmbedding) numbers = Transpose(numbers, module.Rank);
        _last = new ColumnFactor(module, numbers);
        return numbers;
    }

    private static float[] Transpose(float[] numbers, int rank)
    {
        float[] turned = new float[numbers.Length];
        int columns = numbers.Length / rank;
        for (int c = 0; c < columns; c++)
        {
            for (int r = 0; r < rank; r++) turned[(r * columns) + c] = numbers[(c * rank) + r];
        }

        return turned;
    }

    private void Decode(StoredTensor tensor, long start, Span<float> numbers)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent((int)tensor.DType.Bytes(numbers.Length));
        Span<byte> stored = bytes.AsSpan(0, (int)tensor.DType.Bytes(numbers.Length));
        _factors.Read(tensor, tensor.DType.Bytes(start), stored);
        TensorCodec.Decode(tensor.DType, stored, numbers);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private sealed record ColumnFactor(PeftModule Module, float[] Numbers);
}
