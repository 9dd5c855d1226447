using System.Buffers;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Files.Weights;

/// <summary>Takes the bytes of the tensors of a file, each from its start in pieces.</summary>
/// <param name="tensor">The tensor.</param>
/// <param name="bytes">Its next bytes.</param>
internal delegate void TensorBytes(string tensor, ReadOnlySpan<byte> bytes);

/// <summary>Puts parameters into the tensors of a file: joined, split, transposed and in another form, as a map and the types say; never more
/// than a bounded part of a tensor is held.</summary>
/// <param name="source">The parameters, under the conventions of the file.</param>
/// <param name="map">Where they go.</param>
/// <param name="output">Takes the bytes.</param>
internal sealed class TensorWriting(WeightSource source, WeightMap map, TensorBytes output)
{
    // Files have whole rows alone, of which all are read again for each panel of their columns: a panel is of many pieces.
    private const int PiecesOfPanel = 16;

    /// <summary>Writes one tensor.</summary>
    /// <param name="tensor">Its name in the map.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="type">How to store it.</param>
    /// <param name="cancellation">Ends the work between pieces.</param>
    public void Write(string tensor, Shape shape, DType type, CancellationToken cancellation = default)
    {
        IReadOnlyList<WeightLink> links = map.LinksInto(tensor);
        if (links[0].Transposed)
        {
            WriteTransposed(tensor, shape, links, type, cancellation);
            return;
        }

        foreach (WeightLink link in links) WriteRows(tensor, link, type, cancellation);
    }

    private void WriteRows(string tensor, WeightLink link, DType type, CancellationToken cancellation)
    {
        Shape shape = map.Parameters[link.Parameter];
        long columns = WeightMap.ColumnsOf(shape);
        long most = Math.Clamp(source.PieceNumbers / columns, 1, link.Rows);
        float[]? numbers = null;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(checked((int)type.Bytes(Math.Min(most, link.Rows) * columns)));
        for (long done = 0; done < link.Rows; done += most)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = (int)(Math.Min(most, link.Rows - done) * columns);
            Span<byte> piece = bytes.AsSpan(0, (int)type.Bytes(count));
            if (!source.TryCopy(link.Parameter, shape, link.ParameterRow + done, type, piece))
            {
                numbers ??= ArrayPool<float>.Shared.Rent(checked((int)(most * columns)));
                source.Read(link.Parameter, shape, link.ParameterRow + done, numbers.AsSpan(0, count));
                Encode(type, numbers, bytes, count, (int)columns);
            }

            output(tensor, piece);
        }

        if (numbers is not null) ArrayPool<float>.Shared.Return(numbers);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    // Searching for the scales of a block takes longer than anything else here.
    private static void Encode(DType type, float[] numbers, byte[] bytes, int count, int columns)
    {
        int rowBytes = columns % type.BlockElements() == 0 ? (int)type.Bytes(columns) : 0;
        if (!type.IsQuantized() || rowBytes == 0 || count / columns < 2)
        {
            TensorCodec.Encode(type, numbers.AsSpan(0, count), bytes.AsSpan(0, (int)type.Bytes(count)));
            return;
        }

        int rows = count / columns, part = Math.Max(1, rows / (4 * Environment.ProcessorCount));
        Parallel.For(0, (rows + part - 1) / part, i =>
        {
            int first = i * part, these = Math.Min(part, rows - first);
            TensorCodec.Encode(type, numbers.AsSpan(first * columns, these * columns), bytes.AsSpan(first * rowBytes, these * rowBytes));
        });
    }

    // A panel of the tensor's rows is a panel of the parameters' columns.
    private void WriteTransposed(string tensor, Shape shape, IReadOnlyList<WeightLink> links, DType type, CancellationToken cancellation)
    {
        int inputs = checked((int)shape[0]), outputs = checked((int)shape[1]);
        int height = Math.Clamp(PiecesOfPanel * source.PieceNumbers / outputs, 1, inputs);
        float[] panel = ArrayPool<float>.Shared.Rent(checked(height * outputs));
        byte[] bytes = ArrayPool<byte>.Shared.Rent(checked((int)type.Bytes((long)height * outputs)));
        for (int first = 0; first < inputs; first += height)
        {
            int these = Math.Min(height, inputs - first);
            foreach (WeightLink link in links) FillPanel(panel, link, first, these, outputs, cancellation);
            Span<byte> piece = bytes.AsSpan(0, (int)type.Bytes((long)these * outputs));
            TensorCodec.Encode(type, panel.AsSpan(0, these * outputs), piece);
            output(tensor, piece);
        }

        ArrayPool<byte>.Shared.Return(bytes);
        ArrayPool<float>.Shared.Return(panel);
    }

    private void FillPanel(float[] panel, WeightLink link, int firstInput, int inputs, int outputs, CancellationToken cancellation)
    {
        Shape shape = map.Parameters[link.Parameter];
        int most = (int)Math.Clamp(source.PieceNumbers / inputs, 1, link.Rows);
        float[] rows = ArrayPool<float>.Shared.Rent(most * inputs);
        for (long done = 0; done < link.Rows; done += most)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = (int)Math.Min(most, link.Rows - done);
            source.ReadColumns(link.Parameter, shape, link.ParameterRow + done, firstInput, inputs, rows.AsSpan(0, count * inputs));
            for (int i = 0; i < inputs; i++)
            {
                Span<float> target = panel.AsSpan((i * outputs) + (int)(link.TensorRow + done), count);
                for (int row = 0; row < count; row++) target[row] = rows[(row * inputs) + i];
            }
        }

        ArrayPool<float>.Shared.Return(rows);
    }
}
