using Ration.Memory;

namespace Ration.Cli.Output;

/// <summary>What a run took, beside what was planned for it.</summary>
internal static class PeakMemory
{
    /// <summary>Such as <c>peak memory 50 MiB, planned 58 MiB</c>.</summary>
    public static string Words(long plannedBytes) => $"peak memory {new ByteSize(MeasuredMemory.PeakResidentBytes())}, planned {new ByteSize(plannedBytes)}";

    /// <summary>Both as members of a result, after the budget.</summary>
    public static void Write(JsonObject json, long budgetBytes, long plannedBytes)
    {
        json.Number("budgetBytes", budgetBytes);
        json.Number("plannedPeakBytes", plannedBytes);
        json.Number("measuredPeakBytes", MeasuredMemory.PeakResidentBytes());
    }
}
