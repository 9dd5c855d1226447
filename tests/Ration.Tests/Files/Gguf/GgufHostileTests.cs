using Ration.Files;
using Ration.Files.Gguf;

namespace Ration.Tests.Files.Gguf;

public sealed class GgufHostileTests
{
    public static TheoryData<string, byte[]> Faults()
    {
        static GgufBytes Two() => new GgufBytes(2).Tensor("a", 0, 0, 4).Tensor("b", 0, 32, 4);
        static GgufBytes One(uint type, ulong offset, params ReadOnlySpan<ulong> sizes) => new GgufBytes(1).Tensor("a", type, offset, sizes).Align().Zeros(64);
        GgufBytes deep = new GgufBytes(0, 1).Array("k", GgufType.Array, 1);
        for (int i = 0; i < 10; i++) deep.U32((uint)GgufType.Array).U64(1);
        return new()
        {
            { "only 23 bytes", new byte[23] },
            { "begins with the bytes 47 47 4a 54, not with GGUF", [.. "GGJT"u8, .. new byte[30]] },
            { "GGUF version 1 ", new GgufBytes(version: 1).Done() },
            { "GGUF version 4", new GgufBytes(version: 4).Done() },
            { "big-endian", new GgufBytes(version: 3u << 24).Done() },
            { "claims version 0", new GgufBytes(version: 0).Done() },
            { $"claims {ulong.MaxValue} tensors", new GgufBytes(ulong.MaxValue).Done() },
            { $"claims {ulong.MaxValue} metadata entries", new GgufBytes(0, ulong.MaxValue).Done() },
            { "more than 4 deep", deep.Zeros(50).Done() },
            { "claims 100 elements in 'k'", new GgufBytes(0, 1).Array("k", GgufType.String, 100).Zeros(700).Done() },
            { $"claims {long.MaxValue} elements", new GgufBytes(0, 1).Array("k", GgufType.UInt64, long.MaxValue).Done() },
            { "a string claims 9 bytes", new GgufBytes(0, 1).Entry("k", GgufType.String).U64(9).Zeros(8).Done() },
            { $"a string claims {ulong.MaxValue} bytes", new GgufBytes(0, 1).Entry("k", GgufType.String).U64(ulong.MaxValue).Zeros(8).Done() },
            { "unknown type 13", new GgufBytes(0, 1).Entry("k", (GgufType)13).U64(9).Done() },
            { "unknown type 13", new GgufBytes(0, 1).Array("k", (GgufType)13, 0).Done() },
            { "the key of a metadata entry has 0 bytes", new GgufBytes(0, 1).Number("", 7).Done() },
            { "is not valid UTF-8", new GgufBytes(0, 1).U64(2).Raw(0xC3, 0x28).U32(0).Raw(1, 2, 3, 4).Done() },
            { "two metadata entries are named 'k'", new GgufBytes(0, 2).Number("k", 1).Number("k", 1).Done() },
            { "'general.alignment' is 0", new GgufBytes(0, 1).Number("general.alignment", 0).Done() },
            { "no power of two", new GgufBytes(0, 1).Number("general.alignment", 24).Done() },
            { "claims 5 dimensions", One(0, 0, 1, 1, 1, 1, 1).Done() },
            { "63 bits", One(0, 0, 1UL << 40, 1UL << 40).Done() },
            { "claims the size 18446744073709551615", One(0, 0, ulong.MaxValue).Done() },
            { "bytes in a file of", One(0, 0, long.MaxValue).Done() },
            { "bytes in a file of", One(20, 0, 32, 1UL << 56).Done() },
            { "multiples of 32", One(2, 0, 33).Done() },
            { "multiples of 256", One(16, 0, 32).Done() },
            { "no multiple of 32", One(0, 4, 4).Done() },
            { "beyond the end", One(0, 64, 4).Done() },
            { "beyond the end", One(0, 1UL << 63, 4).Done() },
            { "two tensors are named 'a'", new GgufBytes(2).Tensor("a", 0, 0, 4).Tensor("a", 0, 32, 4).Align().Zeros(64).Done() },
            { "'b' overlaps 'a'", new GgufBytes(2).Tensor("a", 0, 0, 9).Tensor("b", 0, 32, 4).Align().Zeros(64).Done() },
            { "beyond the end", Two().Align().Zeros(47).Done() },
        };
    }

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public void A_fault_has_one_clear_error(string part, byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.gguf", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        FileFormatException error = Assert.Throws<FileFormatException>(() => GgufFile.Open(path));
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.Equal(path, error.Path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
    }

    [Fact]
    public void Keys_have_no_more_bytes_than_any_model_needs()
    {
        using var folder = new TemporaryFolder();
        const int Keys = 1025, Bytes = 8192;
        GgufBytes builder = new(0, Keys);
        for (int i = 0; i < Keys; i++) builder.Entry($"{i}".PadLeft(Bytes, 'k'), GgufType.UInt8, 1);
        string path = folder.Write("a.gguf", builder.Done());
        GgufFileTests.Fault("have more than 8388608 bytes together", () => GgufFile.Open(path));
    }

    [Fact]
    public void A_text_longer_than_any_is_described_and_not_read()
    {
        using var folder = new TemporaryFolder();
        byte[] head = new GgufBytes(0, 1).Entry("text", GgufType.String).U64(17 << 20).Done();
        string path = folder.Write("a.gguf", head);
        using (FileStream stream = File.OpenWrite(path)) stream.SetLength(head.Length + (17 << 20));
        using GgufFile file = GgufFile.Open(path);
        Assert.Equal("(a text of 17825792 bytes)", file.Metadata.Describe("text"));
        GgufFileTests.Fault("'text' is a text of 17825792 bytes", () => file.Metadata.GetString("text"));
    }

    [Fact]
    public void Types_that_nobody_knows_are_listed_and_not_read()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.gguf", new GgufBytes(1).Tensor("a", 999, 0, 7).Align().Zeros(7).Done());
        using GgufFile file = GgufFile.Open(path);
        Assert.Empty(file.Tensors);
        Assert.Equal("type 999", Assert.Single(file.Unsupported).Type);
        GgufFileTests.Fault("type 999", () => file.Find("a"));
    }

    [Fact]
    public void A_cut_anywhere_is_found()
    {
        using var folder = new TemporaryFolder();
        byte[] good = new GgufBytes(1, 2).Array("k", GgufType.String, 2).Text("ab").Text("").Entry("n", "é").Tensor("a", 0, 0, 4).Align().Zeros(16).Done();
        using (GgufFile.Open(folder.Write("a.gguf", good))) { }
        for (int length = 1; length < good.Length; length++)
        {
            string path = folder.Write("a.gguf", good[..length]);
            Assert.Throws<FileFormatException>(() => GgufFile.Open(path));
        }
    }

    [Fact]
    public void Text_that_is_not_UTF_8_is_a_fault_only_where_text_is_needed()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = new GgufBytes(0, 2).Entry("k", GgufType.String).U64(1).Raw(0xFF).Array("s", GgufType.String, 1).U64(2).Raw(0xFF, 0x41).Done();
        using GgufFile file = GgufFile.Open(folder.Write("a.gguf", bytes));
        GgufFileTests.Fault("'k' is not valid UTF-8", () => file.Metadata.GetString("k"));
        GgufStrings strings = file.Metadata.GetStrings("s");
        Assert.Equal([0xFF, 0x41], strings.Utf8(0).ToArray());
        Assert.Equal("\uFFFDA", strings[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => strings.Utf8(1).Length);
    }
}
