namespace Ration.Tests.Graphs.Reference;

/// <summary>Bases of subspaces. A matrix is its elements in row-major order.</summary>
internal static class SubspaceReference
{
    /// <summary>
    /// Modified Gram-Schmidt, each column twice. A column that depends on those before is replaced by the first unit vectors that do not:
    /// one basis of many, so compare only the space that independent columns span.
    /// </summary>
    public static double[] Orthonormalize(double[] a, int columns)
    {
        int rows = a.Length / columns;
        double[][] q = new double[columns][];
        for (int column = 0, unit = 0; column < columns; column++)
        {
            double[] x = [.. Enumerable.Range(0, rows).Select(row => a[(row * columns) + column])];
            while (!TryRemove(x, q.AsSpan(0, column)))
            {
                x = new double[rows];
                x[unit++] = 1;
            }

            q[column] = x;
        }

        return [.. Enumerable.Range(0, a.Length).Select(i => q[i % columns][i / columns])];
    }

    /// <summary>The orthogonal projector P·Pᵀ onto the columns of an orthonormal matrix: the same for every basis of a space.</summary>
    public static double[] Projector(double[] p, int columns)
    {
        int rows = p.Length / columns;
        double[] projector = new double[rows * rows];
        for (int i = 0; i < projector.Length; i++)
        {
            for (int k = 0; k < columns; k++) projector[i] += p[(i / rows * columns) + k] * p[(i % rows * columns) + k];
        }

        return projector;
    }

    /// <summary>Columns of the transform of type III, all of them without numbers.</summary>
    public static double[] CosineColumns(int size, double[]? numbers)
    {
        numbers ??= [.. Enumerable.Range(0, size).Select(static i => (double)i)];
        double[] q = new double[size * numbers.Length];
        for (int i = 0; i < q.Length; i++)
        {
            int row = i / numbers.Length;
            q[i] = Math.Sqrt((row == 0 ? 1.0 : 2.0) / size) * Math.Cos(Math.PI * row * ((2 * numbers[i % numbers.Length]) + 1) / (2.0 * size));
        }

        return q;
    }

    /// <summary>Places of the largest, in increasing order.</summary>
    public static double[] SelectLargest(double[] x, int count) =>
        [.. Enumerable.Range(0, x.Length).OrderByDescending(i => double.IsNaN(x[i]) ? double.NegativeInfinity : x[i]).ThenBy(static i => i).Take(count).Order().Select(static i => (double)i)];

    /// <summary>Changes a row of the matrix.</summary>
    public static double[][] AssignRow(double[] matrix, double[] x, int row)
    {
        x.CopyTo(matrix, row * x.Length % matrix.Length);
        return [];
    }

    /// <summary>A column of (K + λI)⁻¹, by elimination without a choice of pivots.</summary>
    public static double[] InverseColumn(double[] gram, double regularization, int column)
    {
        int n = (int)Math.Round(Math.Sqrt(gram.Length));
        double[][] a = [.. Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n + 1).Select(j =>
            j == n ? (i == column % n ? 1 : 0) : gram[(Math.Max(i, j) * n) + Math.Min(i, j)] + (i == j ? regularization : 0)).ToArray())];
        for (int pivot = 0; pivot < n; pivot++)
        {
            for (int row = 0; row < n; row++)
            {
                double factor = a[row][pivot] / a[pivot][pivot];
                for (int j = 0; j <= n && row != pivot; j++) a[row][j] -= factor * a[pivot][j];
            }
        }

        return [.. a.Select((row, i) => row[n] / row[i])];
    }

    /// <summary>x with the columns of these numbers taken from y.</summary>
    public static double[] ReplaceColumns(double[] x, double[] y, double[] numbers, int columns)
    {
        double[] result = [.. x];
        for (int i = 0; i < y.Length; i++) result[(i / numbers.Length * columns) + (int)numbers[i % numbers.Length]] = y[i];
        return result;
    }

    private static bool TryRemove(double[] x, ReadOnlySpan<double[]> basis)
    {
        double before = Math.Sqrt(x.Sum(static v => v * v));
        foreach (double[] q in (double[][])[.. basis, .. basis])
        {
            double share = q.Zip(x, static (a, b) => a * b).Sum();
            for (int i = 0; i < x.Length; i++) x[i] -= share * q[i];
        }

        double norm = Math.Sqrt(x.Sum(static v => v * v));
        for (int i = 0; i < x.Length; i++) x[i] /= norm;
        return norm > 1e-9 * before;
    }
}
