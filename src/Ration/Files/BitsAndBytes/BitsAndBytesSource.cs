using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Ration.Tensors;

namespace Ration.Files.BitsAndBytes;

/// <summary>
/// A checkpoint whose matrices bitsandbytes quantized to 4 bits (bitsandbytes, <c>functional.py</c>, <c>QuantState.as_dict</c>): packed codes, and
/// beside them their scales, once or twice quantized. Shows each such matrix as one tensor of NF4 or FP4 blocks, put together as it is read.
/// </summary>
internal sealed class BitsAndBytesSource : ITensorSource
{
    private const string StateMark = ".quant_state.bitsandbytes__";
    private static readonly string[] s_parts = [".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"];
    private readonly ITensorSource _inner;
    private readonly Dictionary<string, QuantizedWeight> _weights = new(StringComparer.Ordinal);
    private readonly List<StoredTensor> _tensors = [];

    private BitsAndBytesSource(ITensorSource inner)
    {
        _inner = inner;
        foreach (StoredTensor state in inner.Tensors)
        {
            int mark = state.Name.IndexOf(StateMark, StringComparison.Ordinal);
            if (mark < 0) continue;
            string name = state.Name[..mark], kind = state.Name[(mark + StateMark.Length)..];
            DType type = kind switch
            {
                "nf4" => DType.NF4,
                "fp4" => DType.FP4,
                _ => throw new FileFormatException(inner.Path, $"{InvalidInputException.Quote(name)} is quantized as {InvalidInputException.Quote(kind)}", "nf4 and fp4 are supported"),
            };
            StoredTensor codes = inner.Find(name) ?? throw new FileFormatException(inner.Path,
                $"there is no tensor {InvalidInputException.Quote(name)}, which {InvalidInputException.Quote(state.Name)} describes", "download the model again");
            _weights[name] = QuantizedWeight.Read(inner, codes, state, type);
        }

        foreach (StoredTensor tensor in inner.Tensors)
        {
            if (_weights.TryGetValue(tensor.Name, out QuantizedWeight? weight)) _tensors.Add(weight.Exposed);
            else if (!IsPart(tensor.Name)) _tensors.Add(tensor);
        }
    }

    /// <summary>The files themselves.</summary>
    public ITensorSource Inner => _inner;

    /// <inheritdoc/>
    public string Path => _inner.Path;

    /// <inheritdoc/>
    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    /// <summary>The source itself, or this view of it where it has 4-bit weights. Owns the source.</summary>
    /// <exception cref="FileFormatException">A weight and its scales do not fit each other.</exception>
    public static ITensorSource Of(ITensorSource source) =>
        source.Tensors.Any(static t => t.Name.Contains(StateMark, StringComparison.Ordinal)) ? new BitsAndBytesSource(source) : source;

    /// <inheritdoc/>
    public StoredTensor? Find(string name) => _weights.TryGetValue(name, out QuantizedWeight? weight) ? weight.Exposed : _inner.Find(name);

    /// <inheritdoc/>
    public void Read(StoredTensor tensor, long start, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!_weights.TryGetValue(tensor.Name, out QuantizedWeight? weight))
        {
            _inner.Read(tensor, start, destination);
            return;
        }

        TensorSources.RequireWithin(tensor, start, destination.Length);
        int block = tensor.DType.BlockBytes(), codes = block - sizeof(float), count = destination.Length / block;
        long first = start / block;
        if (start % block != 0 || destination.Length % block != 0) throw new ArgumentOutOfRangeException(nameof(start), "4-bit weights are read in whole blocks");
        byte[] packed = ArrayPool<byte>.Shared.Rent(count * codes);
        float[] scales = ArrayPool<float>.Shared.Rent(count);
        _inner.Read(weight.Packed, first * codes, packed.AsSpan(0, count * codes));
        ReadScales(weight, first, scales.AsSpan(0, count));
        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(destination[(i * block)..], scales[i]);
            packed.AsSpan(i * codes, codes).CopyTo(destination[((i * block) + sizeof(float))..]);
        }

        ArrayPool<float>.Shared.Return(scales);
        ArrayPool<byte>.Shared.Return(packed);
    }

    /// <inheritdoc/>
    public int Verify(CancellationToken cancellation = default) => _inner.Verify(cancellation);

    /// <inheritdoc/>
    public void Dispose() => _inner.Dispose();

    private static bool IsPart(string name) => name.Contains(StateMark, StringComparison.Ordinal) || s_parts.Any(p => name.EndsWith(p, StringComparison.Ordinal));

    private void ReadScales(QuantizedWeight weight, long first, Span<float> scales)
    {
        if (weight.NestedScales is null)
        {
            _inner.Read(weight.Scales, first * sizeof(float), MemoryMarshal.AsBytes(scales));
            return;
        }

        long firstGroup = first / QuantizedWeight.NestedBlockScales, groups = ((first + scales.Length - 1) / QuantizedWeight.NestedBlockScales) - firstGroup + 1;
        float[] greatest = ArrayPool<float>.Shared.Rent((int)groups);
        byte[] codes = ArrayPool<byte>.Shared.Rent(scales.Length);
        _inner.Read(weight.NestedScales, firstGroup * sizeof(float), MemoryMarshal.AsBytes(greatest.AsSpan(0, (int)groups)));
        _inner.Read(weight.Scales, first, codes.AsSpan(0, scales.Length));
        for (int i = 0; i < scales.Length; i++)
            scales[i] = (weight.NestedMap[codes[i]] * greatest[(int)(((first + i) / QuantizedWeight.NestedBlockScales) - firstGroup)]) + weight.NestedOffset;
        ArrayPool<byte>.Shared.Return(codes);
        ArrayPool<float>.Shared.Return(greatest);
    }
}
