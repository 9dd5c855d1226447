using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.Weights;

/// <summary>
/// The same parameters under other conventions: rows of queries and keys in the order of another rotary pairing, norm gains stored with another
/// offset. Neither changes what the model computes.
/// </summary>
internal sealed class ConventionChange : WeightSource
{
    private readonly WeightSource _inner;
    private readonly ModelConfiguration _from;
    private readonly ModelConfiguration _to;

    private ConventionChange(WeightSource inner, ModelConfiguration from, ModelConfiguration to) => (_inner, _from, _to) = (inner, from, to);

    /// <summary>The parameters of <paramref name="from"/> as <paramref name="to"/>, the same model but for conventions, wants them.</summary>
    public static WeightSource Of(WeightSource inner, ModelConfiguration from, ModelConfiguration to) =>
        from.RotaryPairing == to.RotaryPairing && from.NormGainOffset == to.NormGainOffset ? inner : new ConventionChange(inner, from, to);

    /// <inheritdoc/>
    public override int PieceNumbers => _inner.PieceNumbers;

    /// <inheritdoc/>
    public override DType TypeOf(string parameter) => _inner.TypeOf(parameter);

    /// <inheritdoc/>
    public override void Read(string parameter, Shape shape, long row, Span<float> numbers)
    {
        if (!IsTurned(parameter))
        {
            _inner.Read(parameter, shape, row, numbers);
            if (_from.NormGainOffset == _to.NormGainOffset || !parameter.EndsWith("norm.weight", StringComparison.Ordinal)) return;
            float shift = _from.NormGainOffset - _to.NormGainOffset;
            foreach (ref float number in numbers) number += shift;
            return;
        }

        int columns = (int)WeightMap.ColumnsOf(shape);
        for (int i = 0; i < numbers.Length / columns; i++) _inner.Read(parameter, shape, SourceRow(row + i), numbers.Slice(i * columns, columns));
    }

    /// <inheritdoc/>
    public override bool TryCopy(string parameter, Shape shape, long row, DType type, Span<byte> bytes)
    {
        if (!IsTurned(parameter))
            return (_from.NormGainOffset == _to.NormGainOffset || !parameter.EndsWith("norm.weight", StringComparison.Ordinal)) && _inner.TryCopy(parameter, shape, row, type, bytes);
        long columns = WeightMap.ColumnsOf(shape);
        if (columns % type.BlockElements() != 0) return false;
        int stride = (int)type.Bytes(columns);
        for (int i = 0; i < bytes.Length / stride; i++)
        {
            if (!_inner.TryCopy(parameter, shape, SourceRow(row + i), type, bytes.Slice(i * stride, stride))) return false;
        }

        return true;
    }

    // A norm of heads that are turned is turned with them.
    private bool IsTurned(string parameter) => _from.RotaryPairing != _to.RotaryPairing && _from.Positions == PositionKind.Rotary
        && (parameter.Contains(".self_attn.q_", StringComparison.Ordinal) || parameter.Contains(".self_attn.k_", StringComparison.Ordinal));

    // Pair i is (i, i + half) or (2i, 2i + 1).
    private long SourceRow(long row)
    {
        long head = row / _to.HeadDimension, channel = row % _to.HeadDimension;
        int rotated = _to.RotaryDimension == 0 ? _to.HeadDimension : _to.RotaryDimension, half = rotated / 2;
        if (channel >= rotated) return row;
        long source = _to.RotaryPairing == RotaryPairing.Neighbours ? (channel / 2) + (channel % 2 * half) : (channel % half * 2) + (channel / half);
        return (head * _to.HeadDimension) + source;
    }
}
