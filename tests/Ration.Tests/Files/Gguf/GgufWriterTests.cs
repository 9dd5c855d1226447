using Ration.Files;
using Ration.Files.Gguf;
using Ration.Tensors;

namespace Ration.Tests.Files.Gguf;

public sealed class GgufWriterTests
{
    private static readonly (string Name, DType Type, Shape Shape)[] s_tensors =
    [
        ("a", DType.F32, new Shape(3, 5)), ("q8", DType.Q8_0, new Shape(2, 64)), ("k", DType.Q4_K, new Shape(256)), ("scalar", DType.F16, Shape.Scalar),
        ("none", DType.BF16, new Shape(0, 7)), ("ids", DType.I32, new Shape(2, 3, 5, 7)), ("six", DType.Q6_K, new Shape(3, 256)),
    ];

    [Theory]
    [InlineData(32)]
    [InlineData(8)]
    [InlineData(4096)]
    public void Everything_written_is_read_back(int alignment)
    {
        using var folder = new TemporaryFolder();
        GgufWriter writer = Writer(alignment);
        writer.Save(folder["a.gguf"], Fill);
        writer.Save(folder["b.gguf"], Fill);
        Assert.Equal(File.ReadAllBytes(folder["a.gguf"]), File.ReadAllBytes(folder["b.gguf"]));
        Assert.Equal(writer.FileBytes, new FileInfo(folder["a.gguf"]).Length);
        using GgufFile file = GgufFile.Open(folder["a.gguf"]);
        Assert.Equal(alignment, file.Alignment);
        CheckMetadata(file.Metadata);
        CheckTensors(file);
        Assert.All(file.Tensors, t => Assert.Equal(0, t.Offset % alignment));
    }

    [Fact]
    public void Entries_are_taken_over_as_they_are()
    {
        using var folder = new TemporaryFolder();
        Writer(32).Save(folder["a.gguf"], Fill);
        using GgufFile file = GgufFile.Open(folder["a.gguf"]);
        var copy = new GgufWriter();
        foreach (GgufEntry entry in file.Metadata.Entries) copy.Copy(file.Metadata, entry.Key);
        foreach (StoredTensor tensor in file.Tensors) copy.Declare(tensor.Name, tensor.DType, tensor.Shape);
        copy.Save(folder["b.gguf"], Fill);
        Assert.Equal(File.ReadAllBytes(folder["a.gguf"]), File.ReadAllBytes(folder["b.gguf"]));
    }

    [Theory]
    [InlineData(1, 7)]
    [InlineData(320, 4)]
    [InlineData(100_000, 1)]
    public void A_model_in_parts_is_one_model(long largestBytes, int parts)
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<string> paths = Writer(32).SaveParts(folder["m.gguf"], largestBytes, Fill);
        Assert.Equal(parts, paths.Count);
        Assert.Equal(paths.Order(), Directory.GetFiles(folder.Path).Order());
        using GgufFile file = GgufFile.Open(paths[0]);
        Assert.Equal(paths, file.Paths);
        CheckMetadata(file.Metadata);
        CheckTensors(file);
    }

    [Fact]
    public void Parts_that_do_not_belong_together_are_refused()
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<string> paths = Writer(32).SaveParts(folder["m.gguf"], 320, Fill);
        GgufFileTests.Fault("part 2 of 4; name the first one", () => GgufFile.Open(paths[1]));
        byte[] second = File.ReadAllBytes(paths[1]), third = File.ReadAllBytes(paths[2]);
        File.WriteAllBytes(paths[1], third);
        GgufFileTests.Fault("does not say that it is part 2 of 4", () => GgufFile.Open(paths[0]));
        File.Delete(paths[1]);
        Assert.Contains("m-00002-of-00004.gguf", Assert.Throws<InvalidInputException>(() => GgufFile.Open(paths[0])).Message, StringComparison.Ordinal);
        File.WriteAllBytes(paths[1], second);
        using (GgufFile.Open(paths[0])) { }
        File.Move(paths[0], folder["renamed.gguf"]);
        GgufFileTests.Fault("does not end in -00001-of-00004.gguf", () => GgufFile.Open(folder["renamed.gguf"]));
        Assert.Throws<FileFormatException>(() => GgufFile.Open(folder["renamed.gguf"]));
    }

    [Fact]
    public void What_is_left_incomplete_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        string old = folder.Write("m-00001-of-00004.gguf", "old");
        GgufWriter writer = Writer(32);
        Assert.Throws<InvalidOperationException>(() => writer.SaveParts(folder["m.gguf"], 320, output => output.Write("a", new byte[60])));
        Assert.Throws<ArgumentException>(() => writer.SaveParts(folder["m.gguf"], 320, output => output.Write("a", new byte[61])));
        Assert.Throws<ArgumentException>(() => writer.SaveParts(folder["m.gguf"], 320, output => output.Write("z", new byte[1])));
        Assert.Equal([old], Directory.GetFileSystemEntries(folder.Path));
        Assert.Equal("old", File.ReadAllText(old));
    }

    [Fact]
    public void What_the_format_cannot_hold_is_refused_when_it_is_declared()
    {
        GgufWriter writer = Writer(32);
        Assert.Throws<ArgumentException>(() => writer.Declare("a", DType.F32, new Shape(1)));
        Assert.Throws<ArgumentException>(() => writer.Declare(new string('x', 64), DType.F32, new Shape(1)));
        Assert.Throws<ArgumentException>(() => writer.Declare("x", DType.Q4_0, new Shape(2, 33)));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Declare("x", DType.NF4, new Shape(64)));
        Assert.Throws<ArgumentException>(() => writer.SetUInt32("general.alignment", 64));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GgufWriter(24));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GgufWriter(4));
    }

    internal static GgufWriter Writer(int alignment)
    {
        var writer = new GgufWriter(alignment);
        writer.SetString("general.architecture", "other");
        writer.SetUInt32("u32", uint.MaxValue);
        writer.SetInt32("i32", -5);
        writer.SetUInt64("u64", 1UL << 50);
        writer.SetSingle("f32", 1.25f);
        writer.SetBoolean("bool", true);
        writer.SetStrings("strings", ["", "zwölf", "\U0001F600"]);
        writer.SetSingles("scores", [0.5f, -1f]);
        writer.SetInt32s("types", [1, -2, 3]);
        writer.SetBooleans("flags", [true, false]);
        writer.SetString("general.architecture", "llama");
        foreach ((string name, DType type, Shape shape) in s_tensors) writer.Declare(name, type, shape);
        return writer;
    }

    internal static void Fill(TensorOutput output)
    {
        foreach (StoredTensor tensor in output.Tensors.Reverse())
        {
            byte[] bytes = Bytes(tensor);
            output.Write(tensor.Name, bytes.AsSpan(0, bytes.Length / 3));
            output.Write(tensor.Name, bytes.AsSpan(bytes.Length / 3));
        }
    }

    private static void CheckMetadata(GgufMetadata metadata)
    {
        Assert.Equal("llama", metadata.GetString("general.architecture"));
        Assert.True(metadata.TryGetInt64("u32", 0, uint.MaxValue, out long wide) && wide == uint.MaxValue);
        Assert.True(metadata.TryGetInt64("u64", 0, long.MaxValue, out wide) && wide == 1L << 50);
        Assert.Equal(-5, metadata.GetInt32("i32", -10, 10));
        Assert.Equal(1.25, metadata.GetReal("f32"));
        Assert.True(metadata.GetBoolean("bool", false));
        Assert.Equal(["", "zwölf", "\U0001F600"], metadata.GetStrings("strings"));
        Assert.True(metadata.TryGetSingles("scores", out float[]? scores));
        Assert.Equal([0.5f, -1f], scores);
        Assert.True(metadata.TryGetInt32s("types", -2, 3, out int[]? types));
        Assert.Equal([1, -2, 3], types);
        Assert.True(metadata.TryGetBooleans("flags", out bool[]? flags));
        Assert.Equal([true, false], flags);
    }

    private static void CheckTensors(GgufFile file)
    {
        Assert.Equal(s_tensors, file.Tensors.Select(static t => (t.Name, t.DType, t.Shape)));
        foreach (StoredTensor tensor in file.Tensors)
        {
            byte[] bytes = new byte[tensor.Bytes];
            file.Read(tensor, 0, bytes);
            Assert.Equal(Bytes(tensor), bytes);
        }
    }

    private static byte[] Bytes(StoredTensor tensor)
    {
        byte[] bytes = new byte[tensor.Bytes];
        new Random(tensor.Name.Length * 1000 + tensor.Name[0]).NextBytes(bytes);
        return bytes;
    }
}
