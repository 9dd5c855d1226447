using Ration.Cli.Output;
using Ration.Tensors;

namespace Ration.Cli.Commands;

/// <summary>The ways of storing numbers by the words of the command line.</summary>
internal static class WeightFormats
{
    /// <summary>What weights in files can be.</summary>
    public static readonly (string Word, DType Type)[] Files =
    [
        ("f32", DType.F32), ("f16", DType.F16), ("bf16", DType.BF16), ("q8_0", DType.Q8_0), ("q6_k", DType.Q6_K), ("q5_k", DType.Q5_K), ("q5_1", DType.Q5_1),
        ("q5_0", DType.Q5_0), ("q4_k", DType.Q4_K), ("q4_1", DType.Q4_1), ("q4_0", DType.Q4_0), ("q3_k", DType.Q3_K), ("q2_k", DType.Q2_K), ("nf4", DType.NF4),
        ("fp4", DType.FP4), ("f8_e4m3", DType.F8E4M3), ("f8_e5m2", DType.F8E5M2),
    ];

    /// <summary>What matrices can become in another file: in a GGUF file or in a folder.</summary>
    public static readonly (string Word, DType Type)[] Conversions =
    [
        .. Files, ("nf4-double", DType.NF4Double), ("fp4-double", DType.FP4Double),
    ];

    /// <summary>What keys and values can be.</summary>
    public static readonly (string Word, DType Type)[] Caches = [("f32", DType.F32), ("f16", DType.F16), ("bf16", DType.BF16), ("q8_0", DType.Q8_0)];

    /// <summary>The words of some types, for messages.</summary>
    public static string Words(IEnumerable<DType> types) => string.Join(", ", types.Select(WordOf));

    /// <summary>The word of a type.</summary>
    public static string WordOf(DType type) => Conversions.FirstOrDefault(f => f.Type == type).Word ?? type.ToString();

    /// <summary>What is said of matrices that have another type than was asked for; null where there are none.</summary>
    /// <param name="type">What was asked for.</param>
    /// <param name="others">How many have which other type.</param>
    /// <param name="become">The verb before those.</param>
    public static string? NoteOf(DType type, IReadOnlyDictionary<DType, int> others, string become)
    {
        if (others.Count == 0) return null;
        string counts = string.Join(", ", others.Select(o => $"{Counted.Of(o.Value, "tensor")} {become} {WordOf(o.Key)}"));
        return $"note: {counts} instead of {WordOf(type)}, which has blocks of {type.BlockElements()} numbers: their rows are no whole blocks";
    }
}
