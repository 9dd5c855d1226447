using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>What keys a query may see in a test.</summary>
public enum Sight
{
    /// <summary>All of them.</summary>
    Everything,

    /// <summary>Those not after it, keys being as far as queries at the end.</summary>
    Causal,

    /// <summary>Causal within packed documents of uneven lengths.</summary>
    Documents,

    /// <summary>Causal, but the first third of the queries see nothing.</summary>
    LateStart,
}

/// <summary>Inputs of an attention and its truth in double.</summary>
internal sealed class AttentionCase
{
    public AttentionCase(AttentionShape shape, Sight sight, int seed)
    {
        Shape = shape;
        Q = Check.Random(shape.Rows * shape.Queries * shape.QueryStep, seed, 2);
        K = Check.Random(shape.Rows * shape.Keys * shape.KeyStep, seed + 1, 2);
        V = Check.Random(shape.Rows * shape.Keys * shape.KeyStep, seed + 2);
        DOutput = Check.Random(shape.Rows * shape.Queries * shape.OutputStep, seed + 3);
        Ranges = new int[shape.Rows * shape.Queries * 2];
        for (int row = 0; row < shape.Rows; row++)
        {
            for (int query = 0; query < shape.Queries; query++)
            {
                int own = (int)(shape.Keys - shape.Queries) + query, at = ((row * (int)shape.Queries) + query) * 2;
                (Ranges[at], Ranges[at + 1]) = sight switch
                {
                    Sight.Everything => (0, (int)shape.Keys - 1),
                    Sight.Documents => (Document(own, 17 + (13 * row)), own),
                    Sight.LateStart when query < shape.Queries / 3 => (0, -1),
                    _ => (0, own),
                };
            }
        }
    }

    public AttentionShape Shape { get; }

    public float[] Q { get; }

    public float[] K { get; }

    public float[] V { get; }

    public float[] DOutput { get; }

    public int[] Ranges { get; }

    /// <summary>Output, log-sum-exp, dq, dk, dv.</summary>
    public (double[] Output, double[] LogSumExp, double[] Dq, double[] Dk, double[] Dv) Truth()
    {
        AttentionShape s = Shape;
        double[] output = new double[DOutput.Length], logSumExp = new double[s.Rows * s.Heads * s.Queries];
        double[] dq = new double[Q.Length], dk = new double[K.Length], dv = new double[V.Length];
        for (nint row = 0; row < s.Rows; row++)
        {
            for (nint head = 0; head < s.Heads; head++)
            {
                for (nint query = 0; query < s.Queries; query++) One(row, head, query, output, logSumExp, dq, dk, dv);
            }
        }

        return (output, logSumExp, dq, dk, dv);
    }

    private static int Document(int own, int length) => own < 5 ? 0 : 5 + ((own - 5) / length * length);

    private void One(nint row, nint head, nint query, double[] output, double[] logSumExp, double[] dq, double[] dk, double[] dv)
    {
        AttentionShape s = Shape;
        nint d = s.HeadDimension, q = (((row * s.Queries) + query) * s.QueryStep) + (head * d),
            o = (((row * s.Queries) + query) * s.OutputStep) + (head * d);
        nint Key(nint key) => (((row * s.Keys) + key) * s.KeyStep) + (head / (s.Heads / s.KvHeads) * d);
        nint at = ((row * s.Queries) + query) * 2, first = Ranges[at], last = Ranges[at + 1];
        if (s.Window > 0) first = nint.Max(first, last - s.Window + 1);
        nint count = last - first + 1, statistic = (((row * s.Heads) + head) * s.Queries) + query;
        logSumExp[statistic] = double.NegativeInfinity;
        if (count <= 0) return;
        double[] p = new double[count], slope = new double[count];
        for (nint j = 0; j < count; j++)
        {
            double score = 0;
            for (nint c = 0; c < d; c++) score += (double)Q[q + c] * K[Key(first + j) + c];
            score *= s.Scale;
            double tanh = s.SoftCap > 0 ? Math.Tanh(score / s.SoftCap) : 0;
            p[j] = s.SoftCap > 0 ? s.SoftCap * tanh : score;
            slope[j] = s.Scale * (1 - (tanh * tanh));
        }

        double greatest = p.Max(), sum = p.Sum(v => Math.Exp(v - greatest)), delta = 0;
        logSumExp[statistic] = greatest + Math.Log(sum);
        double[] dp = new double[count];
        for (nint j = 0; j < count; j++)
        {
            p[j] = Math.Exp(p[j] - greatest) / sum;
            for (nint c = 0; c < d; c++)
            {
                output[o + c] += p[j] * V[Key(first + j) + c];
                dp[j] += (double)DOutput[o + c] * V[Key(first + j) + c];
                dv[Key(first + j) + c] += p[j] * DOutput[o + c];
            }

            delta += p[j] * dp[j];
        }

        for (nint j = 0; j < count; j++)
        {
            double ds = p[j] * (dp[j] - delta) * slope[j];
            for (nint c = 0; c < d; c++)
            {
                dq[q + c] += ds * K[Key(first + j) + c];
                dk[Key(first + j) + c] += ds * Q[q + c];
            }
        }
    }
}
