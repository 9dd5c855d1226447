using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Devices.Cpu.MatrixProduct.Tiles;

/// <summary>
/// 32 activations in whole steps of a scale, 127 at the most either way, with what products with offsets need: the same precision as
/// Q8_0, so the error is below that of any weight format it meets.
/// </summary>
internal unsafe struct ActivationBlock
{
    /// <summary>Activations of a block.</summary>
    public const int Elements = 32;

    /// <summary>The levels as signed bytes.</summary>
    public fixed sbyte Levels[Elements];

    /// <summary>What a level stands for.</summary>
    public float Scale;

    /// <summary>The sum of the levels times the scale.</summary>
    public float ScaledSum;

    /// <summary>−8 times that sum: what numbers stored with 8 added are to lose.</summary>
    public float MinusEightSums;

    /// <summary>−16 times the sum of the first 16 levels, which just fits.</summary>
    public short MinusSixteenLow;

    /// <summary>−16 times the sum of the last 16 levels.</summary>
    public short MinusSixteenHigh;

    /// <summary>Rounds 32 activations.</summary>
    /// <param name="values">[32].</param>
    /// <param name="block">Overwritten.</param>
    public static void Quantize(float* values, ActivationBlock* block)
    {
        float greatest = Greatest(values);
        float scale = greatest / 127, inverse = scale > 0 ? 1 / scale : 0;
        // Not finite, or too small to divide by: the product shall show it, or vanish, in every lane.
        if (!float.IsFinite(greatest) || !float.IsFinite(inverse)) (scale, inverse) = (float.IsFinite(greatest) ? 0 : float.NaN, 0);
        int low = Round(values, inverse, block->Levels), high = Round(values + 16, inverse, block->Levels + 16);
        block->Scale = scale;
        block->ScaledSum = scale * (low + high);
        block->MinusEightSums = -8 * block->ScaledSum;
        block->MinusSixteenLow = (short)(-16 * low);
        block->MinusSixteenHigh = (short)(-16 * high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Greatest(float* values)
    {
        if (!Vector256.IsHardwareAccelerated)
        {
            float greatest = 0;
            for (int i = 0; i < Elements; i++) greatest = MathF.Max(greatest, MathF.Abs(values[i]));
            return greatest;
        }

        // Bits of floats that are not negative are ordered as the floats are, with NaN above all, and are quicker to compare.
        Vector256<int> magnitude = Vector256.Create(int.MaxValue), first = Vector256.Load((int*)values) & magnitude;
        Vector256<int> second = Vector256.Load((int*)values + 8) & magnitude, third = Vector256.Load((int*)values + 16) & magnitude;
        Vector256<int> most = Vector256.Max(Vector256.Max(first, second), Vector256.Max(third, Vector256.Load((int*)values + 24) & magnitude));
        Vector128<int> half = Vector128.Max(most.GetLower(), most.GetUpper());
        half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
        return BitConverter.Int32BitsToSingle(int.Max(half.ToScalar(), half.GetElement(1)));
    }

    // Adding and taking away 1.5 · 2²³ rounds to the nearest whole number, ties to even, on every machine.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Round(float* values, float inverse, sbyte* levels)
    {
        const float Rounding = 12582912;
        int sum = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            Vector256<float> factor = Vector256.Create(inverse), rounding = Vector256.Create(Rounding);
            Vector256<int> first = (Vector256.Load(values) * factor + rounding).AsInt32() - rounding.AsInt32();
            Vector256<int> second = (Vector256.Load(values + 8) * factor + rounding).AsInt32() - rounding.AsInt32();
            Vector256<short> both = Vector256.Narrow(first, second);
            Vector128.Narrow(both.GetLower(), both.GetUpper()).Store(levels);
            return Vector256.Sum(first + second);
        }

        for (int i = 0; i < 16; i++)
        {
            int level = BitConverter.SingleToInt32Bits((values[i] * inverse) + Rounding) - BitConverter.SingleToInt32Bits(Rounding);
            levels[i] = (sbyte)level;
            sum += level;
        }

        return sum;
    }
}
