using Ration.Tensors;

namespace Ration.Files.GgufModels;

/// <summary>How each tensor of a GGUF file is stored when its matrices are wanted in one type.</summary>
internal static class GgufStorage
{
    /// <summary>
    /// Vectors, routers and learned places stay as they are precise; matrices have the type, or where their rows are no whole blocks of it the
    /// nearest one with smaller blocks, as llama.cpp's quantizer chooses.
    /// </summary>
    /// <param name="tensor">The tensor's name in the file.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="wanted">The type for matrices.</param>
    public static DType Of(string tensor, Shape shape, DType wanted)
    {
        if (shape.Rank < 2 || tensor.Contains("ffn_gate_inp", StringComparison.Ordinal) || tensor.StartsWith("position_embd", StringComparison.Ordinal)) return DType.F32;
        if (wanted.CanStore(shape)) return wanted;
        DType smaller = wanted switch
        {
            DType.Q2_K or DType.Q3_K => DType.Q4_0,
            DType.Q4_K => DType.Q5_0,
            DType.Q5_K => DType.Q5_1,
            DType.Q6_K => DType.Q8_0,
            _ => DType.F16,
        };
        return smaller.CanStore(shape) ? smaller : DType.F16;
    }
}
