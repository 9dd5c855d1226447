using Ration.Tensors;

namespace Ration.Graphs.Elementwise;

/// <summary>
/// That one assigned value is rounded up or down by chance, with probabilities that make the stored number right on average. The chance is a
/// function of the key, the site and the element's number alone (Salmon et al. 2011), so it is the same on any number of threads.
/// </summary>
/// <param name="Target">The value.</param>
/// <param name="Key">I64 [2]: the seed and the number of the step.</param>
/// <param name="Site">Distinguishes the assignments of a step, below 2²¹.</param>
public sealed record StochasticRounding(Value Target, Value Key, int Site)
{
    /// <summary>Whether there is a way to round so to a type; F32 is not rounded at all.</summary>
    public static bool Supports(DType type) => type is DType.F32 or DType.BF16 or DType.Q8_0;
}
