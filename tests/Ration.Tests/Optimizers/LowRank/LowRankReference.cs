using Ration.Graphs.Ops;
using Ration.Tensors;
using Ration.Tests.Graphs.Reference;

namespace Ration.Tests.Optimizers.LowRank;

/// <summary>A matrix under a low-rank rule in double precision. A matrix with the longer side first is turned, so that the basis is on the left.</summary>
internal sealed class LowRankReference(int rows, int columns, int rank, double[] initial)
{
    /// <summary>The length of the shorter side.</summary>
    public int Side => Math.Min(rows, columns);

    /// <summary>The length of the longer side.</summary>
    public int Length => Math.Max(rows, columns);

    /// <summary>The parameter as [shorter, longer].</summary>
    public Dense Parameter { get; set; } = Turn(new Dense(rows, columns, initial));

    /// <summary>The basis [shorter, rank].</summary>
    public Dense Basis { get; set; } = new(Math.Min(rows, columns), rank);

    /// <summary>The first moment [rank, longer].</summary>
    public Dense First { get; set; } = new(rank, Math.Max(rows, columns));

    /// <summary>The second moment.</summary>
    public Dense Second { get; set; } = new(rank, Math.Max(rows, columns));

    /// <summary>Elements in the order in which the rule stores them.</summary>
    public double[] Stored(Dense turned) => (rows < columns ? turned : turned.Transposed).Elements;

    /// <summary>A gradient as [shorter, longer].</summary>
    public Dense Gradient(double[] elements) => Turn(new Dense(rows, columns, elements));

    /// <summary>The random basis that finding begins with.</summary>
    public Dense Random(ulong seed, string name = "layers.0.mlp.up") =>
        new(Side, rank, TokenReference.RandomMatrix(new RandomMatrix(Side, rank, 1, seed, CounterRandom.StreamOf(name + ".subspace")), 0));

    /// <summary>Power iterations from a basis.</summary>
    public Dense Iterate(Dense gradient, Dense basis, int iterations)
    {
        for (int i = 0; i < iterations; i++)
            basis = new(Side, rank, SubspaceReference.Orthonormalize((gradient * (gradient.Transposed * basis)).Elements, rank));
        return basis;
    }

    /// <summary>Adam on a projected gradient: renews the moments and gives the direction.</summary>
    public Dense Adam(Dense projected, int step, double beta1 = 0.9f, double beta2 = 0.999f, double epsilon = 1e-8)
    {
        First = First.Zip(projected, (m, g) => (beta1 * m) + ((1 - beta1) * g));
        Second = Second.Zip(projected, (v, g) => (beta2 * v) + ((1 - beta2) * g * g));
        return First.Zip(Second, (m, v) => m / (1 - Math.Pow(beta1, step)) / (Math.Sqrt(v / (1 - Math.Pow(beta2, step))) + epsilon));
    }

    /// <summary>
    /// Asserts that a parameter has changed as it should, in norm: a single element whose gradient is nearly zero may go either way, since Adam
    /// takes only its sign.
    /// </summary>
    public static void AssertSameChange(double[] initial, double[] expected, double[] actual, double tolerance = 1e-3)
    {
        double error = Norm(expected, actual), change = Norm(expected, initial);
        Assert.True(error <= tolerance * change, $"the change is off by {error / change:E2} of its norm");

        static double Norm(double[] a, double[] b) => Math.Sqrt(a.Zip(b, static (x, y) => (x - y) * (x - y)).Sum());
    }

    private static Dense Turn(Dense matrix) => matrix.Rows < matrix.Columns ? matrix : matrix.Transposed;
}
