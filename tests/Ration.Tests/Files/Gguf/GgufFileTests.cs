using System.Buffers.Binary;
using Ration.Files;
using Ration.Files.Gguf;
using Ration.Tensors;

namespace Ration.Tests.Files.Gguf;

public sealed class GgufFileTests
{
    private const uint F32 = 0, Q4_0 = 2, IQ4_NL = 20, I32 = 26;

    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    public void Every_kind_of_value_is_found_under_its_key(uint version)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.gguf", AllKinds(version));
        using GgufFile file = GgufFile.Open(path);
        GgufMetadata metadata = file.Metadata;
        Assert.Equal((int)version, file.Version);
        Assert.Equal(15, metadata.Entries.Count);
        Assert.Equal([200, -56, 65000, -536, int.MaxValue, -7], ((string[])["u8", "i8", "u16", "i16", "u32", "i32"]).Select(k => metadata.GetInt32(k, int.MinValue, int.MaxValue)));
        Assert.True(metadata.TryGetInt64("u64", 0, long.MaxValue, out long wide));
        Assert.Equal(1L << 40, wide);
        Assert.True(metadata.TryGetInt64("i64", long.MinValue, 0, out wide));
        Assert.Equal(-1L << 40, wide);
        Assert.Equal((1.5, -0.1), (metadata.GetReal("f32"), metadata.GetReal("f64")));
        Assert.True(metadata.GetBoolean("bool", false));
        Assert.Equal("zwölf", metadata.GetString("text"));
        Assert.Equal(["a", "", "ü"], metadata.GetStrings("strings"));
        Assert.True(metadata.TryGetInt32s("bytes", 0, 255, out int[]? bytes));
        Assert.Equal([1, 255], bytes);
        Assert.Equal(GgufType.Array, metadata.Find("nested")!.ElementType);
        Assert.Equal(2, metadata.Find("nested")!.Count);
        Assert.Null(metadata.Find("none"));
        Assert.Equal("3 × String", metadata.Describe("strings"));
        Assert.Equal("-7", metadata.Describe("i32"));
        Assert.Equal("1.5", metadata.Describe("f32"));
    }

    [Fact]
    public void A_look_up_of_another_type_or_out_of_range_is_a_fault_of_the_file()
    {
        using var folder = new TemporaryFolder();
        using GgufFile file = GgufFile.Open(folder.Write("a.gguf", AllKinds(3)));
        GgufMetadata metadata = file.Metadata;
        Fault("'text' is of type String, not a whole number", () => metadata.GetInt32("text", 0, 1));
        Fault("'u8' is 200, where 0 to 100 are allowed", () => metadata.GetInt32("u8", 0, 100));
        Fault("'bytes' holds 255 at 1, where 0 to 100", () => metadata.TryGetInt32s("bytes", 0, 100, out _));
        Fault("'u8' is of type UInt8, not a string", () => metadata.GetString("u8"));
        Fault("'u8' is of type UInt8, not a truth value", () => metadata.GetBoolean("u8", false));
        Fault("'u8' is of type UInt8, not a real number", () => metadata.GetReal("u8"));
        Fault("'u8' is of type UInt8, not an array of strings", () => metadata.GetStrings("u8"));
        Fault("'bytes' is an array of type UInt8, not of strings", () => metadata.GetStrings("bytes"));
        Fault("the metadata has no 'none'", () => metadata.GetString("none"));
        Assert.Equal(5, metadata.GetInt32("none", 0, 1, 5));
        Assert.False(metadata.TryGetSingles("none", out _));
    }

    [Fact]
    public void Tensors_have_their_sizes_outermost_first_and_their_own_bytes()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = new GgufBytes(4, 1).Number("general.alignment", 64)
            .Tensor("a", F32, 0, 3, 2).Tensor("q", Q4_0, 64, 64, 2).Tensor("odd", IQ4_NL, 192, 32).Tensor("ids", I32, 256, 1)
            .Align(64).Zeros(24).Align(64).Raw([.. Enumerable.Range(0, 72).Select(static i => (byte)i)]).Align(64).Zeros(18).Align(64).U32(9).Done();
        using GgufFile file = GgufFile.Open(folder.Write("a.gguf", bytes));
        Assert.Equal(64, file.Alignment);
        Assert.Equal(["a", "q", "ids"], file.Tensors.Select(static t => t.Name));
        Assert.Equal((new Shape(2, 3), DType.F32, 24L), (file.Tensors[0].Shape, file.Tensors[0].DType, file.Tensors[0].Bytes));
        StoredTensor q = file.Find("q")!;
        Assert.Equal((new Shape(2, 64), DType.Q4_0, 72L), (q.Shape, q.DType, q.Bytes));
        byte[] part = new byte[5];
        file.Read(q, 67, part);
        Assert.Equal([67, 68, 69, 70, 71], part);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(q, 68, part));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(q, -1, part));
        Assert.Null(file.Find("none"));
        Assert.Equal(new UnsupportedTensor("odd", "IQ4_NL", new Shape(32), 18), Assert.Single(file.Unsupported));
        Fault("tensor 'odd' is stored as IQ4_NL", () => file.Find("odd"));
    }

    [Fact]
    public void Real_vocabularies_open_at_once()
    {
        string folder = SharedData.Require("tokenizers");
        string[] files = Directory.GetFiles(folder, "*.gguf");
        Assert.NotEmpty(files);
        foreach (string path in files)
        {
            using GgufFile file = GgufFile.Open(path);
            GgufStrings tokens = file.Metadata.GetStrings("tokenizer.ggml.tokens");
            Assert.True(tokens.Count > 30_000);
            Assert.True(file.Metadata.TryGetInt32s("tokenizer.ggml.token_type", 0, 6, out int[]? types));
            Assert.Equal(tokens.Count, types.Length);
            Assert.All(file.Metadata.Entries, entry => Assert.NotEmpty(file.Metadata.Describe(entry.Key)));
        }
    }

    [Fact]
    public void A_large_vocabulary_opens_in_little_more_than_its_bytes()
    {
        using var folder = new TemporaryFolder();
        GgufBytes builder = new GgufBytes(0, 1).Array("tokenizer.ggml.tokens", GgufType.String, 256_000);
        for (int i = 0; i < 256_000; i++) builder.Text($"token{i}");
        byte[] bytes = builder.Done();
        string path = folder.Write("a.gguf", bytes);
        for (int round = 0; round < 2; round++)
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            using GgufFile file = GgufFile.Open(path);
            Assert.Equal("token255999", file.Metadata.GetStrings("tokenizer.ggml.tokens")[^1]);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, (3 * bytes.Length) + (2 << 20));
        }
    }

    internal static void Fault(string part, Action action)
    {
        FileFormatException error = Assert.Throws<FileFormatException>(action);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    private static byte[] AllKinds(uint version)
    {
        byte[] eight = new byte[8];
        GgufBytes builder = new GgufBytes(0, 15, version)
            .Entry("u8", GgufType.UInt8, 200).Entry("i8", GgufType.Int8, 200).Entry("u16", GgufType.UInt16, 0xE8, 0xFD)
            .Entry("i16", GgufType.Int16, 0xE8, 0xFD).Number("u32", int.MaxValue).Entry("i32", GgufType.Int32, 0xF9, 0xFF, 0xFF, 0xFF);
        BinaryPrimitives.WriteInt64LittleEndian(eight, 1L << 40);
        builder.Entry("u64", GgufType.UInt64, eight);
        BinaryPrimitives.WriteInt64LittleEndian(eight, -1L << 40);
        builder.Entry("i64", GgufType.Int64, eight);
        BinaryPrimitives.WriteDoubleLittleEndian(eight, -0.1);
        builder.Entry("f32", GgufType.Float32, 0, 0, 0xC0, 0x3F).Entry("f64", GgufType.Float64, eight);
        builder.Entry("bool", GgufType.Bool, 1).Entry("text", "zwölf");
        builder.Array("strings", GgufType.String, 3).Text("a").Text("").Text("ü");
        builder.Array("bytes", GgufType.UInt8, 2).Raw(1, 255);
        builder.Array("nested", GgufType.Array, 2).U32((uint)GgufType.UInt8).U64(1).Raw(7).U32((uint)GgufType.String).U64(1).Text("x");
        return builder.Done();
    }
}
