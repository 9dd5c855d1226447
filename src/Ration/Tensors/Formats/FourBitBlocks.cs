namespace Ration.Tensors.Formats;

/// <summary>
/// Four-bit tensors as bitsandbytes keeps them, codes and scales apart, with any of its block sizes: what a reader of its checkpoints and a
/// writer of them need.
/// </summary>
public static unsafe class FourBitBlocks
{
    /// <summary>Decodes a tensor; the last block may be shorter.</summary>
    /// <param name="type">NF4 or FP4.</param>
    /// <param name="codes">Two elements a byte, the first in the high half.</param>
    /// <param name="scales">The greatest magnitude of each block.</param>
    /// <param name="blockElements">32, 64, 128 … 4096.</param>
    /// <param name="target">The elements, an even number; a multiple of 32.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together, or the type is another.</exception>
    public static void Decode(DType type, ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, int blockElements, Span<float> target)
    {
        Check(type, target.Length, codes.Length, scales.Length, blockElements);
        fixed (byte* from = codes)
        fixed (float* to = target)
        {
            for (int i = 0; i < target.Length; i += blockElements)
            {
                int count = int.Min(blockElements, target.Length - i);
                float scale = scales[i / blockElements];
                if (type == DType.NF4) FourBit<NormalFloatCode>.Decode(from + (i / 2), scale, to + i, count);
                else FourBit<FourBitFloatCode>.Decode(from + (i / 2), scale, to + i, count);
            }
        }
    }

    /// <summary>Encodes a tensor; the last block may be shorter.</summary>
    /// <inheritdoc cref="Decode"/>
    public static void Encode(DType type, ReadOnlySpan<float> source, int blockElements, Span<byte> codes, Span<float> scales)
    {
        Check(type, source.Length, codes.Length, scales.Length, blockElements);
        fixed (float* from = source)
        fixed (byte* to = codes)
        {
            for (int i = 0; i < source.Length; i += blockElements)
            {
                int count = int.Min(blockElements, source.Length - i);
                scales[i / blockElements] = type == DType.NF4
                    ? FourBit<NormalFloatCode>.Encode(from + i, to + (i / 2), count)
                    : FourBit<FourBitFloatCode>.Encode(from + i, to + (i / 2), count);
            }
        }
    }

    /// <summary>Decodes scales that are quantized in turn: value of the dynamic code · scale of 256 scales + mean.</summary>
    /// <param name="codes">A byte for each block.</param>
    /// <param name="nestedScales">A scale for each 256 of them.</param>
    /// <param name="mean">What was taken away from every scale (bitsandbytes' offset).</param>
    /// <param name="scales">As many as codes.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void DecodeScales(ReadOnlySpan<byte> codes, ReadOnlySpan<float> nestedScales, float mean, Span<float> scales)
    {
        const int Together = DoubleQuantization.ScalesTogether;
        if (scales.Length != codes.Length || nestedScales.Length != (codes.Length + Together - 1) / Together)
            throw new ArgumentException($"{codes.Length} scale codes with {nestedScales.Length} scales give no {scales.Length} scales");
        for (int i = 0; i < codes.Length; i++) scales[i] = (DynamicMap.Value(codes[i]) * nestedScales[i / Together]) + mean;
    }

    /// <summary>Encodes scales: takes their mean away and stores what is left in the dynamic code.</summary>
    /// <param name="scales">One for each block of the tensor.</param>
    /// <param name="codes">As many.</param>
    /// <param name="nestedScales">A scale for each 256 of them.</param>
    /// <returns>The mean.</returns>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static float EncodeScales(ReadOnlySpan<float> scales, Span<byte> codes, Span<float> nestedScales)
    {
        const int Together = DoubleQuantization.ScalesTogether;
        if (scales.Length != codes.Length || nestedScales.Length != (codes.Length + Together - 1) / Together)
            throw new ArgumentException($"{scales.Length} scales do not become {codes.Length} codes with {nestedScales.Length} scales");
        double sum = 0;
        foreach (float scale in scales) sum += scale;
        float mean = (float)(sum / int.Max(1, scales.Length));
        fixed (float* from = scales)
        fixed (byte* to = codes)
        {
            for (int i = 0; i < scales.Length; i += Together)
                nestedScales[i / Together] = DoubleQuantization.EncodeScales(from + i, int.Min(Together, scales.Length - i), mean, to + i);
        }

        return mean;
    }

    /// <summary>What the sixteen codes mean, as a share of the greatest magnitude (bitsandbytes' <c>quant_map</c>).</summary>
    /// <param name="type">NF4 or FP4.</param>
    public static ReadOnlySpan<float> Values(DType type) => new(type == DType.NF4 ? NormalFloatCode.Values : FourBitFloatCode.Values, 16);

    /// <summary>What the 256 codes of scales mean (bitsandbytes' <c>nested_quant_map</c>).</summary>
    public static ReadOnlySpan<float> ScaleValues => DynamicMap.Values;

    private static void Check(DType type, int elements, int codes, int scales, int blockElements)
    {
        if (type is not (DType.NF4 or DType.FP4)) throw new ArgumentException($"{type} is no four-bit code", nameof(type));
        if (blockElements is < 32 or > 4096 || !int.IsPow2(blockElements))
            throw new ArgumentException($"blocks have 32, 64 … 4096 elements, not {blockElements}", nameof(blockElements));
        if (elements % 32 != 0 || codes != elements / 2 || scales != (elements + blockElements - 1) / blockElements)
            throw new ArgumentException($"{elements} elements in blocks of {blockElements} do not have {codes} bytes of codes and {scales} scales");
    }
}
