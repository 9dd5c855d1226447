using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Ration.Files;
using Ration.Files.BitsAndBytes;
using Ration.Files.Safetensors;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Files;

/// <summary>
/// Four-bit weights that bitsandbytes itself wrote (0.50.2.dev0 of commit 95f9af30, its CPU library: <c>quantize_4bit</c> in blocks of 64 and
/// <c>QuantState.as_dict(packed=True)</c>), with what its <c>dequantize_4bit</c> makes of them.
/// </summary>
public sealed class BitsAndBytesLibraryTests
{
    private const int Rows = 6, Columns = 64;

    public static TheoryData<string, DType> Kinds => new() { { "nf4", DType.NF4 }, { "fp4", DType.FP4 }, { "nf4-double", DType.NF4Double }, { "fp4-double", DType.FP4Double } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_the_library_wrote_is_read_as_it_reads_it(string kind, DType type)
    {
        using ITensorSource source = BitsAndBytesSource.Of(SafetensorsReader.Open(Golden));
        StoredTensor weight = source.Find($"{kind}.weight")!;
        Assert.Equal((type is DType.NF4 or DType.NF4Double ? DType.NF4 : DType.FP4, new Shape(Rows, Columns)), (weight.DType, weight.Shape));
        byte[] blocks = Read<byte>(source, weight.Name);
        float[] numbers = new float[Rows * Columns];
        TensorCodec.Decode(weight.DType, blocks, numbers);
        Assert.Equal(Read<float>(source, $"{kind}.expected"), numbers);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_written_is_what_the_library_wrote(string kind, DType type)
    {
        using SafetensorsReader golden = SafetensorsReader.Open(Golden);
        using TemporaryFolder folder = new();
        string name = $"{kind}.weight";
        FourBitOutput parts = new(name, new Shape(Rows, Columns), type, DType.F32);
        byte[] blocks = new byte[parts.Blocks.Bytes(Rows * (long)Columns)];
        TensorCodec.Encode(parts.Blocks, Read<float>(golden, "input"), blocks);
        SafetensorsWriter writer = new(checksums: false);
        foreach ((string part, DType of, Shape shape) in parts.Parts) writer.Declare(part, of, shape);
        writer.Save(folder["model.safetensors"], output =>
        {
            parts.Write(output, blocks);
            parts.Finish(output);
        });

        using SafetensorsReader written = SafetensorsReader.Open(folder["model.safetensors"]);
        StoredTensor[] expected = [.. golden.Tensors.Where(t => t.Name.StartsWith(name, StringComparison.Ordinal))];
        Assert.Equal(expected.Select(static t => t.Name).Order(StringComparer.Ordinal), written.Tensors.Select(static t => t.Name).Order(StringComparer.Ordinal));
        foreach (StoredTensor part in expected)
        {
            byte[] theirs = Read<byte>(golden, part.Name), ours = Read<byte>(written, part.Name);
            if (part.Name.Contains("quant_state", StringComparison.Ordinal))
            {
                Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(theirs).RootElement, JsonDocument.Parse(ours).RootElement), Encoding.UTF8.GetString(ours));
                continue;
            }

            StoredTensor own = written.Find(part.Name)!;
            Assert.Equal((part.Name, part.DType, part.Shape), (own.Name, own.DType, own.Shape));
            Assert.Equal(theirs, ours);
        }
    }

    private static string Golden => Path.Combine(AppContext.BaseDirectory, "Golden", "bitsandbytes.safetensors");

    private static T[] Read<T>(ITensorSource source, string name)
        where T : unmanaged
    {
        StoredTensor tensor = source.Find(name) ?? throw new InvalidOperationException(name);
        byte[] bytes = new byte[tensor.Bytes];
        source.Read(tensor, 0, bytes);
        return MemoryMarshal.Cast<byte, T>(bytes).ToArray();
    }
}
