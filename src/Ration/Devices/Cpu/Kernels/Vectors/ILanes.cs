using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Some floats side by side: one, eight or sixteen. Arithmetic written once over this interface compiles to scalar, 256-bit and
/// 512-bit code, and a lane's result is the same, bit for bit, in all three.
/// Comparisons yield masks: lanes of all ones or all zeros, meant for <see cref="Select"/> only.
/// </summary>
internal unsafe interface ILanes<TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>How many floats there are.</summary>
    static abstract int Count { get; }

    /// <summary>Reads <see cref="Count"/> floats; no alignment is needed.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Random words as exact numbers between 0 and 1: the upper 23 bits and a half, over 2²³.</summary>
    static abstract TSelf Uniform(uint* words);

    /// <summary>Writes <see cref="Count"/> floats; no alignment is needed.</summary>
    void Store(float* destination);

    /// <summary>The same value in every lane.</summary>
    static abstract TSelf Create(float value);

    /// <summary>Lane by lane.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>Lane by lane.</summary>
    static abstract TSelf operator -(TSelf left, TSelf right);

    /// <summary>Lane by lane.</summary>
    static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>Lane by lane.</summary>
    static abstract TSelf operator /(TSelf left, TSelf right);

    /// <summary>Each lane with its sign bit turned.</summary>
    static abstract TSelf operator -(TSelf value);

    /// <summary>a·b + c, rounded once.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>a &lt; b ? a : b, so the second where either is NaN.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>a &gt; b ? a : b, so the second where either is NaN.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>The square root.</summary>
    static abstract TSelf Sqrt(TSelf value);

    /// <summary>The absolute value.</summary>
    static abstract TSelf Abs(TSelf value);

    /// <summary>To the nearest integer, ties to even.</summary>
    static abstract TSelf Round(TSelf value);

    /// <summary>To the integer below.</summary>
    static abstract TSelf Floor(TSelf value);

    /// <summary>The mask of a &lt; b; false where either is NaN.</summary>
    static abstract TSelf LessThan(TSelf a, TSelf b);

    /// <summary>The mask of a = b; false where either is NaN.</summary>
    static abstract TSelf AreEqual(TSelf a, TSelf b);

    /// <summary>Lanes of <paramref name="yes"/> where the mask is set, else of <paramref name="no"/>.</summary>
    static abstract TSelf Select(TSelf mask, TSelf yes, TSelf no);

    /// <summary>The magnitude of the first with the sign of the second.</summary>
    static abstract TSelf CopySign(TSelf magnitude, TSelf sign);

    /// <summary>value·2^power for integral powers in −252 … 254, with correct overflow and gradual underflow.</summary>
    static abstract TSelf Scale(TSelf value, TSelf power);

    /// <summary>The exponent field of positive normal lanes, as a number: floor(log2(value)).</summary>
    static abstract TSelf Exponent(TSelf value);

    /// <summary>Positive normal lanes with their exponent made zero: within [1, 2).</summary>
    static abstract TSelf Mantissa(TSelf value);

    /// <summary>Lanes 0 and 1 exchanged, 2 and 3 exchanged, and so on; a single lane is returned as it is.</summary>
    static abstract TSelf SwapNeighbours(TSelf value);

    /// <summary>The sum of the lanes: halves added until one is left.</summary>
    static abstract float Sum(TSelf value);

    /// <summary>The greatest lane; NaN may be lost.</summary>
    static abstract float Greatest(TSelf value);
}

/// <summary>Which width this machine runs best, decided once by the compiler at run time.</summary>
internal static class LaneWidth
{
    /// <summary>Sixteen floats at a time.</summary>
    public static bool Is16 => Vector512.IsHardwareAccelerated && Avx512F.IsSupported && Avx512DQ.IsSupported;

    /// <summary>Eight floats at a time; looked at only where sixteen are not possible.</summary>
    public static bool Is8 => Vector256.IsHardwareAccelerated && Avx2.IsSupported && Fma.IsSupported;
}
