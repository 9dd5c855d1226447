using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Eight floats in one 256-bit register.</summary>
internal readonly unsafe struct Lanes8(Vector256<float> value) : ILanes<Lanes8>
{
    private readonly Vector256<float> _value = value;

    /// <inheritdoc/>
    public static int Count => 8;

    /// <summary>The register itself.</summary>
    public Vector256<float> Value => _value;

    /// <inheritdoc/>
    public static Lanes8 operator +(Lanes8 left, Lanes8 right) => new(left._value + right._value);

    /// <inheritdoc/>
    public static Lanes8 operator -(Lanes8 left, Lanes8 right) => new(left._value - right._value);

    /// <inheritdoc/>
    public static Lanes8 operator *(Lanes8 left, Lanes8 right) => new(left._value * right._value);

    /// <inheritdoc/>
    public static Lanes8 operator /(Lanes8 left, Lanes8 right) => new(left._value / right._value);

    /// <inheritdoc/>
    public static Lanes8 operator -(Lanes8 value) => new(-value._value);

    /// <inheritdoc/>
    public static Lanes8 Load(float* source) => new(Vector256.Load(source));

    /// <inheritdoc/>
    public static Lanes8 Uniform(uint* words) =>
        new(((Vector256.Load(words) >>> 9) | Vector256.Create(0x3F800000u)).AsSingle() - Vector256.Create(0.99999994f));

    /// <inheritdoc/>
    public static Lanes8 Create(float value) => new(Vector256.Create(value));

    /// <inheritdoc/>
    public static Lanes8 MultiplyAdd(Lanes8 a, Lanes8 b, Lanes8 c) => new(Vector256.FusedMultiplyAdd(a._value, b._value, c._value));

    /// <inheritdoc/>
    public static Lanes8 Min(Lanes8 a, Lanes8 b) => new(Avx.Min(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes8 Max(Lanes8 a, Lanes8 b) => new(Avx.Max(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes8 Sqrt(Lanes8 value) => new(Vector256.Sqrt(value._value));

    /// <inheritdoc/>
    public static Lanes8 Abs(Lanes8 value) => new(Vector256.Abs(value._value));

    /// <inheritdoc/>
    public static Lanes8 Round(Lanes8 value) => new(Vector256.Round(value._value));

    /// <inheritdoc/>
    public static Lanes8 Floor(Lanes8 value) => new(Vector256.Floor(value._value));

    /// <inheritdoc/>
    public static Lanes8 LessThan(Lanes8 a, Lanes8 b) => new(Vector256.LessThan(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes8 AreEqual(Lanes8 a, Lanes8 b) => new(Vector256.Equals(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes8 Select(Lanes8 mask, Lanes8 yes, Lanes8 no) => new(Vector256.ConditionalSelect(mask._value, yes._value, no._value));

    /// <inheritdoc/>
    public static Lanes8 CopySign(Lanes8 magnitude, Lanes8 sign) =>
        new(Vector256.ConditionalSelect(Vector256.Create(-0f), sign._value, magnitude._value));

    /// <inheritdoc/>
    public static Lanes8 Scale(Lanes8 value, Lanes8 power)
    {
        // Two factors, because 2^power itself may be out of range where the result is not; the first product is exact.
        Vector256<int> whole = Vector256.ConvertToInt32Native(power._value);
        Vector256<int> half = Vector256.ShiftRightArithmetic(whole, 1);
        return new(value._value * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    /// <inheritdoc/>
    public static Lanes8 Exponent(Lanes8 value) =>
        new(Vector256.ConvertToSingle(Vector256.ShiftRightLogical(value._value.AsInt32(), 23) - Vector256.Create(127)));

    /// <inheritdoc/>
    public static Lanes8 Mantissa(Lanes8 value) =>
        new(((value._value.AsInt32() & Vector256.Create(0x007FFFFF)) | Vector256.Create(0x3F800000)).AsSingle());

    /// <inheritdoc/>
    public static Lanes8 SwapNeighbours(Lanes8 value) => new(Avx.Permute(value._value, 0b10_11_00_01));

    /// <inheritdoc/>
    public static float Sum(Lanes8 value) => Vector128.Sum(value._value.GetLower() + value._value.GetUpper());

    /// <inheritdoc/>
    public static float Greatest(Lanes8 value)
    {
        Vector128<float> four = Sse.Max(value._value.GetLower(), value._value.GetUpper());
        Vector128<float> two = Sse.Max(four, Sse.MoveHighToLow(four, four));
        return Sse.MaxScalar(two, Sse.Shuffle(two, two, 1)).ToScalar();
    }

    /// <inheritdoc/>
    public void Store(float* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> PowerOfTwo(Vector256<int> power) =>
        Vector256.ShiftLeft(power + Vector256.Create(127), 23).AsSingle();
}
