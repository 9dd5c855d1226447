using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ration.Tensors.Formats;

/// <summary>
/// The signed 8-bit dynamic code of bitsandbytes (Dettmers 2016, arXiv 1511.04561; its <c>create_dynamic_map</c>): 256 values in
/// [−1, 1], ascending, of which each decade from 1e-6 to 1 has twice as many as the one below.
/// </summary>
internal static unsafe class DynamicMap
{
    private static readonly float[] s_values = Create();
    private static readonly float[] s_thresholds = Midpoints(s_values);

    /// <summary>The 256 values, ascending.</summary>
    public static ReadOnlySpan<float> Values => s_values;

    /// <summary>The value of a code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Value(byte code) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(s_values), (nint)code);

    /// <summary>The nearest code, of two equally near the lower one; what is not a number is as 0.</summary>
    public static byte Nearest(float value)
    {
        int low = 0;
        for (int step = 128; step > 0; step >>= 1)
            if (value > s_thresholds[low + step - 1]) low += step;
        return float.IsNaN(value) ? Nearest(0) : (byte)low;
    }

    // Means of equal parts of [0.1, 1], times a power of ten, all in F32.
    private static float[] Create()
    {
        List<float> values = [0, 1];
        for (int decade = 0; decade < 7; decade++)
        {
            int parts = 1 << decade;
            float power = (float)Math.Pow(10, decade - 6);
            for (int i = 0; i < parts; i++)
            {
                float mean = power * ((Boundary(i, parts) + Boundary(i + 1, parts)) / 2f);
                values.Add(mean);
                values.Add(-mean);
            }
        }

        values.Sort();
        return [.. values];
    }

    // The last digits are those of PyTorch's linspace on AVX2, where the tables in checkpoints come from: from both ends towards the
    // middle, and where there are sixteen or more, from the first of each eight.
    private static float Boundary(int i, int parts)
    {
        float step = (1f - 0.1f) / parts;
        int first = parts < 16 || i == parts ? i : i & ~7;
        float start = first < (parts + 1) / 2 ? MathF.FusedMultiplyAdd(step, first, 0.1f) : MathF.FusedMultiplyAdd(-step, parts - first, 1);
        return start + (step * (i - first));
    }

    private static float[] Midpoints(float[] values)
    {
        float[] thresholds = new float[values.Length - 1];
        for (int i = 0; i < thresholds.Length; i++) thresholds[i] = (values[i] + values[i + 1]) / 2f;
        return thresholds;
    }
}
