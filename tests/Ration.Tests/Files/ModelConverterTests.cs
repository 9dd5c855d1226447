using Ration.Files;
using Ration.Files.Gguf;
using Ration.Files.Safetensors;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Files;

public sealed class ModelConverterTests
{
    public static TheoryData<ModelFamily> Families => StoredModelTests.Families;

    [Theory]
    [MemberData(nameof(Families))]
    public void A_folder_that_went_through_GGUF_has_the_same_numbers(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToGguf(model, work["model.gguf"]);
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        Assert.Equal((ModelFileKind.Gguf, DType.F32, family), (gguf.Kind, gguf.ElementType, gguf.Configuration.Family));
        Conversion.ToHuggingFace(gguf, work["again"]);
        using StoredModel again = StoredModel.Open(work["again"]);
        AssertSame(model.Configuration, again.Configuration);
        // A gain g − 1 that was stored as g has lost the digits that 1 takes.
        float tolerance = model.Configuration.NormGainOffset == 0 ? 0 : 1.2e-7f;
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration))
        {
            float[] expected = folder.Expected(parameter.Name), actual = StoredModelTests.Numbers(again, parameter);
            bool shifted = parameter.Name.EndsWith("norm.weight", StringComparison.Ordinal);
            for (int i = 0; i < expected.Length; i++) Assert.True(shifted ? Math.Abs(expected[i] - actual[i]) <= tolerance : expected[i] == actual[i],
                $"{parameter.Name}[{i}]: {expected[i]} became {actual[i]}");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_GGUF_of_bfloat16_keeps_every_bit_of_its_matrices(ModelFamily family)
    {
        using FamilyFolder folder = new(family, DType.BF16);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToGguf(model, work["model.gguf"]);
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        Assert.Equal(DType.BF16, gguf.ElementType);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration)
            .Where(static p => p.Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || p.Name.Contains("mlp", StringComparison.Ordinal)))
            Assert.Equal(StoredModelTests.Numbers(model, parameter), StoredModelTests.Numbers(gguf, parameter));
    }

    [Fact]
    public void Llamas_queries_and_keys_lie_in_neighbouring_pairs_in_GGUF()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToGguf(model, work["model.gguf"]);
        using GgufFile file = GgufFile.Open(work["model.gguf"]);
        float[] stored = Read(file, "blk.1.attn_k.weight"), published = folder.Expected("model.layers.1.self_attn.k_proj.weight");
        for (int head = 0; head < FamilyFolder.KvHeads; head++)
        {
            for (int pair = 0; pair < FamilyFolder.Head / 2; pair++)
            {
                for (int half = 0; half < 2; half++)
                {
                    int from = (head * FamilyFolder.Head) + (half * FamilyFolder.Head / 2) + pair, to = (head * FamilyFolder.Head) + (2 * pair) + half;
                    Assert.Equal(published[(from * FamilyFolder.Width)..((from + 1) * FamilyFolder.Width)], stored[(to * FamilyFolder.Width)..((to + 1) * FamilyFolder.Width)]);
                }
            }
        }

        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        Assert.Equal(RotaryPairing.Neighbours, gguf.Configuration.RotaryPairing);
        Assert.Equal(published, Read(file, "blk.1.attn_v.weight").Length == published.Length ? Turned(stored) : []);
    }

    [Fact]
    public void Gemmas_gains_are_whole_in_GGUF()
    {
        using FamilyFolder folder = new(ModelFamily.Gemma2);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToGguf(model, work["model.gguf"]);
        using GgufFile file = GgufFile.Open(work["model.gguf"]);
        Assert.Equal(folder.Expected("model.layers.2.post_feedforward_layernorm.weight").Select(static g => g + 1), Read(file, "blk.2.post_ffw_norm.weight"));
        Assert.Equal(folder.Expected("model.layers.2.post_attention_layernorm.weight").Select(static g => g + 1), Read(file, "blk.2.post_attention_norm.weight"));
        Assert.Equal(folder.Expected("model.layers.2.pre_feedforward_layernorm.weight").Select(static g => g + 1), Read(file, "blk.2.ffn_norm.weight"));
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        Assert.Equal(0, gguf.Configuration.NormGainOffset);
    }

    [Fact]
    public void Matrices_are_quantized_where_their_rows_are_whole_blocks_and_vectors_never()
    {
        using FamilyFolder folder = new(ModelFamily.Mixtral);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        List<ModelConversionProgress> told = [];
        Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Type = DType.Q4_0, Progress = new Listener(told) });
        using GgufFile file = GgufFile.Open(work["model.gguf"]);
        Assert.Equal(DType.Q4_0, file.Find("blk.0.ffn_up_exps.weight")!.DType);
        Assert.Equal(DType.Q4_0, file.Find("token_embd.weight")!.DType);
        Assert.Equal(DType.F16, file.Find("blk.0.ffn_down_exps.weight")!.DType);
        Assert.Equal(DType.F32, file.Find("blk.0.ffn_gate_inp.weight")!.DType);
        Assert.Equal(DType.F32, file.Find("blk.0.attn_norm.weight")!.DType);
        int others = file.Tensors.Count(static t => t.DType == DType.F16);
        Assert.True(others > 0);
        Assert.Equal([KeyValuePair.Create(DType.F16, others)], ModelConverter.OtherTypesInGguf(model, DType.Q4_0));
        Assert.Empty(ModelConverter.OtherTypesInGguf(model, DType.BF16));
        Assert.Equal((told[^1].BytesTotal, file.Tensors.Sum(static t => t.Bytes)), (told[^1].BytesDone, told[^1].BytesTotal));
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        ParameterShape stack = TransformerModel.ParameterShapes(model.Configuration).First(static p => p.Name.EndsWith("experts.up_proj.weight", StringComparison.Ordinal));
        float[] expected = folder.Expected(stack.Name), actual = StoredModelTests.Numbers(gguf, stack);
        float largest = expected.Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++) Assert.InRange(actual[i], expected[i] - (largest / 7), expected[i] + (largest / 7));
        Assert.NotEqual(expected, actual);
    }

    [Fact]
    public void Quantized_rows_are_turned_without_being_decoded()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Type = DType.Q8_0 });
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        Conversion.ToGguf(gguf, work["copy.gguf"]);
        Assert.Equal(File.ReadAllBytes(work["model.gguf"]), File.ReadAllBytes(work["copy.gguf"]));
    }

    [Theory]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Mixtral)]
    public void Large_folders_are_written_in_shards_and_read_back(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToHuggingFace(model, work.Path, new ModelConversionOptions { LargestFileBytes = 20_000 });
        Assert.True(Directory.GetFiles(work.Path, "model-*.safetensors").Length >= 3);
        Assert.False(File.Exists(work["model.safetensors"]));
        using (StoredModel again = StoredModel.Open(work.Path))
        {
            foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration)) Assert.Equal(folder.Expected(parameter.Name), StoredModelTests.Numbers(again, parameter));
        }

        Conversion.ToHuggingFace(model, work.Path);
        Assert.False(File.Exists(work["model.safetensors.index.json"]));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void What_is_written_has_the_published_names(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToHuggingFace(model, work.Path);
        using SafetensorsReader reader = SafetensorsReader.Open(work["model.safetensors"]);
        Assert.Equal(folder.Names.Order(StringComparer.Ordinal), reader.Tensors.Select(static t => t.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_describes_the_tokenizer_goes_along()
    {
        using FamilyFolder folder = new(ModelFamily.Qwen3);
        using TemporaryFolder work = new();
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer.json"), "{\"x\":1}");
        File.WriteAllText(Path.Combine(folder.Path, "generation_config.json"), "{\"eos_token_id\":[3,4]}");
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToHuggingFace(model, work.Path);
        Assert.Equal("{\"x\":1}", File.ReadAllText(work["tokenizer.json"]));
        Assert.Equal([3, 4], HuggingFaceFolder.ReadConfig(work.Path).EndIds);
        GgufWriter writer = new();
        writer.SetStrings("tokenizer.ggml.tokens", ["a", "b"]);
        writer.SetUInt32("tokenizer.ggml.eos_token_id", 1);
        writer.SetString("general.author", "nobody");
        writer.Save(work["vocabulary.gguf"], static _ => { });
        using GgufFile vocabulary = GgufFile.Open(work["vocabulary.gguf"]);
        Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Tokenizer = to => Copy(vocabulary.Metadata, to) });
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        Assert.Equal([1], gguf.EndIds);
        Conversion.ToGguf(gguf, work["copy.gguf"]);
        using GgufFile copy = GgufFile.Open(work["copy.gguf"]);
        Assert.Equal("b", copy.Metadata.GetStrings("tokenizer.ggml.tokens")[1]);
        Assert.False(copy.Metadata.Contains("general.author"));
    }

    [Fact]
    public void A_model_is_never_written_over_itself_however_it_is_named()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        ModelConversionOptions small = new() { LargestFileBytes = 20_000 };
        IReadOnlyList<string> parts = Conversion.ToGguf(model, work["model.gguf"], small);
        Assert.True(parts.Count > 2);
        byte[] last = File.ReadAllBytes(parts[^1]);
        using StoredModel gguf = StoredModel.Open(parts[0]);
        foreach (Action act in (Action[])
        [
            () => Conversion.ToHuggingFace(model, folder.Path + Path.DirectorySeparatorChar), () => Conversion.ToGguf(gguf, parts[^1]),
            () => Conversion.ToGguf(gguf, work["model.gguf"], small), () => Conversion.ToGguf(gguf, parts[0] + Path.DirectorySeparatorChar),
        ]) Assert.Contains("overwrite itself", Assert.Throws<InvalidInputException>(act).Message, StringComparison.Ordinal);
        Assert.Equal(last, File.ReadAllBytes(parts[^1]));
        Conversion.ToGguf(gguf, work["model.gguf"]);
    }

    [Theory]
    [InlineData(ModelFamily.Qwen3Moe, "\"norm_topk_prob\":true", "\"norm_topk_prob\":false", "not normalized")]
    [InlineData(ModelFamily.Qwen2Moe, "\"norm_topk_prob\":false", "\"norm_topk_prob\":true", "normalized")]
    [InlineData(ModelFamily.Gemma2, "\"query_pre_attn_scalar\":6", "\"query_pre_attn_scalar\":5", "root of 5")]
    public void What_readers_of_GGUF_assume_otherwise_is_refused(ModelFamily family, string usual, string other, string fault)
    {
        string config = FamilyFolder.Config(family);
        Assert.Contains(usual, config, StringComparison.Ordinal);
        using FamilyFolder folder = new(family, config: config.Replace(usual, other, StringComparison.Ordinal));
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Assert.Contains(fault, Assert.Throws<InvalidInputException>(() => Conversion.ToGguf(model, work["model.gguf"])).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(work["model.gguf"]));
    }

    [Fact]
    public void Layers_of_Gemma_2_without_windows_see_all_keys_in_GGUF()
    {
        string config = FamilyFolder.Config(ModelFamily.Gemma2);
        using FamilyFolder folder = new(ModelFamily.Gemma2, config: $"{config[..^1]},\"layer_types\":[{string.Join(',', Enumerable.Repeat("\"full_attention\"", FamilyFolder.Layers))}]}}");
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Assert.Equal(0, model.Configuration.SlidingWindow);
        Conversion.ToGguf(model, work["model.gguf"]);
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        // A window of 0 hides all keys from every other layer to llama.cpp, and a missing one is of 4,096 tokens.
        Assert.Equal(FamilyFolder.Context, gguf.Metadata!.GetInt32("gemma2.attention.sliding_window", 0, int.MaxValue));
        for (int layer = 0; layer < FamilyFolder.Layers; layer++) Assert.True(gguf.Configuration.WindowOf(layer) is 0 or >= FamilyFolder.Context);
    }

    private static void Copy(GgufMetadata from, GgufWriter to)
    {
        foreach (GgufEntry entry in from.Entries.Where(static e => e.Key.StartsWith("tokenizer.", StringComparison.Ordinal))) to.Copy(from, entry.Key);
    }

    [Fact]
    public void What_a_layout_cannot_hold_is_refused()
    {
        using FamilyFolder folder = new(ModelFamily.Llama, config: FamilyFolder.Config(ModelFamily.Llama).Replace("\"rope_type\":\"llama3\"", "\"rope_type\":\"dynamic\"", StringComparison.Ordinal));
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        Assert.Contains("dynamic", Assert.Throws<InvalidInputException>(() => Conversion.ToGguf(model, work["model.gguf"])).Message, StringComparison.Ordinal);
        Assert.Contains("Q4_0",
            Assert.Throws<InvalidInputException>(() => Conversion.ToHuggingFace(model, work["x"], new ModelConversionOptions { Type = DType.Q4_0 })).Message, StringComparison.Ordinal);
        Assert.Contains("overwrite itself", Assert.Throws<InvalidInputException>(() => Conversion.ToHuggingFace(model, folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Type = DType.NF4 }));
        Assert.Empty(Directory.GetFiles(work.Path));
    }

    [Fact]
    public void A_cancelled_conversion_leaves_nothing()
    {
        using FamilyFolder folder = new(ModelFamily.Gpt2);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        using CancellationTokenSource source = new();
        Listener listener = new([], source.Cancel);
        Assert.Throws<OperationCanceledException>(() => ModelConverter.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Progress = listener }, source.Token));
        Assert.Empty(Directory.GetFiles(work.Path));
    }

    private static void AssertSame(ModelConfiguration expected, ModelConfiguration actual)
    {
        Assert.Equal(expected with { Name = "", RotaryScaling = null }, actual with { Name = "", RotaryScaling = null });
        if (expected.RotaryScaling is not { } scaling)
        {
            Assert.Null(actual.RotaryScaling);
            return;
        }

        Assert.Equal(scaling with { ShortFactors = [], LongFactors = [] }, actual.RotaryScaling! with { ShortFactors = [], LongFactors = [] });
        Assert.Equal(scaling.ShortFactors, actual.RotaryScaling.ShortFactors);
        Assert.Equal(scaling.LongFactors, actual.RotaryScaling.LongFactors);
    }

    private static float[] Read(GgufFile file, string name)
    {
        StoredTensor tensor = file.Find(name)!;
        float[] numbers = new float[tensor.Shape.Elements];
        file.Read(tensor, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    // Neighbours to halves, row by row.
    private static float[] Turned(float[] rows) =>
    [
        .. Enumerable.Range(0, FamilyFolder.KvHeads * FamilyFolder.Head).SelectMany(row =>
        {
            int head = row / FamilyFolder.Head, channel = row % FamilyFolder.Head, half = FamilyFolder.Head / 2;
            int from = (head * FamilyFolder.Head) + (channel < half ? 2 * channel : (2 * (channel - half)) + 1);
            return rows[(from * FamilyFolder.Width)..((from + 1) * FamilyFolder.Width)];
        }),
    ];

    private sealed class Listener(List<ModelConversionProgress> told, Action? then = null) : IProgress<ModelConversionProgress>
    {
        public void Report(ModelConversionProgress value)
        {
            told.Add(value);
            then?.Invoke();
        }
    }
}
