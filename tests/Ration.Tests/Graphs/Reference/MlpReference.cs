using Ration.Graphs.Ops;

namespace Ration.Tests.Graphs.Reference;

/// <summary>MLPs in one piece, by rows.</summary>
internal static class MlpReference
{
    /// <summary>down · (f(gate · x) · (up · x)).</summary>
    public static double[] Forward(TiledMlp op, double[][] inputs, int width)
    {
        (double[] gate, double[] up, double[] activated) = Hidden(op, inputs, width);
        return Linear(activated, inputs[op.Matrices], op.HasBiases ? inputs[2 * op.Matrices] : null, up.Length * width / inputs[0].Length);
    }

    /// <summary>dx where wanted and the gradients of parameters, with what they are added to.</summary>
    public static double[][] Backward(TiledMlpGradient op, double[][] x, int width)
    {
        TiledMlp mlp = op.Forward;
        double[][] forward = x[1..(2 + mlp.Parameters)];
        (double[] gate, double[] up, double[] activated) = Hidden(mlp, forward, width);
        int rows = forward[0].Length / width, hidden = up.Length / rows, output = x[0].Length / rows;
        double[] dactivated = Transposed(x[0], forward[mlp.Matrices], hidden, output);
        double[][] slopes = mlp.IsGated ? ActivationReference.Gated(mlp.Function, dactivated, gate, up)
            : [[.. dactivated.Select((d, i) => d * ActivationReference.Slope(mlp.Function, up[i]))]];
        double[] dx = new double[forward[0].Length];
        List<double[]> matrices = [], biases = [];
        for (int i = 0; i < slopes.Length; i++)
        {
            double[] part = Transposed(slopes[i], forward[1 + i], width, hidden);
            for (int j = 0; j < dx.Length; j++) dx[j] += part[j];
            matrices.Add(Outer(slopes[i], hidden, forward[0], width));
            biases.Add(MatrixReference.ColumnSum([slopes[i]], hidden));
        }

        matrices.Add(Outer(x[0], output, activated, hidden));
        biases.Add(MatrixReference.ColumnSum([x[0]], output));
        double[][] parameters = [.. matrices, .. biases];
        List<double[]> results = op.NeedsInput ? [dx] : [];
        for (int p = 0; p < mlp.Parameters; p++)
        {
            if (op.OutputOf(p) >= 0) results.Add(op.SumOf(p) >= 0 ? ReferenceOps.Zip(parameters[p], x[op.SumOf(p)], static (a, b) => a + b) : parameters[p]);
        }

        return [.. results];
    }

    private static (double[] Gate, double[] Up, double[] Activated) Hidden(TiledMlp op, double[][] x, int width)
    {
        int at = op.Matrices - 1;
        double[] up = Linear(x[0], x[at], op.HasBiases ? x[at + op.Matrices] : null, width);
        if (!op.IsGated) return ([], up, ReferenceOps.Map(up, v => ActivationReference.Of(op.Function, v)));
        double[] gate = Linear(x[0], x[1], op.HasBiases ? x[1 + op.Matrices] : null, width);
        return (gate, up, ReferenceOps.Zip(gate, up, (g, u) => ActivationReference.Of(op.Function, g) * u));
    }

    // x [rows, k] by a matrix [n, k].
    private static double[] Linear(double[] x, double[] matrix, double[]? bias, int k)
    {
        int n = matrix.Length / k, rows = x.Length / k;
        double[] y = new double[rows * n];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = bias?[i % n] ?? 0;
            for (int j = 0; j < k; j++) y[i] += x[(i / n * k) + j] * matrix[(i % n * k) + j];
        }

        return y;
    }

    // dy [rows, n] by a matrix [n, k]: [rows, k].
    private static double[] Transposed(double[] dy, double[] matrix, int k, int n)
    {
        double[] dx = new double[dy.Length / n * k];
        for (int i = 0; i < dx.Length; i++)
        {
            for (int j = 0; j < n; j++) dx[i] += dy[(i / k * n) + j] * matrix[(j * k) + (i % k)];
        }

        return dx;
    }

    // Σ over rows of dy [rows, n] times x [rows, k]: [n, k].
    private static double[] Outer(double[] dy, int n, double[] x, int k)
    {
        double[] sum = new double[n * k];
        for (int row = 0; row < dy.Length / n; row++)
        {
            for (int i = 0; i < sum.Length; i++) sum[i] += dy[(row * n) + (i / k)] * x[(row * k) + (i % k)];
        }

        return sum;
    }
}
