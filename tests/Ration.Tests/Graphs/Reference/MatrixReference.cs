using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Products and sums over rows.</summary>
internal static class MatrixReference
{
    /// <summary>op(a)·op(b), plus the third input where there is one.</summary>
    public static double[] Product(Node node, MatMul op, double[][] x)
    {
        long columnsA = node.Inputs[0].Shape[^1], columnsB = node.Inputs[1].Shape[^1];
        (long m, long n, long k) = op.Sizes(node.Inputs);
        double[] y = op.Accumulate ? [.. x[2]] : new double[m * n];
        for (long row = 0; row < m; row++)
        {
            for (long column = 0; column < n; column++)
            {
                double sum = 0;
                for (long i = 0; i < k; i++)
                {
                    double a = op.TransposeA ? x[0][(i * columnsA) + row] : x[0][(row * columnsA) + i];
                    double b = op.TransposeB ? x[1][(column * columnsB) + i] : x[1][(i * columnsB) + column];
                    sum += a * b;
                }

                y[(row * n) + column] += sum;
            }
        }

        return y;
    }

    /// <summary>The transpose of [rows, columns].</summary>
    public static double[] Transpose(double[] x, int columns) =>
        [.. Enumerable.Range(0, columns).SelectMany(column => Enumerable.Range(0, x.Length / columns).Select(row => x[(row * columns) + column]))];

    /// <summary>x + bias for each row.</summary>
    public static double[] AddBias(double[] x, double[] bias) => [.. x.Select((v, i) => v + bias[i % bias.Length])];

    /// <summary>Sums of columns, plus the second input where there is one.</summary>
    public static double[] ColumnSum(double[][] x, long width)
    {
        double[] sums = x.Length > 1 ? [.. x[1]] : new double[width];
        for (int i = 0; i < x[0].Length; i++) sums[i % width] += x[0][i];
        return sums;
    }
}
