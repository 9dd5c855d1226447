namespace Ration.Tests.Optimizers;

/// <summary>The second moment of Adafactor in double precision, as its paper has it: sums of rows and columns, or every number of a vector.</summary>
/// <param name="rows">Rows, or 0 for a vector.</param>
/// <param name="columns">Columns, or the numbers of a vector.</param>
internal sealed class FactoredMoment(int rows, int columns)
{
    private const double Epsilon = 1e-30;

    /// <summary>Sums of squares over each row.</summary>
    public double[] Rows { get; } = new double[rows];

    /// <summary>Sums of squares over each column; of a vector, squares.</summary>
    public double[] Columns { get; } = new double[columns];

    /// <summary>The root mean square of some numbers.</summary>
    public static double RootMeanSquare(double[] x) => Math.Sqrt(x.Sum(static v => v * v) / x.Length);

    /// <summary>g/√v after v took in g.</summary>
    public double[] Normalize(double[] g, double decay)
    {
        double[] row = new double[rows], column = new double[columns];
        for (int i = 0; i < g.Length; i++)
        {
            if (rows > 0) row[i / columns] += (g[i] * g[i]) + Epsilon;
            column[i % columns] += (g[i] * g[i]) + Epsilon;
        }

        for (int i = 0; i < rows; i++) Rows[i] = (decay * Rows[i]) + ((1 - decay) * row[i]);
        for (int i = 0; i < columns; i++) Columns[i] = (decay * Columns[i]) + ((1 - decay) * column[i]);
        double total = Rows.Sum();
        return [.. g.Select((x, i) => x / Math.Sqrt(rows > 0 ? Rows[i / columns] * Columns[i % columns] / total : Columns[i]))];
    }
}
