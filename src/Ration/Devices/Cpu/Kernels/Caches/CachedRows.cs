using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Products of a few vectors with some rows of a cache, for four vectors at once or for one, so that what is read and widened serves all
/// query heads that share it. A row is one head's channels of one token.
/// </summary>
internal static unsafe class CachedRows<TFormat, T>
    where TFormat : struct, ICacheFormat
    where T : unmanaged, ILanes<T>
{
    // Rows lie a whole token apart: too far for the hardware to run ahead on.
    private const nint PrefetchRows = 16;

    /// <summary>scores[i] = q·row i.</summary>
    public static void Dot(float* q, in CacheSpan rows, float* scores /*[rows.Count] overwritten*/)
    {
        nint step = rows.Step, d = rows.Channels, whole = d - (d % T.Count);
        for (nint i = 0; i < rows.Count; i += 4)
        {
            nint last = nint.Min(3, rows.Count - 1 - i);
            byte* row0 = rows.Start + (i * step), row1 = row0 + (nint.Min(1, last) * step), row2 = row0 + (nint.Min(2, last) * step), row3 = row0 + (last * step);
            for (nint ahead = PrefetchRows; ahead < PrefetchRows + 4; ahead++) Prefetch(row0 + (ahead * step), rows.HeadBytes);
            T s0 = T.Create(0f), s1 = s0, s2 = s0, s3 = s0;
            for (nint c = 0; c < whole; c += T.Count)
            {
                T x = T.Load(q + c);
                s0 = T.MultiplyAdd(x, TFormat.Load<T>(row0, c), s0);
                s1 = T.MultiplyAdd(x, TFormat.Load<T>(row1, c), s1);
                s2 = T.MultiplyAdd(x, TFormat.Load<T>(row2, c), s2);
                s3 = T.MultiplyAdd(x, TFormat.Load<T>(row3, c), s3);
            }

            Vector128<float> sums = LaneSums.Four(s0, s1, s2, s3);
            for (nint c = whole; TFormat.HasTail && c < d; c++)
                sums += Vector128.Create(Channel(row0, c), Channel(row1, c), Channel(row2, c), Channel(row3, c)) * q[c];
            for (int j = 0; j <= last; j++) scores[i + j] = sums.GetElement(j);
        }
    }

    /// <summary>As <see cref="Dot"/> for each of four vectors.</summary>
    public static void DotFour(in FourVectors q, in CacheSpan rows, in FourVectors scores)
    {
        nint step = rows.Step, d = rows.Channels, whole = d - (d % T.Count);
        float* q0 = q.A, q1 = q.B, q2 = q.C, q3 = q.D;
        for (nint i = 0; i < rows.Count; i += 2)
        {
            nint second = i + 1 < rows.Count ? 1 : 0;
            byte* row = rows.Start + (i * step), next = row + (second * step);
            Prefetch(row + (PrefetchRows * step), rows.HeadBytes);
            Prefetch(row + ((PrefetchRows + 1) * step), rows.HeadBytes);
            T s0 = T.Create(0f), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
            for (nint c = 0; c < whole; c += T.Count)
            {
                T k = TFormat.Load<T>(row, c), l = TFormat.Load<T>(next, c), x = T.Load(q0 + c);
                s0 = T.MultiplyAdd(x, k, s0);
                t0 = T.MultiplyAdd(x, l, t0);
                x = T.Load(q1 + c);
                s1 = T.MultiplyAdd(x, k, s1);
                t1 = T.MultiplyAdd(x, l, t1);
                x = T.Load(q2 + c);
                s2 = T.MultiplyAdd(x, k, s2);
                t2 = T.MultiplyAdd(x, l, t2);
                x = T.Load(q3 + c);
                s3 = T.MultiplyAdd(x, k, s3);
                t3 = T.MultiplyAdd(x, l, t3);
            }

            Vector128<float> sums = LaneSums.Four(s0, s1, s2, s3), nextSums = LaneSums.Four(t0, t1, t2, t3);
            for (nint c = whole; TFormat.HasTail && c < d; c++)
            {
                Vector128<float> x = Vector128.Create(q0[c], q1[c], q2[c], q3[c]);
                sums += x * Channel(row, c);
                nextSums += x * Channel(next, c);
            }

            Spread(sums, scores, i);
            if (second != 0) Spread(nextSums, scores, i + 1);
        }
    }

    /// <summary>output = Σ weights[i]·row i.</summary>
    public static void Mix(float* weights /*[rows.Count]*/, in CacheSpan rows, float* output /*[channels] overwritten*/)
    {
        nint d = rows.Channels, c = 0;
        for (; c + (4 * T.Count) <= d; c += 4 * T.Count)
        {
            T s0 = T.Create(0f), s1 = s0, s2 = s0, s3 = s0;
            byte* row = rows.Start;
            for (nint i = 0; i < rows.Count; i++, row += rows.Step)
            {
                if (c == 0) Prefetch(row + (PrefetchRows * rows.Step), rows.HeadBytes);
                T w = T.Create(weights[i]);
                s0 = T.MultiplyAdd(w, TFormat.Load<T>(row, c), s0);
                s1 = T.MultiplyAdd(w, TFormat.Load<T>(row, c + T.Count), s1);
                s2 = T.MultiplyAdd(w, TFormat.Load<T>(row, c + (2 * T.Count)), s2);
                s3 = T.MultiplyAdd(w, TFormat.Load<T>(row, c + (3 * T.Count)), s3);
            }

            s0.Store(output + c);
            s1.Store(output + c + T.Count);
            s2.Store(output + c + (2 * T.Count));
            s3.Store(output + c + (3 * T.Count));
        }

        for (; c + T.Count <= d; c += T.Count)
        {
            T sum = T.Create(0f);
            byte* row = rows.Start;
            for (nint i = 0; i < rows.Count; i++, row += rows.Step) sum = T.MultiplyAdd(T.Create(weights[i]), TFormat.Load<T>(row, c), sum);
            sum.Store(output + c);
        }

        if (TFormat.HasTail)
            for (; c < d; c++) output[c] = MixChannel(weights, rows, c);
    }

    /// <summary>As <see cref="Mix"/> for each of four vectors of weights; vectors that are the same memory must have the same output.</summary>
    public static void MixFour(in FourVectors weights, in CacheSpan rows, in FourVectors output)
    {
        nint d = rows.Channels, c = 0;
        for (; c + (2 * T.Count) <= d; c += 2 * T.Count) MixPair(weights, rows, output, c);
        for (; c + T.Count <= d; c += T.Count)
        {
            T s0 = T.Create(0f), s1 = s0, s2 = s0, s3 = s0;
            byte* row = rows.Start;
            for (nint i = 0; i < rows.Count; i++, row += rows.Step)
            {
                T v = TFormat.Load<T>(row, c);
                s0 = T.MultiplyAdd(T.Create(weights.A[i]), v, s0);
                s1 = T.MultiplyAdd(T.Create(weights.B[i]), v, s1);
                s2 = T.MultiplyAdd(T.Create(weights.C[i]), v, s2);
                s3 = T.MultiplyAdd(T.Create(weights.D[i]), v, s3);
            }

            s0.Store(output.A + c);
            s1.Store(output.B + c);
            s2.Store(output.C + c);
            s3.Store(output.D + c);
        }

        if (!TFormat.HasTail) return;
        for (; c < d; c++)
        {
            output.A[c] = MixChannel(weights.A, rows, c);
            output.B[c] = MixChannel(weights.B, rows, c);
            output.C[c] = MixChannel(weights.C, rows, c);
            output.D[c] = MixChannel(weights.D, rows, c);
        }
    }

    private static void MixPair(in FourVectors weights, in CacheSpan rows, in FourVectors output, nint c)
    {
        T s0 = T.Create(0f), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
        byte* row = rows.Start;
        float* w0 = weights.A, w1 = weights.B, w2 = weights.C, w3 = weights.D;
        nint step = rows.Step, count = rows.Count, bytes = c == 0 ? rows.HeadBytes : 0;
        for (nint i = 0; i < count; i++, row += step)
        {
            Prefetch(row + (PrefetchRows * step), bytes);
            T v = TFormat.Load<T>(row, c), u = TFormat.Load<T>(row, c + T.Count);
            T w = T.Create(w0[i]);
            s0 = T.MultiplyAdd(w, v, s0);
            t0 = T.MultiplyAdd(w, u, t0);
            w = T.Create(w1[i]);
            s1 = T.MultiplyAdd(w, v, s1);
            t1 = T.MultiplyAdd(w, u, t1);
            w = T.Create(w2[i]);
            s2 = T.MultiplyAdd(w, v, s2);
            t2 = T.MultiplyAdd(w, u, t2);
            w = T.Create(w3[i]);
            s3 = T.MultiplyAdd(w, v, s3);
            t3 = T.MultiplyAdd(w, u, t3);
        }

        s0.Store(output.A + c);
        s1.Store(output.B + c);
        s2.Store(output.C + c);
        s3.Store(output.D + c);
        t0.Store(output.A + c + T.Count);
        t1.Store(output.B + c + T.Count);
        t2.Store(output.C + c + T.Count);
        t3.Store(output.D + c + T.Count);
    }

    private static float MixChannel(float* weights, in CacheSpan rows, nint c)
    {
        float sum = 0;
        for (nint i = 0; i < rows.Count; i++) sum += weights[i] * Channel(rows.Start + (i * rows.Step), c);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Channel(byte* row, nint c) => TFormat.Load<Lanes1>(row, c).Value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread(Vector128<float> sums, in FourVectors scores, nint i)
    {
        scores.A[i] = sums.GetElement(0);
        scores.B[i] = sums.GetElement(1);
        scores.C[i] = sums.GetElement(2);
        scores.D[i] = sums.GetElement(3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* row, nint bytes)
    {
        if (!Sse.IsSupported) return;
        for (nint i = 0; i < bytes; i += 64) Sse.Prefetch0(row + i);
    }
}

/// <summary>One head of some tokens that follow each other in a cache.</summary>
internal unsafe struct CacheSpan
{
    /// <summary>The head in the first token.</summary>
    public byte* Start;

    /// <summary>Bytes from one token to the next.</summary>
    public nint Step;

    /// <summary>Bytes of the head in a token.</summary>
    public nint HeadBytes;

    /// <summary>Tokens.</summary>
    public nint Count;

    /// <summary>Channels of the head.</summary>
    public nint Channels;
}

/// <summary>Four vectors of equal length; some may be the same.</summary>
internal unsafe struct FourVectors
{
    /// <summary>The first.</summary>
    public float* A;

    /// <summary>The second.</summary>
    public float* B;

    /// <summary>The third.</summary>
    public float* C;

    /// <summary>The fourth.</summary>
    public float* D;
}
