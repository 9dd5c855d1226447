namespace Ration.Planning;

/// <summary>
/// What a machine does in a second. Where kinds of operations have been measured one by one, their times are taken; all others follow from two
/// rates.
/// </summary>
/// <param name="Flops">Floating-point operations of large matrix products.</param>
/// <param name="BytesPerSecond">Bytes read or written by streaming operations.</param>
/// <param name="SecondsPerNode">Cost of starting an operation.</param>
public sealed record MachineRates(double Flops, double BytesPerSecond, double SecondsPerNode)
{
    /// <summary>
    /// Typical of a current core, for ranking plans where nothing has been measured: what is chosen must not depend on how busy the machine
    /// happens to be, or a run could not be repeated bit for bit.
    /// </summary>
    public static MachineRates Nominal => new(100e9, 15e9, 2e-6);

    /// <summary>Bytes of weights read a second from files; where they are no longer in the system's cache, a solid-state disk's.</summary>
    public double StorageBytesPerSecond { get; init; } = 1e9;

    /// <summary>Times that were measured, by <see cref="CostModel.ClassOf"/>.</summary>
    public IReadOnlyDictionary<string, WorkTimes> Measured { get; init; } = new Dictionary<string, WorkTimes>();
}
