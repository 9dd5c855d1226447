using System.Buffers;
using Ration.Tensors;

namespace Ration.Files.Weights;

/// <summary>
/// The parameters of a model by their canonical names, wherever they are, read in pieces of whole rows (rows as <see cref="WeightMap"/> counts
/// them). Reading may go on on several threads at once.
/// </summary>
internal abstract class WeightSource
{
    /// <summary>The most numbers that a writer should ask for at once, unless a row has more: fewer where every byte counts.</summary>
    public virtual int PieceNumbers => WeightLoader.PieceElements;

    /// <summary>How a parameter is stored.</summary>
    public abstract DType TypeOf(string parameter);

    /// <summary>Reads rows as numbers.</summary>
    /// <param name="parameter">The canonical name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="row">The first row.</param>
    /// <param name="numbers">Overwritten; whole rows.</param>
    public abstract void Read(string parameter, Shape shape, long row, Span<float> numbers);

    /// <summary>Reads some columns of rows as numbers.</summary>
    /// <param name="parameter">The canonical name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="row">The first row.</param>
    /// <param name="column">The first column.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="numbers">Overwritten; whole rows of so many columns.</param>
    public virtual void ReadColumns(string parameter, Shape shape, long row, int column, int columns, Span<float> numbers)
    {
        int rows = numbers.Length / columns, width = (int)WeightMap.ColumnsOf(shape);
        float[] whole = ArrayPool<float>.Shared.Rent(rows * width);
        Read(parameter, shape, row, whole.AsSpan(0, rows * width));
        for (int i = 0; i < rows; i++) whole.AsSpan((i * width) + column, columns).CopyTo(numbers[(i * columns)..]);
        ArrayPool<float>.Shared.Return(whole);
    }

    /// <summary>Reads rows in their stored form, where that is <paramref name="type"/>, row after row.</summary>
    /// <returns>Whether it could be done; if not, <paramref name="bytes"/> holds nothing of use.</returns>
    public abstract bool TryCopy(string parameter, Shape shape, long row, DType type, Span<byte> bytes);
}
