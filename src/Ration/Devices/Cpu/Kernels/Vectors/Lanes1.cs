namespace Ration.Devices.Cpu.Kernels;

/// <summary>One float: the tail of every loop, and every loop where there are no vectors.</summary>
internal readonly unsafe struct Lanes1(float value) : ILanes<Lanes1>
{
    private readonly float _value = value;

    /// <inheritdoc/>
    public static int Count => 1;

    /// <summary>The float itself.</summary>
    public float Value => _value;

    /// <inheritdoc/>
    public static Lanes1 operator +(Lanes1 left, Lanes1 right) => new(left._value + right._value);

    /// <inheritdoc/>
    public static Lanes1 operator -(Lanes1 left, Lanes1 right) => new(left._value - right._value);

    /// <inheritdoc/>
    public static Lanes1 operator *(Lanes1 left, Lanes1 right) => new(left._value * right._value);

    /// <inheritdoc/>
    public static Lanes1 operator /(Lanes1 left, Lanes1 right) => new(left._value / right._value);

    /// <inheritdoc/>
    public static Lanes1 operator -(Lanes1 value) => new(-value._value);

    /// <inheritdoc/>
    public static Lanes1 Load(float* source) => new(*source);

    /// <inheritdoc/>
    public static Lanes1 Uniform(uint* words) => new(BitConverter.UInt32BitsToSingle((*words >> 9) | 0x3F800000) - 0.99999994f);

    /// <inheritdoc/>
    public static Lanes1 Create(float value) => new(value);

    /// <inheritdoc/>
    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) => new(MathF.FusedMultiplyAdd(a._value, b._value, c._value));

    /// <inheritdoc/>
    public static Lanes1 Min(Lanes1 a, Lanes1 b) => a._value < b._value ? a : b;

    /// <inheritdoc/>
    public static Lanes1 Max(Lanes1 a, Lanes1 b) => a._value > b._value ? a : b;

    /// <inheritdoc/>
    public static Lanes1 Sqrt(Lanes1 value) => new(MathF.Sqrt(value._value));

    /// <inheritdoc/>
    public static Lanes1 Abs(Lanes1 value) => new(MathF.Abs(value._value));

    /// <inheritdoc/>
    public static Lanes1 Round(Lanes1 value) => new(MathF.Round(value._value));

    /// <inheritdoc/>
    public static Lanes1 Floor(Lanes1 value) => new(MathF.Floor(value._value));

    /// <inheritdoc/>
    public static Lanes1 LessThan(Lanes1 a, Lanes1 b) => Mask(a._value < b._value);

    /// <inheritdoc/>
    public static Lanes1 AreEqual(Lanes1 a, Lanes1 b) => Mask(a._value == b._value);

    /// <inheritdoc/>
    public static Lanes1 Select(Lanes1 mask, Lanes1 yes, Lanes1 no) => BitConverter.SingleToInt32Bits(mask._value) != 0 ? yes : no;

    /// <inheritdoc/>
    public static Lanes1 CopySign(Lanes1 magnitude, Lanes1 sign) => new(MathF.CopySign(magnitude._value, sign._value));

    /// <inheritdoc/>
    public static Lanes1 Scale(Lanes1 value, Lanes1 power)
    {
        int whole = (int)power._value;
        int half = whole >> 1;
        return new(value._value * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    /// <inheritdoc/>
    public static Lanes1 Exponent(Lanes1 value) => new((BitConverter.SingleToInt32Bits(value._value) >> 23) - 127);

    /// <inheritdoc/>
    public static Lanes1 Mantissa(Lanes1 value) =>
        new(BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(value._value) & 0x007FFFFF) | 0x3F800000));

    /// <inheritdoc/>
    public static Lanes1 SwapNeighbours(Lanes1 value) => value;

    /// <inheritdoc/>
    public static float Sum(Lanes1 value) => value._value;

    /// <inheritdoc/>
    public static float Greatest(Lanes1 value) => value._value;

    /// <inheritdoc/>
    public void Store(float* destination) => *destination = _value;

    private static Lanes1 Mask(bool set) => new(BitConverter.Int32BitsToSingle(set ? -1 : 0));

    private static float PowerOfTwo(int power) => BitConverter.Int32BitsToSingle((power + 127) << 23);
}
