using Ration.Graphs.Ops;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;

namespace Ration.Tests.Optimizers;

/// <summary>A matrix in double precision, by the plainest loops: what rules are written in again for comparison.</summary>
internal sealed class Matrix64(int rows, int columns, double[]? elements = null)
{
    public int Rows => rows;

    public int Columns => columns;

    public double[] Elements { get; } = elements ?? new double[rows * columns];

    public Matrix64 Transposed => Of(columns, rows, (i, j) => this[j, i]);

    /// <summary>An orthonormal basis of the columns.</summary>
    public Matrix64 Orthonormalized => new(rows, columns, SubspaceReference.Orthonormalize(Elements, columns));

    public double Norm => Math.Sqrt(Elements.Sum(static v => v * v));

    public double this[int row, int column]
    {
        get => Elements[(row * columns) + column];
        set => Elements[(row * columns) + column] = value;
    }

    public static Matrix64 operator +(Matrix64 a, Matrix64 b) => a.Zip(b, static (x, y) => x + y);

    public static Matrix64 operator -(Matrix64 a, Matrix64 b) => a.Zip(b, static (x, y) => x - y);

    public static Matrix64 operator *(double factor, Matrix64 a) => a.Map(x => factor * x);

    public static Matrix64 operator *(Matrix64 a, Matrix64 b)
    {
        Assert.Equal(a.Columns, b.Rows);
        return Of(a.Rows, b.Columns, (i, j) => Enumerable.Range(0, a.Columns).Sum(k => a[i, k] * b[k, j]));
    }

    public static Matrix64 Of(int rows, int columns, Func<int, int, double> element)
    {
        Matrix64 matrix = new(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) matrix[i, j] = element(i, j);
        }

        return matrix;
    }

    /// <summary>Normal numbers, the same for the same seed, rounded to F32.</summary>
    public static Matrix64 Normal(int rows, int columns, int seed, double scale = 1) => new(rows, columns, OptimizerTrial.Normal(rows * columns, seed, scale));

    /// <summary>What <see cref="Ration.Optimizers.UpdateBuilder.RandomMatrix"/> draws for the parameter of a trial.</summary>
    public static Matrix64 Random(string name, int rows, int columns, double deviation, ulong seed, int epoch) => new(rows, columns, TokenReference.RandomMatrix(
        new RandomMatrix(rows, columns, (float)deviation, seed, CounterRandom.StreamOf($"layers.0.mlp.up.{name}")), (ulong)epoch));

    public Matrix64 Map(Func<double, double> f) => new(rows, columns, [.. Elements.Select(f)]);

    public Matrix64 Zip(Matrix64 other, Func<double, double, double> f)
    {
        Assert.Equal((rows, columns), (other.Rows, other.Columns));
        return new(rows, columns, [.. Elements.Zip(other.Elements, f)]);
    }

    /// <summary>Euclidean norm of a column.</summary>
    public double ColumnNorm(int column) => Math.Sqrt(Enumerable.Range(0, rows).Sum(i => this[i, column] * this[i, column]));
}
