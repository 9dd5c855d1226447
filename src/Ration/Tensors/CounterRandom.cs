namespace Ration.Tensors;

/// <summary>
/// Random numbers as a function of their place: number i of a stream can be had without the ones before it, on any thread
/// (Philox4x32-10, Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
/// </summary>
/// <param name="seed">The key.</param>
/// <param name="stream">Distinguishes independent uses of a seed.</param>
public readonly struct CounterRandom(ulong seed, ulong stream)
{
    private const double ToUnit = 1.0 / (1L << 32);

    /// <summary>Four random words for a counter.</summary>
    public (uint A, uint B, uint C, uint D) Words(ulong counter)
    {
        uint a = (uint)counter, b = (uint)(counter >> 32), c = (uint)stream, d = (uint)(stream >> 32);
        uint keyLow = (uint)seed, keyHigh = (uint)(seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong first = 0xD2511F53UL * a, second = 0xCD9E8D57UL * c;
            (a, b, c, d) = ((uint)(second >> 32) ^ b ^ keyLow, (uint)second, (uint)(first >> 32) ^ d ^ keyHigh, (uint)first);
            keyLow += 0x9E3779B9;
            keyHigh += 0xBB67AE85;
        }

        return (a, b, c, d);
    }

    /// <summary>A stream for each name (FNV-1a).</summary>
    public static ulong StreamOf(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in name) hash = (hash ^ c) * 1099511628211;
        return hash;
    }

    /// <summary>Number <paramref name="index"/> of the stream, uniform in [0, 1).</summary>
    public double Uniform(ulong index) => Words(index).A * ToUnit;

    /// <summary>Normal numbers from number <paramref name="start"/> (a multiple of four) of the stream on, by Box and Muller's method.</summary>
    /// <param name="start">Number of the first.</param>
    /// <param name="values">Overwritten.</param>
    /// <param name="deviation">Standard deviation; the mean is zero.</param>
    public void FillNormal(ulong start, Span<float> values, float deviation)
    {
        Span<float> four = stackalloc float[4];
        for (int i = 0; i < values.Length; i += 4)
        {
            (uint a, uint b, uint c, uint d) = Words((start + (ulong)i) / 4);
            (four[0], four[1]) = Pair(a, b, deviation);
            (four[2], four[3]) = Pair(c, d, deviation);
            four[..Math.Min(4, values.Length - i)].CopyTo(values[i..]);
        }
    }

    private static (float, float) Pair(uint a, uint b, float deviation)
    {
        double radius = deviation * Math.Sqrt(-2 * Math.Log((a + 1.0) * ToUnit));
        (double sine, double cosine) = Math.SinCos(2 * Math.PI * (b * ToUnit));
        return ((float)(radius * cosine), (float)(radius * sine));
    }
}
