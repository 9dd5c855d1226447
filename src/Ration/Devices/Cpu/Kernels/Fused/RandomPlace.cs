namespace Ration.Devices.Cpu.Kernels;

/// <summary>Where the random numbers of an assignment are drawn from.</summary>
/// <param name="Seed">The key.</param>
/// <param name="Stream">The stream; number i of it belongs to element i.</param>
internal readonly record struct RandomPlace(ulong Seed, ulong Stream)
{
    /// <summary>The place of an update: the three highest bits keep clear of the streams of initial weights, of dropout and of quantized activations.</summary>
    /// <param name="seed">The key.</param>
    /// <param name="step">Number of the step, below 2⁴⁰.</param>
    /// <param name="site">Number of the assignment within a step, below 2²¹.</param>
    public static RandomPlace OfUpdate(ulong seed, ulong step, int site) => new(seed, (3UL << 62) | ((ulong)(uint)site << 40) | (step & ((1UL << 40) - 1)));
}
