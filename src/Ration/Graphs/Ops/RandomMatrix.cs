using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// A matrix [rows, columns] of independent normal numbers of mean zero. Which numbers depends only on the seed, the stream and the
/// epoch, the one input, by a counter-based generator (Salmon et al. 2011), so that the matrix need not be stored: it is made again
/// wherever it is read, until the epoch changes. Numbers are by Box and Muller's method from 23 bits each; none is beyond 5.77 deviations.
/// </summary>
/// <param name="Rows">Rows, at least 1.</param>
/// <param name="Columns">Columns, at least 1.</param>
/// <param name="Deviation">Standard deviation, finite and not negative.</param>
/// <param name="Seed">Decides everything random in a run.</param>
/// <param name="Stream">Distinguishes the matrices of a run; see <see cref="CounterRandom.StreamOf"/>.</param>
public sealed record RandomMatrix(long Rows, long Columns, float Deviation, ulong Seed, ulong Stream) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1, 1);
        RequireFloats(inputs, 0, Shape.Scalar);
        if (Rows < 1 || Columns < 1) throw Refuse($"a matrix of {Rows} rows and {Columns} columns is empty", inputs);
        if (!(float.IsFinite(Deviation) && Deviation >= 0)) throw Refuse($"the deviation {Deviation} is not a finite number of at least 0", inputs);
        return [new TensorType(new Shape(Rows, Columns), DType.F32)];
    }
}

/// <summary>Random matrices in a graph under construction.</summary>
public static class RandomMatrixBuilding
{
    /// <summary>Normal numbers [rows, columns], the same for the same seed, stream and epoch.</summary>
    /// <param name="builder">Receives the node.</param>
    /// <param name="epoch">An F32 scalar of a whole number from 0 to 2²⁴.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="deviation">Standard deviation.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="stream">Number of the matrix in the run.</param>
    /// <param name="name">For people.</param>
    public static Value RandomMatrix(
        this GraphBuilder builder, Value epoch, long rows, long columns, float deviation, ulong seed, ulong stream, string name = "random") =>
        builder.Emit(new RandomMatrix(rows, columns, deviation, seed, stream), name, MemoryKind.Workspace, epoch)[0];
}
