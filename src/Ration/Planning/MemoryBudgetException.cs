using System.Globalization;
using Ration.Memory;

namespace Ration.Planning;

/// <summary>No plan fits the budget, so nothing was started.</summary>
public sealed class MemoryBudgetException : Exception
{
    /// <summary>A refusal that names the smallest budget that would do.</summary>
    /// <param name="message">One line for people.</param>
    /// <param name="budget">What there was.</param>
    /// <param name="smallest">The smallest budget that fits the job as it is.</param>
    public MemoryBudgetException(string message, ByteSize budget, ByteSize smallest)
        : base(message) => (Budget, Smallest) = (budget, smallest);

    /// <summary>The budget that nothing fits.</summary>
    public ByteSize Budget { get; }

    /// <summary>The smallest budget that fits the job as it is.</summary>
    public ByteSize Smallest { get; }

    /// <summary>The smallest budget in words: what to write, rounded up, and to the byte.</summary>
    public static string Words(ByteSize smallest)
    {
        long mebibytes = (smallest.Bytes + (1 << 20) - 1) >> 20;
        string size = mebibytes < 1024 ? $"{mebibytes}MiB" : string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(100m * smallest.Bytes / (1L << 30)) / 100:0.##}GiB");
        return $"the smallest budget that fits is --memory {size} ({smallest.Bytes} bytes)";
    }
}
