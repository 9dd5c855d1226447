using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>How the matrices of a model are held while it is trained. Vectors (gains, biases) are always F32, and so are gradients.</summary>
public enum WeightFormat
{
    /// <summary>As they are computed.</summary>
    F32,

    /// <summary>bfloat16, updates rounded stochastically, so that small ones count on average (Gupta et al. 2015; Zamirai et al. 2020).</summary>
    BF16,

    /// <summary>bfloat16 with a second bfloat16 that holds what rounding has left over (Kahan 1965; Zamirai et al. 2020).</summary>
    CompensatedBF16,

    /// <summary>8-bit integers in blocks of 32 (<see cref="DType.Q8_0"/>), updates rounded stochastically (Zhang et al. 2024, "Q-GaLore", with blocks of 256 there).</summary>
    Int8,
}

/// <summary>Facts about <see cref="WeightFormat"/>.</summary>
public static class WeightFormatExtensions
{
    /// <summary>The word for it on the command line and in files.</summary>
    public static string Name(this WeightFormat format) => format switch
    {
        WeightFormat.F32 => "f32",
        WeightFormat.BF16 => "bf16",
        WeightFormat.CompensatedBF16 => "bf16-kahan",
        WeightFormat.Int8 => "int8",
        _ => throw Unknown(format),
    };

    /// <summary>Whether updates are rounded up or down by chance.</summary>
    public static bool IsStochastic(this WeightFormat format) => format is WeightFormat.BF16 or WeightFormat.Int8;

    /// <summary>The storage of a weight; rows that are no whole blocks stay in F32.</summary>
    public static DType TypeOf(this WeightFormat format, Shape shape)
    {
        DType type = format switch
        {
            WeightFormat.F32 => DType.F32,
            WeightFormat.BF16 or WeightFormat.CompensatedBF16 => DType.BF16,
            WeightFormat.Int8 => DType.Q8_0,
            _ => throw Unknown(format),
        };
        return shape.Rank >= 2 && type.CanStore(shape) ? type : DType.F32;
    }

    private static ArgumentOutOfRangeException Unknown(WeightFormat format) => new(nameof(format), format, "unknown format of weights");
}
