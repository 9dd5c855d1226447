using System.Runtime.CompilerServices;
using Ration.Devices.Cpu.MatrixProduct;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// The key ranges of the queries beside each other in a tile, as floats, in the order of lanes. Lanes beyond the last query see no key.
/// </summary>
internal unsafe struct LaneRanges
{
    /// <summary>[lanes]: the first key seen.</summary>
    public float* First;

    /// <summary>[lanes]: the last.</summary>
    public float* Last;

    /// <summary>
    /// Fills lanes 0 … <paramref name="lanes"/> − 1 for the queries from <paramref name="query"/> on, and finds the keys that any
    /// of them sees.
    /// </summary>
    public readonly (nint First, nint Last) Fill(in AttentionShape shape, int* keyRanges, nint row, nint query, nint lanes)
    {
        nint least = int.MaxValue, greatest = -1;
        for (nint lane = 0; lane < lanes; lane++)
        {
            (nint first, nint last) = query + lane < shape.Queries ? shape.Range(keyRanges, row, query + lane) : (int.MaxValue, -1);
            (First[lane], Last[lane]) = (first, last);
            least = nint.Min(least, first);
            greatest = nint.Max(greatest, last);
        }

        return (least, greatest);
    }

    /// <summary>The keys that any of some lanes sees.</summary>
    public readonly (nint First, nint Last) Seen(nint lane, nint count)
    {
        nint least = int.MaxValue, greatest = -1;
        for (nint i = lane; i < lane + count; i++)
        {
            least = nint.Min(least, (nint)First[i]);
            greatest = nint.Max(greatest, (nint)Last[i]);
        }

        return (least, greatest);
    }

    /// <summary>
    /// Rows of a tile that every one of the lanes sees: from the first number to before the second, both within 0 … rows.
    /// </summary>
    public readonly (nint Start, nint End) WhollySeen<T>(nint lane, nint key, nint rows)
        where T : unmanaged, ILanes<T>
    {
        float start = T.Greatest(T.Load(First + lane)), end = -T.Greatest(-T.Load(Last + lane)) + 1;
        nint from = nint.Clamp((nint)start - key, 0, rows);
        return (from, nint.Clamp((nint)end - key, from, rows));
    }

    /// <summary><paramref name="value"/> in lanes that see the key, <paramref name="other"/> in those that do not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IfSeen<T>(T first, T last, nint key, T value, T other)
        where T : unmanaged, ILanes<T>
    {
        T at = T.Create(key);
        return T.Select(T.LessThan(at, first), other, T.Select(T.LessThan(last, at), other, value));
    }
}

/// <summary>What both passes share.</summary>
internal static unsafe class AttentionTile
{
    /// <summary>A score before the softmax: scaled, and bounded by the cap if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Cap<T>(T raw, T scale, float cap, out T slope)
        where T : unmanaged, ILanes<T>
    {
        T tanh = VectorMath.Tanh(raw * scale * T.Create(1 / cap));
        slope = T.MultiplyAdd(-tanh, tanh, T.Create(1f));
        return tanh * T.Create(cap);
    }

    /// <summary>The rows of a tile that begins at key <paramref name="key"/> that some lane sees, widened to whole panels.</summary>
    public static (nint Start, nint End) SeenRows((nint First, nint Last) seen, nint key, nint rows)
    {
        nint panel = GemmBlock.PanelRows;
        nint start = nint.Max(0, seen.First - key) / panel * panel, end = nint.Min(rows, seen.Last + 1 - key);
        return end <= start ? (0, 0) : (start, nint.Min(rows, (end + panel - 1) / panel * panel));
    }

    /// <summary>Floats rounded up to whole cache lines.</summary>
    private static nint Lines(nint floats) => (floats + 15) & ~(nint)15;

    /// <summary>The next part of a workspace, in whole cache lines.</summary>
    public static float* Take(ref float* at, nint floats)
    {
        float* part = at;
        at += Lines(floats);
        return part;
    }
}
