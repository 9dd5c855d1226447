using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Rows of caches as f32 and back, one thread. Narrowing rounds to nearest; what is beyond the range of a format narrower than f32 is
/// stored as its greatest number, and what is no number (NaN) as its greatest positive one, so that reading needs no look at either. F32
/// keeps every bit.
/// </summary>
internal static unsafe class CacheStorage
{
    private const float GreatestHalf = 65504;
    private const float GreatestBrainFloat = 3.3895314e38f;
    private const int Piece = 512;

    /// <summary>Stores channels.</summary>
    /// <exception cref="NotSupportedException">Caches cannot have this type.</exception>
    [SkipLocalsInit]
    public static void Store(float* source /*[count]*/, byte* target, DType type, nint count)
    {
        switch (type)
        {
            case DType.F32:
                NativeMemory.Copy(source, target, (nuint)count * sizeof(float));
                break;
            case DType.BF16 or DType.F16:
                float greatest = type == DType.F16 ? GreatestHalf : GreatestBrainFloat;
                float* clamped = stackalloc float[Piece];
                for (nint i = 0; i < count; i += Piece)
                {
                    nint part = nint.Min(Piece, count - i);
                    ElementwiseLoops.BinaryScalar<Clamp>(source + i, greatest, clamped, part);
                    TensorCodec.Store(clamped, target, type, i, part);
                }

                break;
            case DType.Q8_0:
                for (nint i = 0; i < count; i += EightBitFormat.Block, target += EightBitFormat.BlockBytes) StoreBlock(source + i, target);
                break;
            default: throw new NotSupportedException($"no cache of keys and values in {type}");
        }
    }

    /// <summary>Reads whole blocks of Q8_0.</summary>
    public static void LoadEightBit(byte* source, float* target /*[count] overwritten*/, nint count)
    {
        if (LaneWidth.Is16) LoadEightBit<Lanes16>(source, target, count);
        else if (LaneWidth.Is8) LoadEightBit<Lanes8>(source, target, count);
        else LoadEightBit<Lanes1>(source, target, count);
    }

    private static void LoadEightBit<T>(byte* source, float* target, nint count)
        where T : unmanaged, ILanes<T>
    {
        for (nint i = 0; i < count; i += T.Count) EightBitFormat.Load<T>(source, i).Store(target + i);
    }

    // Numbers are rounded to multiples of the scale as it is stored, not as it was before rounding.
    [SkipLocalsInit]
    private static void StoreBlock(float* source, byte* target)
    {
        float* steps = stackalloc float[EightBitFormat.Block];
        float greatest = ReductionLoops.MaxOf<Magnitude>(source, EightBitFormat.Block);
        Half scale = (Half)(greatest / 127);
        float stored = (float)scale, inverse = stored > 0 ? 1 / stored : 0;
        *(Half*)target = scale;
        ElementwiseLoops.TernaryScalars<RoundedSteps>(source, inverse, 127, steps, EightBitFormat.Block);
        var bytes = (sbyte*)target + sizeof(Half);
        for (int i = 0; i < EightBitFormat.Block; i++) bytes[i] = (sbyte)(int)steps[i];
    }

    // The second operand of Min is what comes of a NaN in the first.
    private readonly struct Clamp : IBinaryOperator
    {
        public static T Do<T>(T x, T y)
            where T : unmanaged, ILanes<T> => T.Max(T.Min(x, y), -y);
    }

    private readonly struct Magnitude : IUnaryOperator
    {
        public static T Do<T>(T x)
            where T : unmanaged, ILanes<T> => T.Min(T.Abs(x), T.Create(127 * GreatestHalf));
    }

    private readonly struct RoundedSteps : ITernaryOperator
    {
        public static T Do<T>(T x, T y, T z)
            where T : unmanaged, ILanes<T> => T.Max(T.Min(T.Round(x * y), z), -z);
    }
}
