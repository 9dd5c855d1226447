using System.Collections.Frozen;
using Ration.Tensors;

namespace Ration.Files.Gguf;

/// <summary>How tensors are stored, by ggml's numbers (ggml.h, <c>enum ggml_type</c>).</summary>
/// <param name="Number">The number in files.</param>
/// <param name="Name">ggml's name.</param>
/// <param name="BlockElements">Elements of a block.</param>
/// <param name="BlockBytes">Bytes of a block; 0 where it is not known.</param>
/// <param name="DType">The same here, or null for a type that is not read.</param>
internal sealed record GgufTensorType(uint Number, string Name, int BlockElements, int BlockBytes, DType? DType)
{
    private static readonly FrozenDictionary<uint, GgufTensorType> s_byNumber = All().ToFrozenDictionary(static t => t.Number);

    /// <summary>The type of a number; one of unknown size if ggml had none when this was written.</summary>
    public static GgufTensorType Of(uint number) =>
        s_byNumber.TryGetValue(number, out GgufTensorType? type) ? type : new GgufTensorType(number, $"type {number}", 1, 0, null);

    /// <summary>The number of a type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The format has none.</exception>
    public static uint NumberOf(DType type)
    {
        foreach (GgufTensorType candidate in s_byNumber.Values)
        {
            if (candidate.DType == type) return candidate.Number;
        }

        throw new ArgumentOutOfRangeException(nameof(type), type, "GGUF has no such element type");
    }

    private static IEnumerable<GgufTensorType> All()
    {
        (uint Number, DType Type)[] read =
        [
            (0, Tensors.DType.F32), (1, Tensors.DType.F16), (2, Tensors.DType.Q4_0), (3, Tensors.DType.Q4_1), (6, Tensors.DType.Q5_0),
            (7, Tensors.DType.Q5_1), (8, Tensors.DType.Q8_0), (10, Tensors.DType.Q2_K), (11, Tensors.DType.Q3_K), (12, Tensors.DType.Q4_K),
            (13, Tensors.DType.Q5_K), (14, Tensors.DType.Q6_K), (24, Tensors.DType.I8), (25, Tensors.DType.I16), (26, Tensors.DType.I32),
            (27, Tensors.DType.I64), (28, Tensors.DType.F64), (30, Tensors.DType.BF16),
        ];
        foreach ((uint number, DType type) in read)
            yield return new GgufTensorType(number, type.ToString(), type.BlockElements(), type.BlockBytes(), type);

        (uint Number, string Name, int Elements, int Bytes)[] others =
        [
            (9, "Q8_1", 32, 36), (15, "Q8_K", 256, 292), (16, "IQ2_XXS", 256, 66), (17, "IQ2_XS", 256, 74), (18, "IQ3_XXS", 256, 98),
            (19, "IQ1_S", 256, 50), (20, "IQ4_NL", 32, 18), (21, "IQ3_S", 256, 110), (22, "IQ2_S", 256, 82), (23, "IQ4_XS", 256, 136),
            (29, "IQ1_M", 256, 56), (34, "TQ1_0", 256, 54), (35, "TQ2_0", 256, 66), (39, "MXFP4", 32, 17),
            (4, "Q4_2", 1, 0), (5, "Q4_3", 1, 0), (31, "Q4_0_4_4", 1, 0), (32, "Q4_0_4_8", 1, 0), (33, "Q4_0_8_8", 1, 0),
            (36, "IQ4_NL_4_4", 1, 0), (37, "IQ4_NL_4_8", 1, 0), (38, "IQ4_NL_8_8", 1, 0),
        ];
        foreach ((uint number, string name, int elements, int bytes) in others) yield return new GgufTensorType(number, name, elements, bytes, null);
    }
}
