using Ration.Devices.Cpu.Kernels;

namespace Ration.Inference.Sampling;

/// <summary>Divides scores by a temperature: below 1 the likely become likelier, above 1 all become more alike (Ackley et al. 1985).</summary>
/// <param name="temperature">Above 0.</param>
public sealed unsafe class Temperature(float temperature) : ISamplingStep
{
    /// <inheritdoc/>
    public void Apply(Candidates candidates)
    {
        if (temperature == 1) return;
        Span<float> all = candidates.Scores;

        // From the greatest, so that a very small temperature cannot carry scores to infinity on both sides.
        float greatest = candidates.Greatest();
        if (float.IsNegativeInfinity(greatest)) return;
        fixed (float* scores = all)
        {
            ElementwiseLoops.BinaryScalar<Subtract>(scores, greatest, scores, all.Length);
            ElementwiseLoops.BinaryScalar<Divide>(scores, temperature, scores, all.Length);
        }
    }
}
