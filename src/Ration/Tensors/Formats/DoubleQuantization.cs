namespace Ration.Tensors.Formats;

/// <summary>
/// Four-bit codes whose scales are quantized in turn (Dettmers et al. 2023, section 3), as bitsandbytes does with
/// <c>compress_statistics</c>: of the greatest magnitudes of blocks of 64 their mean is taken away, and what is left is stored by the
/// dynamic code in blocks of 256 with a greatest magnitude of their own. 4.127 bits an element.
/// <para>
/// A tensor of n elements, b = n / 64 blocks: n / 2 bytes of codes; ⌈b / 256⌉ F32 scales of scales; the F32 mean; b scale codes.
/// Blocks run through the whole tensor, so that a place in it is an element's number, and rows have no bytes of their own.
/// </para>
/// </summary>
internal static unsafe class DoubleQuantization
{
    /// <summary>Elements that share a scale.</summary>
    public const int BlockElements = 64;

    /// <summary>Scales that share a scale.</summary>
    public const int ScalesTogether = 256;

    /// <summary>Bytes of a tensor.</summary>
    /// <exception cref="ArgumentException">The elements are no whole number of blocks.</exception>
    /// <exception cref="OverflowException">The bytes pass 63 bits.</exception>
    public static long Bytes(long elements)
    {
        if (elements % BlockElements != 0)
            throw new ArgumentException($"{elements} elements are no whole blocks of {BlockElements}", nameof(elements));
        long blocks = elements / BlockElements;
        return checked((elements / 2) + (((blocks + ScalesTogether - 1) / ScalesTogether) * sizeof(float)) + sizeof(float) + blocks);
    }

    /// <summary>The parts of a tensor.</summary>
    public static Parts Locate(byte* tensor, nint elements)
    {
        nint blocks = elements / BlockElements, nested = (blocks + ScalesTogether - 1) / ScalesTogether;
        float* scales = (float*)(tensor + (elements / 2));
        return new Parts { Codes = tensor, NestedScales = scales, Mean = scales + nested, ScaleCodes = (byte*)(scales + nested + 1), Blocks = blocks };
    }

    /// <summary>Decodes whole blocks of a tensor.</summary>
    /// <param name="tensor">Its first byte.</param>
    /// <param name="elements">Elements of the whole tensor.</param>
    /// <param name="first">The first element wanted, a multiple of 64.</param>
    /// <param name="target">Receives them.</param>
    /// <param name="count">How many, a multiple of 64.</param>
    public static void Decode<TCode>(byte* tensor, nint elements, nint first, float* target, nint count)
        where TCode : struct, IFourBitCode
    {
        Parts parts = Locate(tensor, elements);
        nint block = first / BlockElements;
        byte* codes = parts.Codes + (first / 2);
        for (nint i = 0; i < count; i += BlockElements, block++, codes += BlockElements / 2)
            FourBit<TCode>.Decode(codes, parts.Scale(block), target + i, BlockElements);
    }

    /// <summary>Encodes a whole tensor.</summary>
    public static void Encode<TCode>(float* source, byte* tensor, nint elements)
        where TCode : struct, IFourBitCode
    {
        Parts parts = Locate(tensor, elements);
        double sum = 0;
        for (nint block = 0; block < parts.Blocks; block++)
            sum += FourBit<TCode>.Encode(source + (block * BlockElements), parts.Codes + (block * (BlockElements / 2)), BlockElements);
        *parts.Mean = (float)(sum / nint.Max(1, parts.Blocks));
        float* scales = stackalloc float[ScalesTogether];
        for (nint block = 0; block < parts.Blocks; block += ScalesTogether)
        {
            int together = (int)nint.Min(ScalesTogether, parts.Blocks - block);
            for (int i = 0; i < together; i++)
                scales[i] = BlockStatistics.GreatestMagnitude(source + ((block + i) * BlockElements), BlockElements);
            parts.NestedScales[block / ScalesTogether] = EncodeScales(scales, together, *parts.Mean, parts.ScaleCodes + block);
        }
    }

    /// <summary>Codes of at most 256 scales less their mean; returns the scale of these.</summary>
    public static float EncodeScales(float* scales, int count, float mean, byte* codes)
    {
        float greatest = 0;
        for (int i = 0; i < count; i++) greatest = float.MaxNumber(greatest, float.Abs(scales[i] - mean));
        float inverse = 1 / float.Max(greatest, 1e-38f);
        for (int i = 0; i < count; i++) codes[i] = DynamicMap.Nearest((scales[i] - mean) * inverse);
        return greatest;
    }

    /// <summary>Where the parts of a tensor lie.</summary>
    public readonly struct Parts
    {
        /// <summary>Two codes a byte.</summary>
        public byte* Codes { get; init; }

        /// <summary>A scale for each 256 scale codes.</summary>
        public float* NestedScales { get; init; }

        /// <summary>What is added to every scale.</summary>
        public float* Mean { get; init; }

        /// <summary>A byte of the dynamic code for each block.</summary>
        public byte* ScaleCodes { get; init; }

        /// <summary>Blocks of the tensor.</summary>
        public nint Blocks { get; init; }

        /// <summary>The scale of a block.</summary>
        public float Scale(nint block) => (DynamicMap.Value(ScaleCodes[block]) * NestedScales[block / ScalesTogether]) + *Mean;
    }
}
