using System.Text.Json;
using Ration.Files.HuggingFace;
using Ration.Tensors;

namespace Ration.Files.BitsAndBytes;

/// <summary>One 4-bit weight of a checkpoint and the tensors that belong to it.</summary>
internal sealed class QuantizedWeight
{
    private const int BlockElements = 64, NestedBlock = 256, Codes = 256, StateLimit = 64 << 10;

    private QuantizedWeight(StoredTensor exposed, StoredTensor codes, StoredTensor scales) => (Exposed, Packed, Scales) = (exposed, codes, scales);

    /// <summary>The weight as NF4 or FP4 in our blocks.</summary>
    public StoredTensor Exposed { get; }

    /// <summary>U8: two codes a byte, blocks of 64 elements one after another.</summary>
    public StoredTensor Packed { get; }

    /// <summary>The greatest magnitude of each block: F32, or U8 where those are quantized again.</summary>
    public StoredTensor Scales { get; }

    /// <summary>F32: the greatest magnitude of each 256 quantized scales; null where scales are not quantized.</summary>
    public StoredTensor? NestedScales { get; private init; }

    /// <summary>What the codes of quantized scales mean.</summary>
    public float[] NestedMap { get; private init; } = [];

    /// <summary>Added to decoded scales.</summary>
    public float NestedOffset { get; private init; }

    /// <summary>How many scales share one of <see cref="NestedScales"/>.</summary>
    public static int NestedBlockScales => NestedBlock;

    /// <summary>Reads the description of a weight and checks that all belongs together.</summary>
    /// <param name="source">The files.</param>
    /// <param name="codes">The packed weight.</param>
    /// <param name="state">Its description, a JSON text in U8.</param>
    /// <param name="type">NF4 or FP4.</param>
    /// <exception cref="FileFormatException">Something is missing or does not fit.</exception>
    public static QuantizedWeight Read(ITensorSource source, StoredTensor codes, StoredTensor state, DType type)
    {
        if (state.Bytes > StateLimit) throw Fault(source, codes, "its description is too long");
        byte[] text = new byte[state.Bytes];
        source.Read(state, 0, text);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return Read(source, codes, new ConfigObject(source.Path, document.RootElement, $"{state.Name}."), type);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Fault(source, codes, "its description is not valid JSON");
        }
    }

    private static QuantizedWeight Read(ITensorSource source, StoredTensor codes, ConfigObject state, DType type)
    {
        int[] sizes = state.Integers("shape", 1, int.MaxValue);
        if (sizes.Length != 2 || sizes[1] % BlockElements != 0) throw Fault(source, codes, $"its rows are no whole blocks of {BlockElements}");
        if (state.Integer("blocksize", 1, 1 << 16) != BlockElements)
            throw state.Fault($"{codes.Name} has blocks of another size than {BlockElements}", $"quantize the model in blocks of {BlockElements}");
        Shape shape = new(sizes[0], sizes[1]);
        long blocks = shape.Elements / BlockElements;
        if (codes.DType != DType.U8 || codes.Bytes != shape.Elements / 2) throw Fault(source, codes, $"it has {codes.Bytes} bytes, not {shape.Elements / 2}");
        StoredTensor scales = Part(source, codes, "absmax");
        if (scales.Shape.Elements != blocks) throw Fault(source, codes, $"it has {scales.Shape.Elements} scales, not {blocks}");
        StoredTensor exposed = new(codes.Name, type, shape, codes.File, codes.Offset, type.Bytes(shape));
        if (scales.DType == DType.F32) return new QuantizedWeight(exposed, codes, scales);
        if (scales.DType != DType.U8) throw Fault(source, codes, $"its scales are {scales.DType}");
        if (state.Integer("nested_blocksize", 1, 1 << 16, NestedBlock) != NestedBlock) throw Fault(source, codes, $"its scales are quantized in blocks of another size than {NestedBlock}");
        StoredTensor nested = Part(source, codes, "nested_absmax"), map = Part(source, codes, "nested_quant_map");
        if (nested.DType != DType.F32 || nested.Shape.Elements != (blocks + NestedBlock - 1) / NestedBlock) throw Fault(source, codes, "the scales of its scales do not fit");
        if (map.DType != DType.F32 || map.Shape.Elements != Codes) throw Fault(source, codes, "the meanings of its scales' codes do not fit");
        float[] meanings = new float[Codes];
        source.Read(map, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(meanings.AsSpan()));
        return new QuantizedWeight(exposed, codes, scales)
        {
            NestedScales = nested,
            NestedMap = meanings,
            NestedOffset = (float)state.Real("nested_offset", -1e30, 1e30, 0),
        };
    }

    private static StoredTensor Part(ITensorSource source, StoredTensor codes, string part) =>
        source.Find($"{codes.Name}.{part}") ?? throw Fault(source, codes, $"its {part} is missing");

    private static FileFormatException Fault(ITensorSource source, StoredTensor codes, string what) =>
        new(source.Path, $"the 4-bit weight {InvalidInputException.Quote(codes.Name)} cannot be used: {what}", "quantize or download the model again");
}
