using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Tensors.Formats;

/// <summary>
/// The last step of decoding: sixteen small integers become sixteen floats and are scaled. Product and sum are rounded one after
/// the other, as in the reference, on every machine.
/// </summary>
internal static unsafe class Scaling
{
    /// <summary>target[i] = scale · numbers[i], for 16 numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<sbyte> numbers, float scale, float* target)
    {
        if (Avx512F.IsSupported && Vector512.IsHardwareAccelerated)
        {
            (ToSingle512(numbers) * Vector512.Create(scale)).Store(target);
        }
        else if (Avx2.IsSupported)
        {
            Vector256<float> d = Vector256.Create(scale);
            (LowerToSingle(numbers) * d).Store(target);
            (UpperToSingle(numbers) * d).Store(target + 8);
        }
        else
        {
            for (int half = 0; half < 2; half++, target += 8)
            {
                Vector128<short> wide = half == 0 ? Vector128.WidenLower(numbers) : Vector128.WidenUpper(numbers);
                (Vector128.ConvertToSingle(Vector128.WidenLower(wide)) * scale).Store(target);
                (Vector128.ConvertToSingle(Vector128.WidenUpper(wide)) * scale).Store(target + 4);
            }
        }
    }

    /// <summary>target[i] = scale · numbers[i] + least, for 16 numbers from 0 to 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<byte> numbers, float scale, float least, float* target)
    {
        Vector128<sbyte> signed = numbers.AsSByte();
        if (Avx512F.IsSupported && Vector512.IsHardwareAccelerated)
        {
            ((ToSingle512(signed) * Vector512.Create(scale)) + Vector512.Create(least)).Store(target);
        }
        else if (Avx2.IsSupported)
        {
            Vector256<float> d = Vector256.Create(scale), m = Vector256.Create(least);
            ((LowerToSingle(signed) * d) + m).Store(target);
            ((UpperToSingle(signed) * d) + m).Store(target + 8);
        }
        else
        {
            Vector128<float> m = Vector128.Create(least);
            for (int half = 0; half < 2; half++, target += 8)
            {
                Vector128<short> wide = half == 0 ? Vector128.WidenLower(signed) : Vector128.WidenUpper(signed);
                ((Vector128.ConvertToSingle(Vector128.WidenLower(wide)) * scale) + m).Store(target);
                ((Vector128.ConvertToSingle(Vector128.WidenUpper(wide)) * scale) + m).Store(target + 4);
            }
        }
    }

    /// <summary>target[i] = scale · table[indices[i]], for 16 indices into a table of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFromTable(Vector128<byte> indices, float* table, float scale, float* target)
    {
        if (Avx512F.IsSupported && Vector512.IsHardwareAccelerated)
        {
            Vector512<int> at = Avx512F.ConvertToVector512Int32(indices);
            (Avx512F.PermuteVar16x32(Vector512.Load(table), at) * Vector512.Create(scale)).Store(target);
        }
        else if (Avx2.IsSupported)
        {
            Vector256<float> d = Vector256.Create(scale), low = Vector256.Load(table), high = Vector256.Load(table + 8);
            (Lookup.OfSixteen(low, high, Avx2.ConvertToVector256Int32(indices)) * d).Store(target);
            (Lookup.OfSixteen(low, high, Avx2.ConvertToVector256Int32(Vector128.Create(indices.GetUpper(), default))) * d).Store(target + 8);
        }
        else
        {
            byte* each = stackalloc byte[16];
            indices.Store(each);
            for (int i = 0; i < 16; i++) target[i] = table[each[i]] * scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ToSingle512(Vector128<sbyte> numbers) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(numbers));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> LowerToSingle(Vector128<sbyte> numbers) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(numbers));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> UpperToSingle(Vector128<sbyte> numbers) =>
        Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Vector128.Create(numbers.GetUpper(), default)));
}
