using System.Buffers;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Files.Weights;

/// <summary>The parameters of a model in files, found through a map.</summary>
internal sealed class StoredWeights : WeightSource
{
    private const int GatherBytes = 256 << 10;
    private readonly ITensorSource _source;
    private readonly WeightMap _map;
    private readonly Dictionary<string, StoredTensor> _tensors = new(StringComparer.Ordinal);

    /// <summary>Finds and checks every tensor of the map.</summary>
    /// <param name="source">The files.</param>
    /// <param name="map">Where parameters are.</param>
    /// <param name="locate">From a published name to the one in these files.</param>
    /// <exception cref="FileFormatException">A tensor is missing, has another shape or no real numbers.</exception>
    public StoredWeights(ITensorSource source, WeightMap map, Func<string, string> locate)
    {
        (_source, _map) = (source, map);
        foreach ((string name, Shape shape) in map.Tensors) _tensors.Add(name, Find(locate(name), shape));
    }

    /// <summary>The tensors that hold parameters.</summary>
    public IEnumerable<StoredTensor> Tensors => _tensors.Values;

    /// <inheritdoc/>
    public override DType TypeOf(string parameter) => _tensors[_map.LinksOf(parameter)[0].Tensor].DType;

    /// <inheritdoc/>
    public override void Read(string parameter, Shape shape, long row, Span<float> numbers)
    {
        int columns = checked((int)WeightMap.ColumnsOf(shape));
        foreach ((WeightLink link, long first, int count) in _map.Overlapping(parameter, row, numbers.Length / columns))
        {
            Span<float> part = numbers.Slice((int)(first - row) * columns, count * columns);
            long tensorRow = link.TensorRow + first - link.ParameterRow;
            if (link.Transposed) Gather(_tensors[link.Tensor], tensorRow, count, columns, part);
            else Decode(_tensors[link.Tensor], tensorRow * columns, part);
        }
    }

    /// <inheritdoc/>
    public override bool TryCopy(string parameter, Shape shape, long row, DType type, Span<byte> bytes)
    {
        long columns = WeightMap.ColumnsOf(shape);
        long rows = bytes.Length / type.BlockBytes() * type.BlockElements() / columns;
        foreach ((WeightLink link, long first, int count) in _map.Overlapping(parameter, row, rows))
        {
            StoredTensor tensor = _tensors[link.Tensor];
            long start = (link.TensorRow + first - link.ParameterRow) * columns;
            if (link.Transposed || tensor.DType != type || start % type.BlockElements() != 0 || count * columns % type.BlockElements() != 0) return false;
            long offset = type.Bytes((first - row) * columns);
            _source.Read(tensor, type.Bytes(start), bytes.Slice(checked((int)offset), checked((int)type.Bytes(count * columns))));
        }

        return true;
    }

    private StoredTensor Find(string name, Shape shape)
    {
        StoredTensor tensor = _source.Find(name) ?? throw new FileFormatException(_source.Path, $"there is no tensor {InvalidInputException.Quote(name)}",
            "the file belongs to another model or is incomplete; check which file this is");
        if (!IsSame(tensor.Shape, shape))
            throw new FileFormatException(_source.Path, $"{name} is {tensor.DType}{tensor.Shape}, not {shape}", "use the file with the model it was made for");
        if (!tensor.DType.IsReal())
            throw new FileFormatException(_source.Path, $"{name} holds {tensor.DType}, no real numbers", "use weights in a known form, for example the model's unquantized version");
        return tensor;
    }

    // Some files drop sizes of one at the front.
    private static bool IsSame(Shape stored, Shape expected)
    {
        int a = 0, b = 0;
        while (a < stored.Rank && stored[a] == 1) a++;
        while (b < expected.Rank && expected[b] == 1) b++;
        if (stored.Rank - a != expected.Rank - b) return false;
        for (; a < stored.Rank; a++, b++)
        {
            if (stored[a] != expected[b]) return false;
        }

        return true;
    }

    private void Decode(StoredTensor tensor, long start, Span<float> numbers)
    {
        int block = tensor.DType.BlockElements();
        if (start % block != 0 || numbers.Length % block != 0)
            throw new FileFormatException(_source.Path, $"{tensor.Name} is {tensor.DType} in rows that are no whole blocks", "use another version of the model");
        byte[] bytes = ArrayPool<byte>.Shared.Rent(GatherBytes);
        int most = GatherBytes / tensor.DType.BlockBytes() * block;
        for (int done = 0; done < numbers.Length; done += most)
        {
            Span<float> part = numbers.Slice(done, Math.Min(most, numbers.Length - done));
            Span<byte> stored = bytes.AsSpan(0, (int)tensor.DType.Bytes(part.Length));
            _source.Read(tensor, tensor.DType.Bytes(start + done), stored);
            TensorCodec.Decode(tensor.DType, stored, part);
        }

        ArrayPool<byte>.Shared.Return(bytes);
    }

    // The stored tensor is [columns, ≥ count]: one run of neighbours from each of its rows.
    private void Gather(StoredTensor tensor, long firstColumn, int count, int columns, Span<float> numbers)
    {
        if (tensor.DType.IsQuantized()) throw new FileFormatException(_source.Path, $"{tensor.Name} is stored transposed in blocks of {tensor.DType}", "use an unquantized version of the model");
        int element = tensor.DType.Bytes();
        long stride = tensor.Shape[^1];
        byte[] bytes = ArrayPool<byte>.Shared.Rent(count * element);
        float[] run = ArrayPool<float>.Shared.Rent(count);
        Span<byte> stored = bytes.AsSpan(0, count * element);
        for (int column = 0; column < columns; column++)
        {
            _source.Read(tensor, ((column * stride) + firstColumn) * element, stored);
            TensorCodec.Decode(tensor.DType, stored, run.AsSpan(0, count));
            for (int i = 0; i < count; i++) numbers[(int)(((nint)i * columns) + column)] = run[i];
        }

        ArrayPool<float>.Shared.Return(run);
        ArrayPool<byte>.Shared.Return(bytes);
    }
}
