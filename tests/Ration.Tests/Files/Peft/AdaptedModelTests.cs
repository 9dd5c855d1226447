using System.Text.Json.Nodes;
using Ration.Files;
using Ration.Files.Peft;
using Ration.Inference;
using Ration.Models;
using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Inference;

namespace Ration.Tests.Files.Peft;

/// <summary>Adapters that are merged into their base while weights are read.</summary>
public sealed class AdaptedModelTests
{
    private static readonly PeftConfig s_config = new() { Rank = 3, Alpha = 6, TargetPattern = "all-linear", RankPattern = [new("o_proj", 5)], AlphaPattern = [new("down_proj", 1.5)] };

    public static TheoryData<ModelFamily> Families => StoredModelTests.Families;

    [Theory]
    [MemberData(nameof(Families))]
    public void Merged_rows_are_those_of_a_computation_in_double_precision(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path, FanInFanOut = family == ModelFamily.Gpt2 }, Matrices(folder), transposed: family == ModelFamily.Gpt2);
        using FamilyFolder expected = new(family, change: adapter.Merge);
        using StoredModel merged = StoredModel.Open(adapter.Path);
        Assert.Equal(folder.Path, merged.Base!.Path);
        AssertSame(expected, merged, 1e-6f);
        Assert.True(merged.HostBytes > 0);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_base_in_GGUF_gives_the_same_numbers(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["base.gguf"]);
        using AdapterFolder adapter = new(s_config, Matrices(folder), transposed: family == ModelFamily.Gpt2);
        using FamilyFolder expected = new(family, change: adapter.Merge);
        using StoredModel merged = StoredModel.Open(adapter.Path, work["base.gguf"]);
        AssertSame(expected, merged, 1e-6f);
        Conversion.ToGguf(merged, work["merged.gguf"]);
        using StoredModel again = StoredModel.Open(work["merged.gguf"]);
        Conversion.ToHuggingFace(again, work["merged"]);
        using StoredModel folderAgain = StoredModel.Open(work["merged"]);
        AssertSame(expected, folderAgain, 1e-6f);
    }

    [Theory]
    [InlineData(DType.F16, true)]
    [InlineData(DType.BF16, false)]
    public void Factors_may_be_short_and_scales_rank_stabilized(DType type, bool stabilized)
    {
        using FamilyFolder folder = new(ModelFamily.Mistral);
        using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path, RankStabilized = stabilized }, Matrices(folder), type: type);
        using FamilyFolder expected = new(ModelFamily.Mistral, change: adapter.Merge);
        using StoredModel merged = StoredModel.Open(adapter.Path);
        AssertSame(expected, merged, 1e-6f);
    }

    [Theory]
    [InlineData(ModelFamily.Gemma3, "model.", "language_model.model.")]
    [InlineData(ModelFamily.Gemma3, "model.", "model.language_model.")]
    [InlineData(ModelFamily.Llama, "model.", "")]
    [InlineData(ModelFamily.Gpt2, "transformer.", "")]
    public void Modules_may_have_other_prefixes(ModelFamily family, string published, string actual)
    {
        using FamilyFolder folder = new(family);
        using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path },
            Matrices(folder).Where(static m => m.Name.Contains(".1.", StringComparison.Ordinal)), transposed: family == ModelFamily.Gpt2,
            rename: n => actual + n[published.Length..]);
        using FamilyFolder expected = new(family, change: adapter.Merge);
        using StoredModel merged = StoredModel.Open(adapter.Path);
        AssertSame(expected, merged, 1e-6f);
    }

    [Fact]
    public void Saved_tensors_take_the_place_of_the_bases()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        Shape table = new(FamilyFolder.Vocabulary, FamilyFolder.Width);
        using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path, ModulesToSave = ["lm_head", "norm"] }, [("model.embed_tokens", FamilyFolder.Width, FamilyFolder.Vocabulary, true)],
            saved: [("lm_head.weight", table), ("model.norm.weight", new Shape(FamilyFolder.Width))], rename: static n => n == "lm_head.weight" ? "lm_head.base_layer.weight" : n);
        using FamilyFolder expected = new(ModelFamily.Llama, change: adapter.Merge);
        using StoredModel merged = StoredModel.Open(adapter.Path);
        AssertSame(expected, merged, 1e-6f);
    }

    [Fact]
    public void A_tied_head_becomes_one_of_its_own_where_the_adapter_changes_an_end()
    {
        using FamilyFolder folder = new(ModelFamily.Qwen2);
        using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path }, [("lm_head", FamilyFolder.Width, FamilyFolder.Vocabulary, false)]);
        using StoredModel merged = StoredModel.Open(adapter.Path);
        Assert.False(merged.Configuration.TiedEmbeddings);
        float[] embedding = folder.Expected("model.embed_tokens.weight"), head = (float[])embedding.Clone();
        adapter.Merge("lm_head.weight", head);
        Assert.Equal(embedding, Read(merged, "model.embed_tokens.weight"));
        AssertNear(head, Read(merged, "lm_head.weight"), 1e-6f, "lm_head.weight");
    }

    [Fact]
    public void A_change_of_one_end_that_is_meant_for_both_is_refused()
    {
        using FamilyFolder folder = new(ModelFamily.Qwen2);
        (string, int, int, bool)[] head = [("lm_head", FamilyFolder.Width, FamilyFolder.Vocabulary, false)], other = [("model.layers.0.mlp.up_proj", FamilyFolder.Width, FamilyFolder.Hidden, false)];
        using AdapterFolder one = new(s_config with { BaseModel = folder.Path, KeepsTies = true }, head);
        Assert.Contains("ensure_weight_tying is true", Assert.Throws<FileFormatException>(() => StoredModel.Open(one.Path)).Message, StringComparison.Ordinal);
        using AdapterFolder none = new(s_config with { BaseModel = folder.Path, KeepsTies = true }, other);
        using StoredModel merged = StoredModel.Open(none.Path);
        Assert.True(merged.Configuration.TiedEmbeddings);
    }

    [Fact]
    public void Keys_of_adapter_and_base_that_are_not_known_are_named()
    {
        using FamilyFolder folder = new(ModelFamily.Llama, config: $"{FamilyFolder.Config(ModelFamily.Llama)[..^1]},\"of_the_base\":1}}");
        using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path }, [("model.layers.0.mlp.up_proj", FamilyFolder.Width, FamilyFolder.Hidden, false)]);
        string config = Path.Combine(adapter.Path, "adapter_config.json");
        JsonObject json = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        json["of_the_adapter"] = 1;
        File.WriteAllText(config, json.ToJsonString());
        using StoredModel merged = StoredModel.Open(adapter.Path);
        Assert.Equal(["of_the_adapter", "of_the_base"], merged.UnknownKeys);
    }

    [Fact]
    public void Tokens_that_were_added_come_with_whole_tables()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        Shape table = new(FamilyFolder.Vocabulary + 2, FamilyFolder.Width);
        (string, int, int, bool)[] one = [("model.layers.0.mlp.up_proj", FamilyFolder.Width, FamilyFolder.Hidden, false)];
        using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path }, one, saved: [("lm_head.weight", table), ("model.embed_tokens.weight", table)]);
        using StoredModel merged = StoredModel.Open(adapter.Path);
        Assert.Equal(FamilyFolder.Vocabulary + 2, merged.Configuration.Vocabulary);
        using AdapterFolder half = new(s_config with { BaseModel = folder.Path }, one, saved: [("model.embed_tokens.weight", table)]);
        Assert.Contains("an embedding of 33 tokens and a head of 31", Assert.Throws<FileFormatException>(() => StoredModel.Open(half.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Quantized_rows_are_decoded_changed_and_stored_again()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["base.gguf"], new ModelConversionOptions { Type = DType.Q8_0 });
        using AdapterFolder adapter = new(s_config, Matrices(folder).Where(static m => m.Name.EndsWith("up_proj", StringComparison.Ordinal)));
        using StoredModel merged = StoredModel.Open(adapter.Path, work["base.gguf"]);
        Conversion.ToGguf(merged, work["merged.gguf"]);
        using StoredModel again = StoredModel.Open(work["merged.gguf"]);
        const string Adapted = "model.layers.1.mlp.up_proj.weight", Other = "model.layers.1.mlp.gate_proj.weight";
        float[] sum = Read(merged.Base!, Adapted);
        adapter.Merge(Adapted, sum);
        byte[] bytes = new byte[DType.Q8_0.Bytes(sum.Length)];
        Assert.Equal(DType.Q8_0, again.TypeOf(Adapted));
        TensorCodec.Encode(DType.Q8_0, sum, bytes);
        TensorCodec.Decode(DType.Q8_0, bytes, sum);
        AssertNear(sum, Read(again, Adapted), 0.01f, Adapted);
        Assert.Equal(Read(merged.Base!, Other), Read(again, Other));
    }

    [Fact]
    public void Adapter_and_base_generate_what_the_merged_model_does()
    {
        using TinyModel model = TinyModel.OfBytes();
        ModelConfiguration shape = TinyModel.Configuration;
        using AdapterFolder adapter = new(s_config with { BaseModel = model.Path, Alpha = 30 }, Enumerable.Range(0, shape.Layers).SelectMany(l => new[]
        {
            ($"model.layers.{l}.self_attn.q_proj", shape.Width, shape.Heads * shape.HeadDimension, false), ($"model.layers.{l}.mlp.down_proj", shape.HiddenWidth, shape.Width, false),
        }));
        using TemporaryFolder work = new();
        using (StoredModel merged = StoredModel.Open(adapter.Path)) Conversion.ToHuggingFace(merged, work["merged"]);
        string[] texts = [.. ((string[])[adapter.Path, work["merged"], model.Path]).Select(static path =>
        {
            using LanguageModel loaded = LanguageModel.Load(path, new LanguageModelOptions { Context = 100, Threads = 2 });
            return loaded.Generate("the cat", TinyModel.Greedy(30), TestContext.Current.CancellationToken).Text;
        })];
        Assert.Equal(texts[0], texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
    }

    [Fact]
    public void A_base_is_looked_for_beside_the_adapter_and_missed_in_words()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        (string, int, int, bool)[] one = [("model.layers.0.mlp.up_proj", FamilyFolder.Width, FamilyFolder.Hidden, false)];
        using AdapterFolder beside = new(s_config, one);
        string relative = Path.GetRelativePath(beside.Path, folder.Path), config = Path.Combine(beside.Path, "adapter_config.json");
        JsonObject json = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        json["base_model_name_or_path"] = relative;
        File.WriteAllText(config, json.ToJsonString());
        using (StoredModel merged = StoredModel.Open(beside.Path)) Assert.Equal(ModelFamily.Llama, merged.Configuration.Family);
        foreach ((string? name, string fault) in new (string?, string)[]
        {
            ("some/model-7B", "'some/model-7B' is not on this machine"), (null, "has no name in it"), (beside.Path, "is a low-rank adapter and no base model"),
        })
        {
            json["base_model_name_or_path"] = name;
            File.WriteAllText(config, json.ToJsonString());
            Assert.Contains(fault, Assert.Throws<InvalidInputException>(() => StoredModel.Open(beside.Path)).Message, StringComparison.Ordinal);
        }

        Assert.Contains("is no adapter", Assert.Throws<InvalidInputException>(() => StoredModel.Open(folder.Path, folder.Path)).Message, StringComparison.Ordinal);
        Assert.Contains("merge it into its base", Assert.Throws<InvalidInputException>(() => ModelFolder.ReadConfiguration(beside.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_the_base_is_refused_by_name()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        Refused("'model.layers.9.mlp.up_proj.weight', which the base model does not have", ("model.layers.9.mlp.up_proj", FamilyFolder.Width, FamilyFolder.Hidden, false));
        Refused("make a matrix of 15 × 32, where the base has 14 × 32", ("model.layers.0.mlp.up_proj", FamilyFolder.Width, FamilyFolder.Hidden + 1, false));
        Refused("which is no matrix", ("model.norm", 1, FamilyFolder.Width, false));
        Refused("twice", ("model.norm", 1, FamilyFolder.Width, false), ("norm", 1, FamilyFolder.Width, false));

        void Refused(string fault, params (string, int, int, bool)[] modules)
        {
            using AdapterFolder adapter = new(s_config with { BaseModel = folder.Path }, modules);
            Assert.Contains(fault, Assert.Throws<FileFormatException>(() => StoredModel.Open(adapter.Path)).Message, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<(string Name, int Inputs, int Outputs, bool Embedding)> Matrices(FamilyFolder folder) =>
        folder.Shapes.Where(static t => t.Shape.Rank == 2 && (t.Name.Contains(".layers.", StringComparison.Ordinal) || t.Name.Contains(".h.", StringComparison.Ordinal))).Select(t =>
        {
            bool turned = folder.Family == ModelFamily.Gpt2;
            return (t.Name[..^".weight".Length], (int)t.Shape[turned ? 0 : 1], (int)t.Shape[turned ? 1 : 0], false);
        });

    private static void AssertSame(FamilyFolder expected, StoredModel actual, float tolerance)
    {
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(actual.Configuration))
            AssertNear(expected.Expected(parameter.Name), StoredModelTests.Numbers(actual, parameter), tolerance, parameter.Name);
    }

    private static void AssertNear(float[] expected, float[] actual, float tolerance, string name)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"{name}[{i}]: {actual[i]}, not {expected[i]}");
    }

    private static float[] Read(StoredModel model, string name) => StoredModelTests.Numbers(model, TransformerModel.ParameterShapes(model.Configuration).First(p => p.Name == name));
}
