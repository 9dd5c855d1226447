using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// x [.., width] in fixed point: each element times 2^<paramref name="Fraction"/>, rounded to the nearest integer, ties to even, and cut off at the ends of
/// its range. Outputs U8 [.., bytes]: integers plus half their range, two to a byte where they have 4 bits, the first in the lower half. It is no part of
/// what is differentiated: passes emit it.
/// </summary>
/// <param name="Bits">Of an element with its sign: 8 or 4.</param>
/// <param name="Fraction">Of these, those after the point.</param>
public sealed record ToFixedPoint(int Bits, int Fraction) : Op
{
    /// <summary>Bytes of a row of elements.</summary>
    public static long RowBytes(int bits, long width) => ((width * bits) + 7) / 8;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 1);
        if (!Exists(Bits, Fraction)) throw Refuse($"there is no fixed point of {Bits} bits with {Fraction} after the point", inputs);
        return [new TensorType(inputs[0].Shape.WithInnermost(RowBytes(Bits, inputs[0].Shape[^1])), DType.U8)];
    }

    /// <summary>Whether there is such a format.</summary>
    internal static bool Exists(int bits, int fraction) => bits is 4 or 8 && fraction >= 0 && fraction < bits;
}

/// <summary>Turns what <see cref="ToFixedPoint"/> yields back into numbers [.., width].</summary>
/// <param name="Bits">As there.</param>
/// <param name="Fraction">As there.</param>
/// <param name="Width">Elements of a row.</param>
public sealed record FromFixedPoint(int Bits, int Fraction, long Width) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireType(inputs, 0, DType.U8);
        RequireRank(inputs, 0, 1);
        if (!ToFixedPoint.Exists(Bits, Fraction)) throw Refuse($"there is no fixed point of {Bits} bits with {Fraction} after the point", inputs);
        if (ToFixedPoint.RowBytes(Bits, Width) != inputs[0].Shape[^1]) throw Refuse($"rows of {Width} elements have not as many bytes", inputs);
        return [new TensorType(inputs[0].Shape.WithInnermost(Width), DType.F32)];
    }
}
