using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Ops that work row by row: look-ups, rotations, dropout, caches.</summary>
internal static class TokenReference
{
    /// <summary>Rows of a table.</summary>
    public static double[] Embedding(double[] table, double[] ids, long width)
    {
        double[] y = new double[ids.Length * width];
        for (int row = 0; row < ids.Length; row++) Array.Copy(table, (long)ids[row] * width, y, row * width, width);
        return y;
    }

    /// <summary>Sums of rows of dy by token, on top of the third input where there is one.</summary>
    public static double[] EmbeddingGradient(EmbeddingGradient op, double[][] x)
    {
        long width = x[1].Length == 0 ? 0 : x[0].Length / x[1].Length;
        double[] sum = op.Accumulate ? [.. x[2]] : new double[op.Vocabulary * width];
        for (int i = 0; i < x[0].Length; i++) sum[((long)x[1][i / width] * width) + (i % width)] += x[0][i];
        return sum;
    }

    /// <summary>Each pair (a, b) of a head turns by position · frequency and is multiplied by the factor; other channels stay.</summary>
    public static double[] Rotate(RotaryEmbedding op, double[] x, double[] positions)
    {
        double[] y = [.. x];
        float[] radians = op.Frequencies.Radians.ToArray();
        int d = op.HeadDimension, pairs = radians.Length, heads = positions.Length == 0 ? 0 : x.Length / positions.Length / d;
        for (int row = 0; row < positions.Length; row++)
        {
            for (int head = 0; head < heads; head++)
            {
                int start = ((row * heads) + head) * d;
                for (int i = 0; i < pairs; i++)
                {
                    double angle = positions[row] * radians[i] * (op.Inverse ? -1 : 1);
                    (int a, int b) = op.Pairing == RotaryPairing.Halves ? (start + i, start + i + pairs) : (start + (2 * i), start + (2 * i) + 1);
                    y[a] = op.Frequencies.Factor * ((x[a] * Math.Cos(angle)) - (x[b] * Math.Sin(angle)));
                    y[b] = op.Frequencies.Factor * ((x[b] * Math.Cos(angle)) + (x[a] * Math.Sin(angle)));
                }
            }
        }

        return y;
    }

    /// <summary>
    /// An element lives when its random word is at least 2³² times the probability. Of 64 elements, number 16·w + l has word w of
    /// counter l; the next 64 have the next 16 counters. The stream is the site above the row's number, under a bit that weights do
    /// not use.
    /// </summary>
    public static double[] Dropout(Dropout op, Shape shape, double[] x, double[] key)
    {
        int elements = x.Length == 0 ? 1 : x.Length / (int)Ration.Graphs.Ops.Dropout.Rows(shape);
        return [.. x.Select((v, i) => Word((ulong)(long)key[0], Stream(i / elements), i % elements) >= (uint)(op.Probability * 4294967296.0) ? v / (1.0 - op.Probability) : 0)];

        ulong Stream(int row) => (1UL << 63) | (((ulong)op.Site << 40) ^ (ulong)((long)key[1] + row));
    }

    /// <summary>The random word of an element of a row, as <see cref="Dropout"/> says.</summary>
    public static uint Word(ulong seed, ulong stream, int i)
    {
        (uint a, uint b, uint c, uint d) = new CounterRandom(seed, stream).Words((ulong)((i / 64 * 16) + (i % 16)));
        return (i / 16 % 4) switch { 0 => a, 1 => b, 2 => c, _ => d };
    }

    /// <summary>
    /// Of 64 elements, numbers l and 16 + l are the cosine and the sine that Box and Muller make of the words 0 and 1 of counter l,
    /// 32 + l and 48 + l those of words 2 and 3.
    /// </summary>
    public static double[] RandomMatrix(RandomMatrix op, ulong epoch)
    {
        return [.. Enumerable.Range(0, (int)(op.Rows * op.Columns)).Select(i =>
        {
            double radius = Math.Sqrt(-2 * Math.Log(Uniform(i / 32 * 32, i))), turn = 2 * Math.PI * Uniform((i / 32 * 32) + 16, i);
            return op.Deviation * radius * (i / 16 % 2 == 0 ? Math.Cos(turn) : Math.Sin(turn));
        })];

        double Uniform(int first, int i) => ((Word(op.Seed, op.Stream ^ epoch, first + (i % 16)) >> 9) + 0.5) / (1 << 23);
    }

    /// <summary>The cache with new tokens at their places; the cache itself changes too.</summary>
    public static double[] AppendToCache(Node node, double[][] x)
    {
        Shape cache = node.Inputs[0].Shape;
        long tokens = node.Inputs[1].Shape[1];
        for (long token = 0; token < cache[0] * tokens; token++)
        {
            long place = (long)x[2][token];
            if (((AppendToCache)node.Op).Ring && place >= 0) place %= cache[1];
            if (place >= 0 && place < cache[1]) Array.Copy(x[1], token * cache[2], x[0], ((token / tokens * cache[1]) + place) * cache[2], cache[2]);
        }

        return [.. x[0]];
    }

    /// <summary>One token of each row.</summary>
    public static double[] SelectToken(Shape shape, double[] x, double[] index) =>
        [.. Enumerable.Range(0, (int)shape[0]).SelectMany(row => x.Skip((int)(((row * shape[1]) + (long)index[row]) * shape[2])).Take((int)shape[2]))];
}
