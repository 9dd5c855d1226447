using Ration.Memory;
using Ration.Planning;

namespace Ration.Tests.Memory;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(1023L << 20, "1023 MiB")]
    [InlineData((1024L << 20) - (1 << 18), "1.0 GiB")]
    [InlineData((1024L << 20) - 1, "1.0 GiB")]
    [InlineData(1541L << 20, "1.5 GiB")]
    [InlineData((1L << 40) - 1, "1.0 TiB")]
    public void No_size_reads_as_1024_of_a_unit(long bytes, string text) => Assert.Equal(text, new ByteSize(bytes).ToString());

    [Theory]
    [InlineData((63L << 20) + 1, "64MiB")]
    [InlineData(1023L << 20, "1023MiB")]
    [InlineData((1023L << 20) + 1, "1GiB")]
    [InlineData((1L << 30) + 1, "1.01GiB")]
    [InlineData(13_888_000_001, "12.94GiB")]
    public void The_smallest_budget_is_written_as_it_can_be_given(long bytes, string text)
    {
        string words = MemoryBudgetException.Words(new ByteSize(bytes));
        Assert.Contains($"--memory {text} ({bytes} bytes)", words, StringComparison.Ordinal);
        Assert.True(ByteSize.Parse(text).Bytes >= bytes);
    }
}
