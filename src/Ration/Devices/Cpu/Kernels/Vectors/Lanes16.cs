using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Sixteen floats in one 512-bit register.</summary>
internal readonly unsafe struct Lanes16(Vector512<float> value) : ILanes<Lanes16>
{
    private readonly Vector512<float> _value = value;

    /// <inheritdoc/>
    public static int Count => 16;

    /// <summary>The register itself.</summary>
    public Vector512<float> Value => _value;

    /// <inheritdoc/>
    public static Lanes16 operator +(Lanes16 left, Lanes16 right) => new(left._value + right._value);

    /// <inheritdoc/>
    public static Lanes16 operator -(Lanes16 left, Lanes16 right) => new(left._value - right._value);

    /// <inheritdoc/>
    public static Lanes16 operator *(Lanes16 left, Lanes16 right) => new(left._value * right._value);

    /// <inheritdoc/>
    public static Lanes16 operator /(Lanes16 left, Lanes16 right) => new(left._value / right._value);

    /// <inheritdoc/>
    public static Lanes16 operator -(Lanes16 value) => new(-value._value);

    /// <inheritdoc/>
    public static Lanes16 Load(float* source) => new(Vector512.Load(source));

    /// <inheritdoc/>
    public static Lanes16 Uniform(uint* words) =>
        new(((Vector512.Load(words) >>> 9) | Vector512.Create(0x3F800000u)).AsSingle() - Vector512.Create(0.99999994f));

    /// <inheritdoc/>
    public static Lanes16 Create(float value) => new(Vector512.Create(value));

    /// <inheritdoc/>
    public static Lanes16 MultiplyAdd(Lanes16 a, Lanes16 b, Lanes16 c) => new(Vector512.FusedMultiplyAdd(a._value, b._value, c._value));

    /// <inheritdoc/>
    public static Lanes16 Min(Lanes16 a, Lanes16 b) => new(Avx512F.Min(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes16 Max(Lanes16 a, Lanes16 b) => new(Avx512F.Max(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes16 Sqrt(Lanes16 value) => new(Vector512.Sqrt(value._value));

    /// <inheritdoc/>
    public static Lanes16 Abs(Lanes16 value) => new(Vector512.Abs(value._value));

    /// <inheritdoc/>
    public static Lanes16 Round(Lanes16 value) => new(Vector512.Round(value._value));

    /// <inheritdoc/>
    public static Lanes16 Floor(Lanes16 value) => new(Vector512.Floor(value._value));

    /// <inheritdoc/>
    public static Lanes16 LessThan(Lanes16 a, Lanes16 b) => new(Vector512.LessThan(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes16 AreEqual(Lanes16 a, Lanes16 b) => new(Vector512.Equals(a._value, b._value));

    /// <inheritdoc/>
    public static Lanes16 Select(Lanes16 mask, Lanes16 yes, Lanes16 no) =>
        new(Vector512.ConditionalSelect(mask._value, yes._value, no._value));

    /// <inheritdoc/>
    public static Lanes16 CopySign(Lanes16 magnitude, Lanes16 sign) =>
        new(Vector512.ConditionalSelect(Vector512.Create(-0f), sign._value, magnitude._value));

    /// <inheritdoc/>
    public static Lanes16 Scale(Lanes16 value, Lanes16 power) => new(Avx512F.Scale(value._value, power._value));

    /// <inheritdoc/>
    public static Lanes16 Exponent(Lanes16 value) =>
        new(Vector512.ConvertToSingle(Vector512.ShiftRightLogical(value._value.AsInt32(), 23) - Vector512.Create(127)));

    /// <inheritdoc/>
    public static Lanes16 Mantissa(Lanes16 value) =>
        new(((value._value.AsInt32() & Vector512.Create(0x007FFFFF)) | Vector512.Create(0x3F800000)).AsSingle());

    /// <inheritdoc/>
    public static Lanes16 SwapNeighbours(Lanes16 value) => new(Avx512F.Permute4x32(value._value, 0b10_11_00_01));

    /// <inheritdoc/>
    public static float Sum(Lanes16 value) => Lanes8.Sum(new Lanes8(value._value.GetLower()) + new Lanes8(value._value.GetUpper()));

    /// <inheritdoc/>
    public static float Greatest(Lanes16 value) => Lanes8.Greatest(Lanes8.Max(new(value._value.GetLower()), new(value._value.GetUpper())));

    /// <inheritdoc/>
    public void Store(float* destination) => _value.Store(destination);
}
