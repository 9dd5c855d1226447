using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>How optimizer state is stored between steps.</summary>
public enum StateFormat
{
    /// <summary>As it is computed.</summary>
    F32,

    /// <summary>bfloat16, rounded to nearest.</summary>
    BF16,

    /// <summary>8 bits by block-wise dynamic quantization (Dettmers et al. 2022): <see cref="DType.Dynamic8"/> and <see cref="DType.DynamicUnsigned8"/>.</summary>
    EightBit,

    /// <summary>4 bits in blocks of 128 (Li et al. 2023): <see cref="DType.Dynamic4"/> and <see cref="DType.LinearUnsigned4"/>.</summary>
    FourBit,

    /// <summary>8-bit floats with dynamic range expansion (Xi et al. 2025): <see cref="DType.F8Expanded"/>.</summary>
    Float8,
}

/// <summary>Facts about <see cref="StateFormat"/>.</summary>
public static class StateFormatExtensions
{
    /// <summary>Tensors of fewer elements stay in F32: they save next to nothing.</summary>
    public const long LeastElements = 4096;

    /// <summary>The word for it on the command line and in files.</summary>
    public static string Name(this StateFormat format) => format switch
    {
        StateFormat.F32 => "f32",
        StateFormat.BF16 => "bf16",
        StateFormat.EightBit => "8bit",
        StateFormat.FourBit => "4bit",
        StateFormat.Float8 => "fp8",
        _ => throw Unknown(format),
    };

    /// <summary>The storage of a piece of state.</summary>
    /// <param name="format">What is asked for.</param>
    /// <param name="state">The state, in F32.</param>
    /// <param name="isOfTable">Whether it belongs to an embedding table, whose state stays in F32 beside 8 bits: rows of rare
    /// tokens differ too much (Dettmers et al. 2022, section 2.3). The authors of 4 bits make no exception.</param>
    public static DType TypeOf(this StateFormat format, Value state, bool isOfTable)
    {
        DType type = format switch
        {
            StateFormat.F32 => DType.F32,
            StateFormat.BF16 => DType.BF16,
            StateFormat.EightBit => state.IsNonNegative ? DType.DynamicUnsigned8 : DType.Dynamic8,
            StateFormat.FourBit => state.IsNonNegative ? DType.LinearUnsigned4 : DType.Dynamic4,
            StateFormat.Float8 => DType.F8Expanded,
            _ => throw Unknown(format),
        };
        bool stays = state.Shape.Elements < LeastElements || (isOfTable && format is StateFormat.EightBit or StateFormat.Float8) || !type.CanStore(state.Shape);
        return stays ? DType.F32 : type;
    }

    private static ArgumentOutOfRangeException Unknown(StateFormat format) => new(nameof(format), format, "unknown format of optimizer state");
}
