using System.Buffers;
using Ration.Execution;
using Ration.Files.Safetensors;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Files;

/// <summary>Moves persistent values between an executor and a safetensors file in pieces, so that no tensor is held twice. What is stored in blocks is written as bytes.</summary>
public static class PersistentTensors
{
    private const int PieceBytes = 64 << 10;

    /// <summary>Writes values under their names, with checksums, replacing the file atomically.</summary>
    public static void Save(SafetensorsWriter writer, string path, IReadOnlyList<Value> values, Executor executor)
    {
        foreach (Value value in values) writer.Declare(value.Name, TypeOf(value).DType, TypeOf(value).Shape);
        writer.Save(path, output =>
        {
            byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
            foreach (Value value in values)
            {
                for (long start = 0; start < value.Bytes; start += PieceBytes)
                {
                    Span<byte> part = piece.AsSpan(0, (int)Math.Min(PieceBytes, value.Bytes - start));
                    executor.ReadPersistent(value, start, part);
                    output.Write(value.Name, part);
                }
            }

            ArrayPool<byte>.Shared.Return(piece);
        });
    }

    /// <summary>Reads values by their names, after comparing checksums where the file has them.</summary>
    /// <exception cref="InvalidInputException">A value is missing or has another type or shape, or the file is damaged.</exception>
    public static void Load(SafetensorsReader reader, IEnumerable<Value> values, Executor executor)
    {
        Value[] wanted = [.. values];
        foreach (Value value in wanted) Check(reader, value);
        _ = reader.Verify();
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        foreach (Value value in wanted)
        {
            StoredTensor tensor = reader.Require(value.Name);
            for (long start = 0; start < value.Bytes; start += PieceBytes)
            {
                Span<byte> part = piece.AsSpan(0, (int)Math.Min(PieceBytes, value.Bytes - start));
                reader.Read(tensor, start, part);
                executor.WritePersistent(value, start, part);
            }
        }

        ArrayPool<byte>.Shared.Return(piece);
    }

    private static void Check(SafetensorsReader reader, Value value)
    {
        StoredTensor tensor = reader.Require(value.Name);
        (Shape shape, DType type, _) = TypeOf(value);
        if (tensor.DType == type && tensor.Shape == shape) return;
        throw new FileFormatException(reader.Path, $"{value.Name} is {tensor.DType}{tensor.Shape}, not {type}{shape}", "use the file with the model it was made for");
    }

    // The format has no names for types with blocks; their bytes it can hold.
    private static TensorType TypeOf(Value value) => value.DType.IsQuantized() ? new(new Shape(value.Bytes), DType.U8) : new(value.Shape, value.DType);
}
