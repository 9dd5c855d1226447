using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.MatrixProduct;

/// <summary>16-bit to 32-bit zero extension straight from memory; the portable calls would load and split a wider vector.</summary>
internal static unsafe class Widen
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> To256(ushort* source)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(source).AsUInt32();
        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(Vector128.Load(source));
        return Vector256.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> To512(ushort* source)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector512UInt32(Vector256.Load(source));
        return Vector512.Create(To256(source), To256(source + 8));
    }
}
