namespace Ration.Tests.Optimizers.LowRank;

/// <summary>A matrix in double precision, row-major: what low-rank rules are written in again.</summary>
internal sealed record Dense(int Rows, int Columns, double[] Elements)
{
    /// <summary>A matrix of zeros.</summary>
    public Dense(int rows, int columns)
        : this(rows, columns, new double[rows * columns])
    {
    }

    /// <summary>Rows and columns exchanged.</summary>
    public Dense Transposed => new(Columns, Rows, [.. Enumerable.Range(0, Elements.Length).Select(i => this[i % Rows, i / Rows])]);

    /// <summary>Σ of squares.</summary>
    public double Energy => Elements.Sum(static v => v * v);

    /// <summary>One element.</summary>
    public double this[int row, int column] => Elements[(row * Columns) + column];

    /// <summary>The product.</summary>
    public static Dense operator *(Dense a, Dense b)
    {
        Assert.Equal(a.Columns, b.Rows);
        Dense product = new(a.Rows, b.Columns);
        for (int row = 0; row < a.Rows; row++)
        {
            for (int k = 0; k < a.Columns; k++)
            {
                double factor = a[row, k];
                for (int column = 0; column < b.Columns; column++) product.Elements[(row * b.Columns) + column] += factor * b[k, column];
            }
        }

        return product;
    }

    /// <summary>f of each element.</summary>
    public Dense Map(Func<double, double> f) => this with { Elements = [.. Elements.Select(f)] };

    /// <summary>f of each pair of elements.</summary>
    public Dense Zip(Dense other, Func<double, double, double> f) => this with { Elements = [.. Elements.Zip(other.Elements, f)] };

    /// <summary>Σ of the largest eigenvalues of a symmetric matrix, by Jacobi's rotations.</summary>
    public double LeadingEigenvalues(int count)
    {
        double[] a = [.. Elements];
        int n = Rows;
        for (int sweep = 0; sweep < 30; sweep++)
        {
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++) Rotate(a, n, p, q);
            }
        }

        return Enumerable.Range(0, n).Select(i => a[(i * n) + i]).OrderDescending().Take(count).Sum();
    }

    private static void Rotate(double[] a, int n, int p, int q)
    {
        if (a[(p * n) + q] == 0) return;
        double angle = 0.5 * Math.Atan2(2 * a[(p * n) + q], a[(q * n) + q] - a[(p * n) + p]), c = Math.Cos(angle), s = Math.Sin(angle);
        for (int k = 0; k < n; k++) (a[(k * n) + p], a[(k * n) + q]) = ((c * a[(k * n) + p]) - (s * a[(k * n) + q]), (s * a[(k * n) + p]) + (c * a[(k * n) + q]));
        for (int k = 0; k < n; k++) (a[(p * n) + k], a[(q * n) + k]) = ((c * a[(p * n) + k]) - (s * a[(q * n) + k]), (s * a[(p * n) + k]) + (c * a[(q * n) + k]));
    }
}
