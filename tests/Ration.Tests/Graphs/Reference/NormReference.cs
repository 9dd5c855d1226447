using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Normalizations of rows.</summary>
internal static class NormReference
{
    /// <summary>The outputs of any op of norms.</summary>
    public static double[][] Evaluate(Op op, double[][] x) => op switch
    {
        RmsNorm norm => RmsNorm(norm, x[0], x[1]),
        RmsNormGradient gradient => RmsNormGradient(gradient, x),
        LayerNorm norm => LayerNorm(x[0], x[1], x[2], norm.Epsilon),
        LayerNormGradient { FromOutput: true } => LayerNormGradientByOutput(x[0], x[1], x[2], x[3]),
        LayerNormGradient => LayerNormGradient(x[0], x[1], x[2], x[3], x[4]),
        NormalizeRows rows => Normalize(rows, x[0]),
        ScaleColumns columns => [Scale(columns, x)],
        _ => throw new NotSupportedException($"{op.Name} is no norm"),
    };

    /// <summary>y and the inverse root of each row.</summary>
    private static double[][] RmsNorm(RmsNorm op, double[] x, double[] gain)
    {
        int width = gain.Length;
        double[] y = new double[x.Length], inverse = new double[x.Length / width];
        for (int row = 0; row < inverse.Length; row++)
        {
            ReadOnlySpan<double> values = x.AsSpan(row * width, width);
            double square = 0;
            foreach (double v in values) square += v * v;
            inverse[row] = 1 / Math.Sqrt((square / width) + op.Epsilon);
            for (int i = 0; i < width; i++) y[(row * width) + i] = (op.GainOffset + gain[i]) * values[i] * inverse[row];
        }

        return [y, inverse];
    }

    /// <summary>dx = r·(g·dy) − x·r³·mean(g·dy·x), the gain's gradient Σ dy·x·r, each on top of its running sum.</summary>
    private static double[][] RmsNormGradient(RmsNormGradient op, double[][] inputs)
    {
        double[] dy = inputs[0], gain = [.. inputs[2].Select(g => op.GainOffset + g)], inverse = inputs[3];
        int width = gain.Length;
        double[] x = op.FromOutput ? [.. inputs[1].Select((n, i) => n / inverse[i / width])] : inputs[1];
        double[] dx = op.Accumulate ? [.. inputs[4]] : new double[x.Length];
        double[] dGain = op.AccumulateGain ? [.. inputs[op.GainSumInput]] : new double[width];
        for (int row = 0; row < inverse.Length; row++)
        {
            double mean = 0, r = inverse[row];
            for (int i = 0; i < width; i++) mean += gain[i] * dy[(row * width) + i] * x[(row * width) + i] / width;
            for (int i = 0; i < width; i++)
            {
                int at = (row * width) + i;
                dx[at] += (r * gain[i] * dy[at]) - (x[at] * r * r * r * mean);
                dGain[i] += dy[at] * x[at] * r;
            }
        }

        return op.NeedsGain ? [dx, dGain] : [dx];
    }

    /// <summary>y, the mean and the inverse deviation of each row.</summary>
    private static double[][] LayerNorm(double[] x, double[] gain, double[] bias, double epsilon)
    {
        int width = gain.Length;
        double[] y = new double[x.Length], means = new double[x.Length / width], inverse = new double[means.Length];
        for (int row = 0; row < means.Length; row++)
        {
            double[] values = x[(row * width)..((row + 1) * width)];
            double mean = means[row] = values.Average();
            inverse[row] = 1 / Math.Sqrt(values.Average(v => (v - mean) * (v - mean)) + epsilon);
            for (int i = 0; i < width; i++) y[(row * width) + i] = (gain[i] * (values[i] - mean) * inverse[row]) + bias[i];
        }

        return [y, means, inverse];
    }

    /// <summary>x over its root mean square or its deviation, and the inverse of that.</summary>
    private static double[][] Normalize(NormalizeRows op, double[] x)
    {
        double[] ones = [.. Enumerable.Repeat(1.0, (int)op.Width)], zeros = new double[op.Width];
        if (!op.IsCentred) return RmsNorm(new RmsNorm(op.Epsilon), x, ones);
        double[][] norm = LayerNorm(x, ones, zeros, op.Epsilon);
        return [norm[0], norm[2]];
    }

    /// <summary>(offset + gain)·x + bias, channel by channel.</summary>
    private static double[] Scale(ScaleColumns op, double[][] inputs)
    {
        double[] gain = inputs[1];
        return [.. inputs[0].Select((v, i) => ((op.GainOffset + gain[i % gain.Length]) * v) + (inputs.Length > 2 ? inputs[2][i % gain.Length] : 0))];
    }

    /// <summary>The gradient of a layer norm by n and r alone: x = n/r has the mean 0 and the same gradient.</summary>
    private static double[][] LayerNormGradientByOutput(double[] dy, double[] n, double[] gain, double[] inverse) =>
        LayerNormGradient(dy, [.. n.Select((v, i) => v / inverse[i / gain.Length])], gain, new double[inverse.Length], inverse);

    /// <summary>With n = (x − mean)·r: dx = r·(g·dy − mean(g·dy) − n·mean(g·dy·n)), Σ dy·n, Σ dy.</summary>
    private static double[][] LayerNormGradient(double[] dy, double[] x, double[] gain, double[] means, double[] inverse)
    {
        int width = gain.Length;
        double[] dx = new double[x.Length], dGain = new double[width], dBias = new double[width];
        for (int row = 0; row < means.Length; row++)
        {
            double mean = 0, product = 0;
            for (int i = 0; i < width; i++)
            {
                int at = (row * width) + i;
                double n = (x[at] - means[row]) * inverse[row], scaled = gain[i] * dy[at];
                (mean, product) = (mean + (scaled / width), product + (scaled * n / width));
                (dGain[i], dBias[i]) = (dGain[i] + (dy[at] * n), dBias[i] + dy[at]);
            }

            for (int i = 0; i < width; i++)
            {
                int at = (row * width) + i;
                double n = (x[at] - means[row]) * inverse[row];
                dx[at] = inverse[row] * ((gain[i] * dy[at]) - mean - (n * product));
            }
        }

        return [dx, dGain, dBias];
    }
}
