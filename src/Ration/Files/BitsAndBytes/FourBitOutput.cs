using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Files.BitsAndBytes;

/// <summary>Writes one matrix as bitsandbytes saves 4-bit weights (bitsandbytes, <c>functional.py</c>, <c>QuantState.as_dict</c>): packed codes, scales, what codes mean, and a description.</summary>
/// <param name="name">The tensor.</param>
/// <param name="shape">Its shape.</param>
/// <param name="type">NF4 or FP4, or one of them with scales that are quantized in turn.</param>
/// <param name="original">What the weights were, and what they are dequantized to: F32, BF16 or F16.</param>
internal sealed class FourBitOutput(string name, Shape shape, DType type, DType original)
{
    // Room for any number in the description, whose length must be known before its content.
    private const int LongestNumber = 26;
    private readonly bool _nested = type is DType.NF4Double or DType.FP4Double;
    private readonly int _blocks = checked((int)(shape.Elements / BlockElements));
    private float[] _scales = [];
    private int _done;

    /// <summary>Elements that share a scale.</summary>
    public const int BlockElements = 64;

    /// <summary>Whether a type is one that is written so.</summary>
    public static bool Holds(DType type) => type is DType.NF4 or DType.FP4 or DType.NF4Double or DType.FP4Double;

    /// <summary>The blocks that are split into codes and scales.</summary>
    public DType Blocks { get; } = type is DType.NF4 or DType.NF4Double ? DType.NF4 : DType.FP4;

    /// <summary>The tensors of the file.</summary>
    public IEnumerable<(string Name, DType Type, Shape Shape)> Parts
    {
        get
        {
            yield return (name, DType.U8, new Shape(shape.Elements / 2, 1));
            yield return (name + ".absmax", _nested ? DType.U8 : DType.F32, new Shape(_blocks));
            yield return (name + ".quant_map", DType.F32, new Shape(16));
            if (_nested)
            {
                yield return (name + ".nested_absmax", DType.F32, new Shape(NestedScales));
                yield return (name + ".nested_quant_map", DType.F32, new Shape(256));
            }

            yield return (StateName, DType.U8, new Shape(Describe(0).Length));
        }
    }

    private int NestedScales => (_blocks + 255) / 256;

    private string Kind => Blocks == DType.NF4 ? "nf4" : "fp4";

    private string StateName => $"{name}.quant_state.bitsandbytes__{Kind}";

    /// <summary>Takes the next whole blocks.</summary>
    /// <returns>How many bytes went into the file.</returns>
    public int Write(TensorOutput output, ReadOnlySpan<byte> blocks)
    {
        if (_done == 0) _scales = new float[_blocks];
        int block = Blocks.BlockBytes(), codes = block - sizeof(float), count = blocks.Length / block;
        byte[] packed = new byte[count * codes];
        for (int i = 0; i < count; i++)
        {
            _scales[_done++] = MemoryMarshal.Read<float>(blocks[(i * block)..]);
            blocks.Slice((i * block) + sizeof(float), codes).CopyTo(packed.AsSpan(i * codes));
        }

        output.Write(name, packed);
        return packed.Length;
    }

    /// <summary>Writes the other parts, when all blocks were taken.</summary>
    public void Finish(TensorOutput output)
    {
        output.Write(name + ".quant_map", MemoryMarshal.AsBytes<float>(QuantMap()));
        if (!_nested)
        {
            output.Write(name + ".absmax", MemoryMarshal.AsBytes<float>(_scales));
            output.Write(StateName, Describe(0));
            return;
        }

        byte[] codes = new byte[_scales.Length];
        float[] nested = new float[NestedScales];
        float mean = FourBitBlocks.EncodeScales(_scales, codes, nested);
        output.Write(name + ".absmax", codes);
        output.Write(name + ".nested_absmax", MemoryMarshal.AsBytes<float>(nested));
        output.Write(name + ".nested_quant_map", MemoryMarshal.AsBytes(FourBitBlocks.ScaleValues));
        output.Write(StateName, Describe(mean));
    }

    // The library's table has no negative zero, which FP4's ninth code decodes to.
    private float[] QuantMap()
    {
        float[] values = FourBitBlocks.Values(Blocks).ToArray();
        for (int i = 0; i < values.Length; i++) values[i] = values[i] == 0 ? 0 : values[i];
        return values;
    }

    // JSON may end in spaces.
    private byte[] Describe(float mean)
    {
        string number = ((double)mean).ToString("R", CultureInfo.InvariantCulture);
        string more = _nested ? $", \"nested_blocksize\": 256, \"nested_dtype\": \"float32\", \"nested_offset\": {number}" : "";
        string dtype = HuggingFace.HuggingFaceConfigWriter.NameOf(original);
        string text = $"{{\"quant_type\": \"{Kind}\", \"blocksize\": {BlockElements}, \"dtype\": \"{dtype}\", \"shape\": [{shape[0]}, {shape[1]}]{more}}}";
        return Encoding.UTF8.GetBytes(_nested ? text.PadRight(text.Length - number.Length + LongestNumber) : text);
    }
}
