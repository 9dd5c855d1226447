using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Attention with the whole queries × keys matrix.</summary>
internal static class AttentionReference
{
    /// <summary>The result and the log-sum-exp of each query.</summary>
    public static double[][] Forward(Attention op, IReadOnlyList<Value> inputs, double[] q, double[] k, double[] v, double[] ranges)
    {
        Sizes s = new(op, inputs[0].Shape, inputs[1].Shape);
        double[] y = new double[q.Length], logSumExp = new double[s.Rows * op.Heads * s.Queries];
        foreach ((int row, int head, int query) in s.All())
        {
            (double[] p, double lse, _) = Probabilities(op, s, row, head, query, q, k, ranges);
            logSumExp[(((row * op.Heads) + head) * s.Queries) + query] = lse;
            for (int key = 0; key < s.Keys; key++)
            {
                for (int c = 0; c < s.D; c++) y[s.Q(row, query, head) + c] += p[key] * v[s.K(row, key, head) + c];
            }
        }

        return [y, logSumExp];
    }

    /// <summary>Gradients of q, k and v.</summary>
    public static double[][] Backward(Attention op, IReadOnlyList<Value> inputs, double[][] x)
    {
        (double[] dy, double[] q, double[] k, double[] v, double[] ranges) = (x[0], x[1], x[2], x[3], x[4]);
        Sizes s = new(op, inputs[1].Shape, inputs[2].Shape);
        double[] dq = new double[q.Length], dk = new double[k.Length], dv = new double[v.Length];
        foreach ((int row, int head, int query) in s.All())
        {
            (double[] p, _, double[] slope) = Probabilities(op, s, row, head, query, q, k, ranges);
            int at = s.Q(row, query, head);
            double[] dp = new double[s.Keys];
            double mean = 0;
            for (int key = 0; key < s.Keys; key++)
            {
                for (int c = 0; c < s.D; c++) dp[key] += dy[at + c] * v[s.K(row, key, head) + c];
                mean += p[key] * dp[key];
            }

            for (int key = 0; key < s.Keys; key++)
            {
                int other = s.K(row, key, head);
                double dot = p[key] * (dp[key] - mean) * slope[key] * op.Scale;
                for (int c = 0; c < s.D; c++)
                {
                    dq[at + c] += dot * k[other + c];
                    dk[other + c] += dot * q[at + c];
                    dv[other + c] += p[key] * dy[at + c];
                }
            }
        }

        return [dq, dk, dv];
    }

    // The softmax over the visible keys of one query, its log-sum-exp, and the slope of the soft cap.
    private static (double[] P, double LogSumExp, double[] Slope) Probabilities(
        Attention op, Sizes s, int row, int head, int query, double[] q, double[] k, double[] ranges)
    {
        int last = (int)ranges[(2 * ((row * s.Queries) + query)) + 1], first = (int)ranges[2 * ((row * s.Queries) + query)];
        if (op.Window > 0) first = Math.Max(first, last - op.Window + 1);
        double[] scores = new double[s.Keys], slope = new double[s.Keys], p = new double[s.Keys];
        for (int key = first; key <= last; key++)
        {
            for (int c = 0; c < s.D; c++) scores[key] += op.Scale * q[s.Q(row, query, head) + c] * k[s.K(row, key, head) + c];
            double tanh = op.SoftCap > 0 ? Math.Tanh(scores[key] / op.SoftCap) : 0;
            slope[key] = 1 - (tanh * tanh);
            if (op.SoftCap > 0) scores[key] = op.SoftCap * tanh;
        }

        double greatest = scores[first..(last + 1)].Max(), sum = 0;
        for (int key = first; key <= last; key++) sum += Math.Exp(scores[key] - greatest);
        for (int key = first; key <= last; key++) p[key] = Math.Exp(scores[key] - greatest) / sum;
        return (p, greatest + Math.Log(sum), slope);
    }

    private sealed class Sizes(Attention op, Shape q, Shape k)
    {
        public int Rows => (int)q[0];

        public int Queries => (int)q[1];

        public int Keys => (int)k[1];

        public int D => (int)q[2] / op.Heads;

        public int Q(int row, int query, int head) => (int)((((row * q[1]) + query) * q[2]) + (head * D));

        public int K(int row, int key, int head) => (int)((((row * k[1]) + key) * k[2]) + (head / (op.Heads / op.KvHeads) * D));

        public IEnumerable<(int Row, int Head, int Query)> All()
        {
            for (int row = 0; row < Rows; row++)
            {
                for (int head = 0; head < op.Heads; head++)
                {
                    for (int query = 0; query < Queries; query++) yield return (row, head, query);
                }
            }
        }
    }
}
