using Ration.Files;
using Ration.Files.Safetensors;
using Ration.Tensors;

namespace Ration.Tests.Files.Safetensors;

public sealed class SafetensorsFolderTests
{
    private const string Index = """{"metadata":{"total_size":16,"x":[{}]},"weight_map":{"b":"two.safetensors","a":"one.safetensors"}}""";

    [Fact]
    public void Tensors_are_found_in_the_files_that_the_index_names()
    {
        using var folder = new TemporaryFolder();
        Shard(folder, "one.safetensors", ("a", 1), ("unlisted", 2));
        Shard(folder, "two.safetensors", ("b", 3), ("a", 4));
        folder.Write("model.safetensors.index.json", Index);
        using SafetensorsFolder source = SafetensorsFolder.Open(folder.Path);
        Assert.Equal(["b", "a"], source.Tensors.Select(static t => t.Name));
        Assert.Equal([folder["two.safetensors"], folder["one.safetensors"]], source.Paths);
        Assert.Null(source.Find("unlisted"));
        byte[] bytes = new byte[7];
        source.Read(source.Find("a")!, 1, bytes);
        Assert.All(bytes, static b => Assert.Equal(1, b));
        source.Read(source.Find("b")!, 0, bytes);
        Assert.All(bytes, static b => Assert.Equal(3, b));
        Assert.Equal(4, source.Verify(TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Read(source.Find("a")!, 2, bytes));
    }

    [Fact]
    public void A_single_file_goes_before_an_index()
    {
        using var folder = new TemporaryFolder();
        Shard(folder, "model.safetensors", ("a", 1));
        folder.Write("model.safetensors.index.json", "broken");
        using SafetensorsFolder source = SafetensorsFolder.Open(folder.Path);
        Assert.Equal("a", Assert.Single(source.Tensors).Name);
    }

    [Fact]
    public void A_missing_file_or_tensor_is_named()
    {
        using var folder = new TemporaryFolder();
        Shard(folder, "one.safetensors", ("a", 1));
        folder.Write("model.safetensors.index.json", Index);
        InvalidInputException missing = Assert.Throws<InvalidInputException>(() => SafetensorsFolder.Open(folder.Path));
        Assert.Contains("'two.safetensors'", missing.Message, StringComparison.Ordinal);
        Shard(folder, "two.safetensors", ("c", 1));
        FileFormatException error = Assert.Throws<FileFormatException>(() => SafetensorsFolder.Open(folder.Path));
        Assert.Contains("no tensor 'b', which the index says is here", error.Message, StringComparison.Ordinal);
        Assert.Equal(folder["two.safetensors"], error.Path);
        using var empty = new TemporaryFolder();
        Assert.Throws<InvalidInputException>(() => SafetensorsFolder.Open(empty.Path));
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../one.safetensors"}}""", "not a file name")]
    [InlineData("""{"weight_map":{"a":"/one.safetensors"}}""", "not a file name")]
    [InlineData("""{"weight_map":{"a":"one.bin"}}""", "not a file name")]
    [InlineData("""{"weight_map":{"a":7}}""", "not a file name")]
    [InlineData("""{"weight_map":{"a":{"b":"c"}}}""", "not a file name")]
    [InlineData("""{"weight_map":{"a":"\uD800.safetensors"}}""", "not valid JSON")]
    [InlineData("""{"weight_map":{"a":"one.safetensors","a":"one.safetensors"}}""", "two tensors are named 'a'")]
    [InlineData("""{"weight_map":{},"weight_map":{}}""", "two weight_maps")]
    [InlineData("""{"weight_map":[]}""", "not a JSON object")]
    [InlineData("""{"weight_map":{}}""", "names no tensor")]
    [InlineData("""{}""", "names no tensor")]
    [InlineData("""[]""", "not a JSON object")]
    [InlineData("""{"weight_map":{"a":"one.safetensors"}""", "not valid JSON")]
    public void An_index_is_checked(string index, string fault)
    {
        using var folder = new TemporaryFolder();
        Shard(folder, "one.safetensors", ("a", 1));
        folder.Write("model.safetensors.index.json", index);
        FileFormatException error = Assert.Throws<FileFormatException>(() => SafetensorsFolder.Open(folder.Path));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    private static void Shard(TemporaryFolder folder, string name, params (string Name, byte Value)[] tensors)
    {
        var writer = new SafetensorsWriter();
        var values = new Dictionary<string, byte>();
        foreach ((string tensor, byte value) in tensors)
        {
            writer.Declare(tensor, DType.U8, new Shape(8));
            values.Add(tensor, value);
        }

        writer.Save(folder[name], output =>
        {
            foreach (StoredTensor tensor in output.Tensors) output.Write(tensor.Name, Enumerable.Repeat(values[tensor.Name], 8).ToArray());
        });
    }
}
