using Ration.Files;
using Ration.Files.Gguf;
using Ration.Files.Peft;
using Ration.Files.Safetensors;
using Ration.Models;
using Ration.Tensors;
using Ration.Tests.Files.Gguf;
using Ration.Tests.Files.Peft;

namespace Ration.Tests.Files;

/// <summary>Mutated files of every format, see <see cref="FileMutations"/>.</summary>
public sealed class HostileFilesTests
{
    [Fact]
    public void Safetensors()
    {
        using var folder = new TemporaryFolder();
        string path = folder["a.safetensors"];
        var writer = new SafetensorsWriter();
        writer.Declare("model.a.weight", DType.F32, new Shape(2, 3));
        writer.Declare("model.b.weight", DType.BF16, new Shape(5));
        writer.Declare("c", DType.F8E4M3, Shape.Scalar);
        writer.SetMetadata("format", "pt");
        writer.Save(path, Zeros);
        byte[] good = File.ReadAllBytes(path);
        FileMutations.Expect(FileMutations.Count(1000), count => FileMutations.Try(good, good.Length - 35, text: true, "a.safetensors", count, static path =>
        {
            using var reader = SafetensorsReader.Open(path);
            ReadAll(reader);
            reader.Verify(TestContext.Current.CancellationToken);
        }));
    }

    [Fact]
    public void Safetensors_index()
    {
        using var folder = new TemporaryFolder();
        byte[] good = """{"metadata":{"total_size":24},"weight_map":{"model.a.weight":"model-1.safetensors","b":"model-2.safetensors","c":"model-1.safetensors"}}"""u8.ToArray();
        foreach (string shard in (string[])["model-1", "model-2"])
        {
            var writer = new SafetensorsWriter();
            foreach (string name in (string[])["model.a.weight", "b", "c"]) writer.Declare(name, DType.F32, new Shape(2));
            writer.Save(folder[$"{shard}.safetensors"], Zeros);
        }

        FileMutations.Expect(FileMutations.Count(500), count => FileMutations.Try(good, good.Length, text: true, SafetensorsFolder.IndexName, count, path =>
        {
            File.Copy(path, folder[SafetensorsFolder.IndexName], overwrite: true);
            using SafetensorsFolder source = SafetensorsFolder.Open(folder.Path);
            ReadAll(source);
        }));
    }

    [Fact]
    public void Gguf()
    {
        using var folder = new TemporaryFolder();
        string path = folder["a.gguf"];
        GgufWriterTests.Writer(32).Save(path, GgufWriterTests.Fill);
        byte[] good = File.ReadAllBytes(path);
        int head;
        using (GgufFile file = GgufFile.Open(path)) head = (int)file.Tensors[0].Offset;
        FileMutations.Expect(FileMutations.Count(1000), count => FileMutations.Try(good, head, text: false, "a.gguf", count, OpenGguf));
    }

    [Fact]
    public void Gguf_in_parts()
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<string> paths = GgufWriterTests.Writer(32).SaveParts(folder["a.gguf"], 1000, GgufWriterTests.Fill);
        byte[] good = File.ReadAllBytes(paths[0]);
        FileMutations.Expect(FileMutations.Count(300), count => FileMutations.Try(good, 700, text: false, "part.gguf", count, path =>
        {
            File.Copy(path, paths[0], overwrite: true);
            OpenGguf(paths[0]);
        }));
    }

    [Fact]
    public void Gguf_of_real_vocabularies()
    {
        foreach (string path in Directory.GetFiles(SharedData.Require("tokenizers"), "*.gguf"))
        {
            byte[] good = File.ReadAllBytes(path);
            // Files of megabytes take milliseconds each; a full sweep is spread over them.
            int count = Math.Min(FileMutations.Count(20), 2000);
            FileMutations.Expect(count, tries => FileMutations.Try(good, 4096, text: false, Path.GetFileName(path), tries, OpenGguf));
        }
    }

    [Theory]
    [InlineData(GgufType.String, 1 << 22, 2, null)]
    [InlineData(GgufType.String, 25_000_000, 1, "it claims 25000000 elements in 'key0', where at most 4194304 are read")]
    [InlineData(GgufType.UInt8, 5_000_000, 1, "it claims 5000000 elements in 'key0', where at most 4194304 are read")]
    [InlineData(GgufType.UInt64, 1 << 22, 5, "its head is longer than 134217728 bytes")]
    public void Gguf_with_a_large_head(GgufType element, int elements, int arrays, string? fault)
    {
        using TemporaryFolder folder = new();
        string path = folder["a.gguf"];
        long length;
        using (FileStream file = new(path, FileMode.Create))
        {
            file.Write(new GgufBytes(0, (ulong)arrays).Done());
            int header = (int)file.Length;
            for (int i = 0; i < arrays; i++)
            {
                file.Write(new GgufBytes().Array($"key{i}", element, (ulong)elements).Done().AsSpan(header));
                // Empty strings, or zeros, in a file that has holes where they are.
                file.Position += (long)elements * (element == GgufType.UInt8 ? 1 : sizeof(ulong));
            }

            file.SetLength(file.Position);
            length = file.Length;
        }

        OpeningLimits.Run(path, 1, _ => Assert.Equal(fault is not null, OpeningLimits.Refuses(path, length, () => OpenGguf(path))));
        if (fault is not null) GgufFileTests.Fault(fault, () => GgufFile.Open(path));
    }

    [Theory]
    [InlineData(ModelFamily.Mixtral, "config.json")]
    [InlineData(ModelFamily.Gemma3, "config.json")]
    [InlineData(ModelFamily.Mixtral, "model.safetensors")]
    public void Model_folder(ModelFamily family, string file)
    {
        using FamilyFolder folder = new(family);
        string name = Path.Combine(folder.Path, file);
        byte[] good = File.ReadAllBytes(name);
        int head = file == "config.json" ? good.Length : 8 + BitConverter.ToInt32(good);
        FileMutations.Expect(FileMutations.Count(60), count => FileMutations.Try(good, head, text: true, file, count, path =>
        {
            File.Copy(path, name, overwrite: true);
            using StoredModel model = StoredModel.Open(folder.Path);
        }));
    }

    [Theory]
    [InlineData(ModelFamily.Llama)]
    [InlineData(ModelFamily.Qwen2Moe)]
    public void Model_in_Gguf(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["model.gguf"]);
        byte[] good = File.ReadAllBytes(work["model.gguf"]);
        int head;
        using (GgufFile file = GgufFile.Open(work["model.gguf"])) head = (int)file.Tensors.Min(static t => t.Offset);
        FileMutations.Expect(FileMutations.Count(100), count => FileMutations.Try(good, head, text: false, "model.gguf", count, static path =>
        {
            using StoredModel model = StoredModel.Open(path);
        }));
    }

    [Fact]
    public void Llama_two_c()
    {
        byte[] good = LlamaTwoCFileTests.Checkpoint(tied: true);
        FileMutations.Expect(FileMutations.Count(500), count => FileMutations.Try(good, 28, text: false, "a.bin", count, static path =>
        {
            using LlamaTwoCFile file = LlamaTwoCFile.Open(path);
            ReadAll(file);
        }));
    }

    [Fact]
    public void Adapter_configuration()
    {
        using var folder = new TemporaryFolder();
        PeftConfig config = PeftAdapterTests.Config with { RankPattern = [new("down_proj", 3), new("(q|k)_proj", 2)], BaseModel = "base" };
        PeftAdapterTests.Save(folder.Path, config);
        string name = folder["adapter_config.json"];
        byte[] good = File.ReadAllBytes(name);
        FileMutations.Expect(FileMutations.Count(500), count => FileMutations.Try(good, good.Length, text: true, "adapter_config.json", count, path =>
        {
            File.Copy(path, name, overwrite: true);
            using PeftAdapter adapter = PeftAdapter.Open(folder.Path);
        }));
    }

    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public void Adapter_of_a_model(string file)
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using AdapterFolder adapter = new(PeftAdapterTests.Config with { BaseModel = folder.Path, RankPattern = [new("up_proj", 3)], AlphaPattern = [] },
            [("model.layers.0.mlp.up_proj", FamilyFolder.Width, FamilyFolder.Hidden, false), ("model.layers.1.self_attn.v_proj", FamilyFolder.Width, FamilyFolder.KvHeads * FamilyFolder.Head, false)],
            saved: [("model.norm.weight", new Shape(FamilyFolder.Width))]);
        string name = Path.Combine(adapter.Path, file);
        byte[] good = File.ReadAllBytes(name);
        int head = file == PeftAdapter.WeightsName ? 8 + BitConverter.ToInt32(good) : good.Length;
        FileMutations.Expect(FileMutations.Count(100), count => FileMutations.Try(good, head, text: true, file, count, path =>
        {
            File.Copy(path, name, overwrite: true);
            using StoredModel model = StoredModel.Open(adapter.Path, folder.Path);
            foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration)) StoredModelTests.Numbers(model, parameter);
        }));
    }

    private static void OpenGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        GgufMetadata metadata = file.Metadata;
        foreach (GgufEntry entry in metadata.Entries)
        {
            Assert.NotNull(metadata.Describe(entry.Key));
            if (entry.Type != GgufType.Array) continue;
            if (entry.ElementType == GgufType.String && metadata.TryGetStrings(entry.Key, out GgufStrings? strings) && strings.Count > 0) Assert.NotNull(strings[^1]);
            if (entry.ElementType.IsReal()) metadata.TryGetSingles(entry.Key, out _);
            if (entry.ElementType.IsInteger()) metadata.TryGetInt32s(entry.Key, int.MinValue, int.MaxValue, out _);
            if (entry.ElementType == GgufType.Bool) metadata.TryGetBooleans(entry.Key, out _);
        }

        ReadAll(file);
    }

    private static void ReadAll(ITensorSource source)
    {
        byte[] piece = new byte[4096];
        foreach (StoredTensor tensor in source.Tensors)
        {
            Assert.Same(tensor, source.Find(tensor.Name));
            for (long start = 0; start < tensor.Bytes; start += piece.Length)
                source.Read(tensor, start, piece.AsSpan(0, (int)Math.Min(piece.Length, tensor.Bytes - start)));
        }
    }

    private static void Zeros(TensorOutput output)
    {
        foreach (StoredTensor tensor in output.Tensors) output.Write(tensor.Name, new byte[tensor.Bytes]);
    }
}
