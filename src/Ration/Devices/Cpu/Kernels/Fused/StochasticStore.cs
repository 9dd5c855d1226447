using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Stores f32 numbers in fewer bits, rounded up or down by chance so that they are right on average (Gupta et al. 2015).</summary>
internal static unsafe class StochasticStore
{
    private const int BlockElements = 32, BlockBytes = 34;

    /// <summary>Stores elements <paramref name="start"/> … of a tensor.</summary>
    /// <param name="source">[count].</param>
    /// <param name="tensor">The tensor's first byte.</param>
    /// <param name="type">BF16 or Q8_0.</param>
    /// <param name="start">A multiple of 64.</param>
    /// <param name="count">In whole blocks.</param>
    /// <param name="seed">Key of the random numbers.</param>
    /// <param name="stream">Their stream; number i of it rounds element i.</param>
    /// <exception cref="NotSupportedException">The type is another one.</exception>
    [SkipLocalsInit]
    public static void Store(float* source, byte* tensor, DType type, nint start, nint count, ulong seed, ulong stream)
    {
        if (type is not (DType.BF16 or DType.Q8_0)) throw new NotSupportedException($"no stochastic rounding to {type}");
        uint* words = stackalloc uint[RandomGroup.Size];
        for (nint done = 0; done < count; done += RandomGroup.Size)
        {
            RandomGroup.Fill(seed, stream, (ulong)(start + done) / RandomGroup.Size, words);
            nint these = nint.Min(RandomGroup.Size, count - done);
            if (type == DType.BF16) StoreBFloat16(source + done, (ushort*)tensor + start + done, these, words);
            else
                for (nint i = 0; i < these; i += BlockElements)
                    StoreBlock(source + done + i, tensor + ((start + done + i) / BlockElements * BlockBytes), words + i);
        }
    }

    // A number of 16 random bits is added to the 16 that are cut off.
    private static void StoreBFloat16(float* source, ushort* target, nint count, uint* words)
    {
        nint i = 0;
        for (; i + 16 <= count; i += 16)
        {
            Vector256<uint> low = Round(Vector256.Load(source + i).AsUInt32(), Vector256.Load(words + i));
            Vector256.Narrow(low, Round(Vector256.Load(source + i + 8).AsUInt32(), Vector256.Load(words + i + 8))).Store(target + i);
        }

        for (; i < count; i++)
            target[i] = (ushort)Round(Vector256.CreateScalar(BitConverter.SingleToUInt32Bits(source[i])), Vector256.CreateScalar(words[i])).ToScalar();
    }

    // Infinity stays, and what is not a number stays none.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<uint> bits, Vector256<uint> random)
    {
        Vector256<uint> size = bits & Vector256.Create(0x7FFFFFFFu), infinity = Vector256.Create(0x7F800000u);
        Vector256<uint> special = bits | (Vector256.GreaterThan(size, infinity) & Vector256.Create(0x00400000u));
        return Vector256.ConditionalSelect(Vector256.LessThan(size, infinity), bits + (random >>> 16), special) >>> 16;
    }

    // The scale is rounded up, so that no number lies beyond 127 of it and all are right on average; the scale of a block that was stored
    // before, and has its greatest number still, comes out the same.
    private static void StoreBlock(float* source, byte* block, uint* words)
    {
        Half scale = Up(BlockStatistics.GreatestMagnitude(source, BlockElements) / 127);

        // What is no number must not become zero: whoever looks at the weights finds a block of none.
        if (!BlockStatistics.AreNumbers(source, BlockElements)) scale = Half.NaN;
        *(Half*)block = scale;
        Vector256<float> divisor = Vector256.Create(scale == Half.Zero ? 1 : (float)scale);
        Rounding.ToBytes(
            Whole(Vector256.Load(source) / divisor, words), Whole(Vector256.Load(source + 8) / divisor, words + 8),
            Whole(Vector256.Load(source + 16) / divisor, words + 16), Whole(Vector256.Load(source + 24) / divisor, words + 24)).Store(block + 2);
    }

    // ⌊x + u⌋ with u in the middle of one of 2¹⁶ equal parts of [0, 1): a whole number stays what it is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Whole(Vector256<float> value, uint* words)
    {
        Vector256<float> chance = (Vector256.ConvertToSingle((Vector256.Load(words) >>> 16).AsInt32()) + Vector256.Create(0.5f)) * Vector256.Create(1f / 65536);
        Vector256<float> whole = Vector256.Floor(value + chance);
        Vector256<float> inRange = Vector256.LessThanOrEqual(Vector256.Abs(whole), Vector256.Create(127f));
        return Vector256.ConvertToInt32Native(whole & inRange);
    }

    private static Half Up(float value)
    {
        Half nearest = (Half)value;
        return (float)nearest < value ? Half.BitIncrement(nearest) : nearest;
    }
}
