using Ration.Files;
using Ration.Files.Gguf;
using Ration.Graphs.Ops;
using Ration.Models;

namespace Ration.Tests.Files.Gguf;

/// <summary>Rotary frequencies in GGUF files, as llama.cpp computes and opens them.</summary>
public sealed class GgufRotaryTests
{
    private const string Freqs = "rope_freqs.weight", Short = "rope_factors_short.weight", Long = "rope_factors_long.weight";
    private const string LongRope = "\"rope_scaling\":{\"rope_type\":\"longrope\",\"original_max_position_embeddings\":20,\"short_factor\":[1.0,1.5,2.0],\"long_factor\":[1.0,2.5,4.0]}";
    private const string Llama3 = "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"high_freq_factor\":4.0,\"low_freq_factor\":1.0,\"original_max_position_embeddings\":8192}";

    [Theory]
    [InlineData("none", 1f, 1.25f)]
    [InlineData("none", 4f, 1.25f)]
    [InlineData("linear", 1f, 1.25f)]
    [InlineData("linear", 4f, 1.25f)]
    [InlineData("longrope", 4f, 1.25f)]
    [InlineData("yarn", 4f, 1.423287f)]
    public void A_factor_on_rotated_channels_is_honoured_beside_any_scaling(string type, float factor, float expected)
    {
        using TemporaryFolder work = new();
        GgufRewrite.Save(Plain(work), work["other.gguf"], writer => Scale(writer, type, factor, 1.25f));
        using StoredModel model = StoredModel.Open(work["other.gguf"]);
        RotaryFrequencies frequencies = RotaryFormulas.Of(model.Configuration, 0, 10);
        Assert.InRange(frequencies.Factor, expected - 1e-5f, expected + 1e-5f);
        if (type == "yarn") return;
        for (int i = 0; i < 3; i++) Assert.Equal(Math.Pow(10_000, -i / 3.0) / (type == "none" ? 1 : factor), frequencies.Radians[i], 1e-6);
    }

    [Fact]
    public void It_is_honoured_beside_divisors_of_frequencies()
    {
        using TemporaryFolder work = new();
        GgufRewrite.Save(Plain(work), work["other.gguf"], static writer => Scale(writer, "none", 1, 1.25f), (Freqs, [1, 2, 4]));
        using StoredModel model = StoredModel.Open(work["other.gguf"]);
        RotaryFrequencies frequencies = RotaryFormulas.Of(model.Configuration, 0, 10);
        Assert.Equal(1.25f, frequencies.Factor);
        for (int i = 0; i < 3; i++) Assert.Equal(Math.Pow(10_000, -i / 3.0) / (1 << i), frequencies.Radians[i], 1e-6);
        Conversion.ToGguf(model, work["again.gguf"]);
        using StoredModel again = StoredModel.Open(work["again.gguf"]);
        AssertSame(model, again);
    }

    [Fact]
    public void Where_layers_have_two_bases_it_is_refused()
    {
        using TemporaryFolder work = new();
        string path = Plain(work, ModelFamily.Gemma3);
        GgufRewrite.Save(path, work["other.gguf"], static writer => writer.SetSingle("gemma3.rope.scaling.attn_factor", 1.25f));
        GgufFileTests.Fault("gemma3.rope.scaling.attn_factor is 1.25", () => StoredModel.Open(work["other.gguf"]));
        GgufRewrite.Save(path, work["other.gguf"], static writer => writer.SetSingle("gemma3.rope.scaling.attn_factor", 1));
        using (StoredModel.Open(work["other.gguf"])) return;
    }

    [Theory]
    [InlineData("none", 4f, true)]
    [InlineData("linear", 1f, true)]
    [InlineData("longrope", 1f, true)]
    [InlineData("linear", 4f, false)]
    [InlineData("longrope", 4f, false)]
    [InlineData("yarn", 4f, false)]
    public void Divisors_for_short_and_long_texts_stand_alone(string type, float factor, bool isOne)
    {
        using TemporaryFolder work = new();
        string path = Plain(work);
        GgufRewrite.Save(path, work["other.gguf"], writer => Scale(writer, type, factor, 1), (Short, [1, 1.5f, 2]), (Long, [1, 2.5f, 4]));
        if (!isOne)
        {
            GgufFileTests.Fault("scaled in two ways", () => StoredModel.Open(work["other.gguf"]));
            return;
        }

        using (StoredModel model = StoredModel.Open(work["other.gguf"])) Assert.Equal([1, 2.5, 4], model.Configuration.RotaryScaling!.LongFactors);
        GgufRewrite.Save(path, work["other.gguf"], writer => Scale(writer, type, factor, 1), (Short, [1, 1.5f, 2]), (Long, [1, 2.5f, 4]), (Freqs, [1, 2, 3]));
        GgufFileTests.Fault("scaled in two ways", () => StoredModel.Open(work["other.gguf"]));
    }

    [Fact]
    public void A_llama_file_names_the_type_that_its_divisors_need()
    {
        using TemporaryFolder work = new();
        string path = Plain(work, ModelFamily.Mistral, LongRope);
        using (GgufFile file = GgufFile.Open(path))
        {
            Assert.Equal("longrope", file.Metadata.GetString("llama.rope.scaling.type"));
            Assert.NotNull(file.Find(Short));
            Assert.NotNull(file.Find(Long));
        }

        using StoredModel model = StoredModel.Open(path);
        Assert.Equal([1, 1.5, 2], model.Configuration.RotaryScaling!.ShortFactors);
        Assert.Null(model.Configuration.RotaryScaling.AttentionFactor);
    }

    [Fact]
    public void Divisors_of_a_llama_file_go_as_they_came()
    {
        using TemporaryFolder work = new();
        GgufRewrite.Save(Plain(work), work["other.gguf"], null, (Freqs, [1, 1.5f, 3]));
        using StoredModel model = StoredModel.Open(work["other.gguf"]);
        Conversion.ToGguf(model, work["again.gguf"]);
        using (GgufFile file = GgufFile.Open(work["again.gguf"]))
        {
            float[] numbers = new float[3];
            file.Read(file.Find(Freqs)!, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan()));
            Assert.Equal([1, 1.5f, 3], numbers);
            Assert.Null(file.Find(Short));
            Assert.False(file.Metadata.Contains("llama.rope.scaling.type"));
        }

        using StoredModel again = StoredModel.Open(work["again.gguf"]);
        AssertSame(model, again);
    }

    [Fact]
    public void A_mere_factor_needs_no_tensors()
    {
        using TemporaryFolder work = new();
        GgufRewrite.Save(Plain(work, ModelFamily.Qwen3), work["other.gguf"], static writer =>
        {
            writer.SetSingle("qwen3.rope.scaling.factor", 2);
            writer.SetSingle("qwen3.rope.scaling.attn_factor", 1.25f);
        });
        using StoredModel model = StoredModel.Open(work["other.gguf"]);
        Conversion.ToGguf(model, work["again.gguf"]);
        using StoredModel again = StoredModel.Open(work["again.gguf"]);
        AssertSame(model, again);
    }

    [Theory]
    [InlineData(ModelFamily.Qwen2, LongRope)]
    [InlineData(ModelFamily.Qwen2Moe, LongRope)]
    [InlineData(ModelFamily.Qwen3, LongRope)]
    [InlineData(ModelFamily.Qwen3Moe, Llama3)]
    [InlineData(ModelFamily.Gemma, Llama3)]
    [InlineData(ModelFamily.Gemma2, Llama3)]
    [InlineData(ModelFamily.Phi3, Llama3)]
    public void Divisors_that_no_reader_asks_for_are_refused(ModelFamily family, string scaling)
    {
        using TemporaryFolder work = new();
        string message = Assert.Throws<InvalidInputException>(() => Plain(work, family, scaling)).Message;
        Assert.Contains("no words for rotary frequencies that are divided one by one; write a folder instead", message, StringComparison.Ordinal);
        Assert.False(File.Exists(work["model.gguf"]));
    }

    // A GGUF file of the family without a scaling, or with one.
    private static string Plain(TemporaryFolder work, ModelFamily family = ModelFamily.Mistral, string? scaling = null)
    {
        string config = FamilyFolder.Config(family);
        int old = scaling is null ? -1 : config.IndexOf("\"rope_scaling\"", StringComparison.Ordinal);
        if (old >= 0) config = config.Remove(old, config.IndexOf('}', old) + 1 - old).Replace(",,", ",", StringComparison.Ordinal);
        using FamilyFolder folder = new(family, config: scaling is null ? config : $"{config[..^1]},{scaling}}}");
        using StoredModel model = StoredModel.Open(folder.Path);
        Conversion.ToGguf(model, work["model.gguf"]);
        return work["model.gguf"];
    }

    private static void Scale(GgufWriter writer, string type, float factor, float attention)
    {
        writer.SetString("llama.rope.scaling.type", type);
        writer.SetSingle("llama.rope.scaling.factor", factor);
        writer.SetSingle("llama.rope.scaling.attn_factor", attention);
    }

    private static void AssertSame(StoredModel expected, StoredModel actual)
    {
        foreach (int context in (int[])[10, 40])
            Assert.Equal(RotaryFormulas.Of(expected.Configuration, 0, context), RotaryFormulas.Of(actual.Configuration, 0, context));
    }
}
