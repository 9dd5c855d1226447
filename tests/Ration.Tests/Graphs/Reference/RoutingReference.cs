using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Mixtures of experts, choice by choice.</summary>
internal static class RoutingReference
{
    /// <summary>Arranged weights, chosen experts, arranged rows of choices, first rows of experts.</summary>
    public static double[][] Route(RouteTokens op, double[] logits, int count)
    {
        int tokens = logits.Length / count, k = op.ExpertsPerToken;
        double[] experts = new double[tokens * k], places = new double[tokens * k], weights = new double[tokens * k];
        for (int t = 0; t < tokens; t++)
        {
            double[] row = logits[(t * count)..((t + 1) * count)];
            int[] best = [.. Enumerable.Range(0, count).OrderByDescending(e => row[e]).ThenBy(static e => e).Take(k)];
            for (int j = 0; j < k; j++) experts[(t * k) + j] = best[j];
        }

        int[] order = [.. Enumerable.Range(0, tokens * k).OrderBy(i => experts[i]).ThenBy(static i => i)];
        for (int place = 0; place < order.Length; place++)
        {
            int t = order[place] / k;
            places[order[place]] = place;
            weights[place] = Probabilities(op, logits, experts, t, count)[(int)experts[order[place]]];
        }

        double[] starts = [.. Enumerable.Range(0, count + 1).Select(e => (double)experts.Count(x => x < e))];
        return [weights, experts, places, starts];
    }

    /// <summary>The gradient of the logits: the Jacobian of the softmax, row by row.</summary>
    public static double[] RouteGradient(RouteTokensGradient op, double[][] x, int count)
    {
        int k = op.Forward.ExpertsPerToken, tokens = x[1].Length / count;
        double[] dlogits = new double[x[1].Length];
        for (int t = 0; t < tokens; t++)
        {
            double[] p = Probabilities(op.Forward, x[1], x[2], t, count);
            for (int j = 0; j < k; j++)
            {
                int e = (int)x[2][(t * k) + j];
                double g = x[0][(int)x[3][(t * k) + j]];
                for (int i = 0; i < count; i++) dlogits[(t * count) + i] += g * p[e] * ((i == e ? 1 : 0) - p[i]);
            }
        }

        return dlogits;
    }

    /// <summary>Each token's row at the places of its choices.</summary>
    public static double[] Copy(double[] x, double[] places, int choices, int width)
    {
        double[] y = new double[places.Length * width];
        for (int i = 0; i < places.Length; i++) Array.Copy(x, i / choices * width, y, (int)places[i] * width, width);
        return y;
    }

    /// <summary>Sums of the rows at the places of each token's choices.</summary>
    public static double[] Sum(double[] y, double[] places, int choices, int width)
    {
        double[] x = new double[places.Length / choices * width];
        for (int i = 0; i < places.Length * width; i++) x[(i / width / choices * width) + (i % width)] += y[((int)places[i / width] * width) + (i % width)];
        return x;
    }

    /// <summary>Each row times its expert's matrix, on top of the fourth input where there is one.</summary>
    public static double[] Product(ExpertMatMul op, Node node, double[][] x)
    {
        int k = (int)node.Inputs[0].Shape[1], n = (int)node.Output.Shape[1];
        double[] y = op.Accumulate ? [.. x[3]] : new double[node.Output.Shape.Elements];
        for (int i = 0; i < y.Length; i++)
        {
            int row = i / n, column = i % n, matrix = ExpertOf(x[2], row) * k * n;
            for (int d = 0; d < k; d++) y[i] += x[0][(row * k) + d] * x[1][matrix + (op.TransposeWeights ? (column * k) + d : (d * n) + column)];
        }

        return y;
    }

    /// <summary>Outer products of rows summed by expert, on top of the fourth input where there is one.</summary>
    public static double[] WeightGradient(ExpertWeightGradient op, Node node, double[][] x)
    {
        int p = (int)node.Output.Shape[1], q = (int)node.Output.Shape[2];
        double[] sums = op.Accumulate ? [.. x[3]] : new double[node.Output.Shape.Elements];
        for (int row = 0; row < x[0].Length / p; row++)
        {
            int matrix = ExpertOf(x[2], row) * p * q;
            for (int i = 0; i < p * q; i++) sums[matrix + i] += x[0][(row * p) + (i / q)] * x[1][(row * q) + (i % q)];
        }

        return sums;
    }

    /// <summary>Rows times their factors.</summary>
    public static double[] Scale(double[] x, double[] factors) => [.. x.Select((v, i) => v * factors[i / (x.Length / factors.Length)])];

    /// <summary>Gradients of rows and factors.</summary>
    public static double[][] ScaleGradient(double[] dy, double[] x, double[] factors)
    {
        int width = x.Length / factors.Length;
        return [Scale(dy, factors), [.. factors.Select((_, row) => Enumerable.Range(row * width, width).Sum(i => dy[i] * x[i]))]];
    }

    private static int ExpertOf(double[] starts, int row) => Enumerable.Range(0, starts.Length - 1).Single(e => starts[e] <= row && row < starts[e + 1]);

    // The softmax of a token over all experts, or over the chosen ones alone.
    private static double[] Probabilities(RouteTokens op, double[] logits, double[] experts, int token, int count)
    {
        double[] chosen = experts[(token * op.ExpertsPerToken)..((token + 1) * op.ExpertsPerToken)];
        double[] row = [.. logits[(token * count)..((token + 1) * count)].Select((l, e) => op.Normalize && !chosen.Contains(e) ? double.NegativeInfinity : l)];
        double greatest = row.Max(), sum = row.Sum(l => Math.Exp(l - greatest));
        return [.. row.Select(l => Math.Exp(l - greatest) / sum)];
    }
}
