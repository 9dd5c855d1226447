namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// What products with tiles of quantized rows need of a machine, at one width; a lane is a row. Integers are 32 bits a lane, seen as
/// four bytes or two 16-bit numbers where an operation says so.
/// </summary>
/// <typeparam name="TInteger">A vector of integers.</typeparam>
/// <typeparam name="TFloat">A vector of as many floats.</typeparam>
internal unsafe interface ITileLanes<TInteger, TFloat>
    where TInteger : unmanaged
    where TFloat : unmanaged
{
    /// <summary>Rows in a vector; divides 16.</summary>
    static abstract int Count { get; }

    /// <summary>Four bytes to a lane.</summary>
    static abstract TInteger Load(byte* source);

    /// <summary>The same four bytes in each lane.</summary>
    static abstract TInteger Broadcast(byte* source);

    /// <summary>The same number in each lane.</summary>
    static abstract TInteger Integer(int value);

    static abstract TInteger And(TInteger left, TInteger right);

    static abstract TInteger Or(TInteger left, TInteger right);

    static abstract TInteger Xor(TInteger left, TInteger right);

    static abstract TInteger ShiftLeft(TInteger value, int bits);

    static abstract TInteger ShiftRight(TInteger value, int bits);

    static abstract TInteger ShiftRightSigned(TInteger value, int bits);

    static abstract TInteger Add(TInteger left, TInteger right);

    static abstract TInteger Multiply(TInteger left, TInteger right);

    /// <summary>The magnitudes of signed bytes, unsigned.</summary>
    static abstract TInteger MagnitudesOfBytes(TInteger value);

    /// <summary>−1 where a signed byte is negative, else 0.</summary>
    static abstract TInteger SignsOfBytes(TInteger value);

    /// <summary>Sums of two products of unsigned and signed bytes, 16 bits each; they must not overflow.</summary>
    static abstract TInteger MultiplyBytes(TInteger unsigned, TInteger signed);

    /// <summary>Sums of 16-bit numbers, each by itself.</summary>
    static abstract TInteger AddShorts(TInteger left, TInteger right);

    /// <summary>The sum of two products of 16-bit numbers, 32 bits.</summary>
    static abstract TInteger MultiplyShorts(TInteger left, TInteger right);

    static abstract TFloat ToFloat(TInteger value);

    /// <summary>Finite binary16 numbers, one to a lane.</summary>
    static abstract TFloat LoadHalves(byte* source);

    static abstract TFloat Load(float* source);

    static abstract void Store(TFloat value, float* destination);

    static abstract TFloat Broadcast(float value);

    static abstract TFloat Multiply(TFloat left, TFloat right);

    static abstract TFloat MultiplyAdd(TFloat left, TFloat right, TFloat addend);

    static abstract TFloat Add(TFloat left, TFloat right);

    /// <summary>Entries of a table of 16 by the low four bits of each lane; the other bits are ignored.</summary>
    static abstract TFloat Look(float* table, TInteger index);
}
