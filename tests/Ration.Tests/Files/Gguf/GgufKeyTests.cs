using Ration.Files;
using Ration.Files.Gguf;
using Ration.Models;

namespace Ration.Tests.Files.Gguf;

/// <summary>Metadata of an architecture that no reader asks for.</summary>
public sealed class GgufKeyTests
{
    [Theory]
    [InlineData("logit_scale", 0.0625f)]
    [InlineData("residual_scale", 0.22f)]
    [InlineData("embedding_scale", 12f)]
    [InlineData("attn_logit_softcapping", 50f)]
    [InlineData("attention.clamp_kqv", 8f)]
    [InlineData("attention.max_alibi_bias", 8f)]
    [InlineData("rope.freq_base_swa", 10000f)]
    public void What_would_change_the_arithmetic_is_refused_by_name(string key, float value)
    {
        string message = Refusal(writer => writer.SetSingle("llama." + key, value));
        Assert.Contains($"llama.{key} is ", message, StringComparison.Ordinal);
        Assert.Contains("which says that", message, StringComparison.Ordinal);
    }

    [Fact]
    public void So_are_truths_and_counts()
    {
        Assert.Contains("llama.attention.causal is false", Refusal(static w => w.SetBoolean("llama.attention.causal", false)), StringComparison.Ordinal);
        Assert.Contains("llama.nextn_predict_layers is 1", Refusal(static w => w.SetUInt32("llama.nextn_predict_layers", 1)), StringComparison.Ordinal);
    }

    [Fact]
    public void Neutral_values_are_passed_over_and_unknown_keys_are_named()
    {
        Open(static writer =>
        {
            writer.SetSingle("llama.logit_scale", 1);
            writer.SetSingle("llama.attention.clamp_kqv", 0);
            writer.SetBoolean("llama.attention.causal", true);
            writer.SetUInt32("llama.vocab_size", 31);
            writer.SetUInt32("llama.something_new", 3);
            writer.SetUInt32("other.something", 3);
        }, out IReadOnlyList<string> unknown);
        Assert.Equal(["llama.something_new"], unknown);
    }

    [Theory]
    [InlineData("\e[2J a\u202Emodel\n", "[2J amodel")]
    [InlineData("モデル 🙂", "モデル 🙂")]
    public void A_name_cannot_move_a_terminal_s_cursor(string name, string shown) =>
        Assert.Equal(shown, Open(writer => writer.SetString("general.name", name), out _).Name);

    [Theory]
    [MemberData(nameof(ModelConverterTests.Families), MemberType = typeof(ModelConverterTests))]
    public void What_is_written_is_read_without_a_word(ModelFamily family)
    {
        Open(static _ => { }, out IReadOnlyList<string> unknown, family);
        Assert.Equal([], unknown);
    }

    [Theory]
    [InlineData("output.bias")]
    [InlineData("output_norm.bias")]
    [InlineData("token_embd_norm.weight")]
    [InlineData("cls.output.weight")]
    [InlineData("blk.0.attn_sub_norm.weight")]
    public void A_tensor_that_the_model_does_not_have_is_refused_by_name(string name)
    {
        using FamilyFolder folder = new(ModelFamily.Qwen2);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["model.gguf"]);
        GgufRewrite.Save(work["model.gguf"], work["other.gguf"], null, (name, [1, 2, 3]));
        GgufFileTests.Fault($"it has a tensor '{name}', which a model of this configuration does not have", () => StoredModel.Open(work["other.gguf"]));
        // The same in a way of storing that is not read: after the name come rank and size.
        byte[] bytes = File.ReadAllBytes(work["other.gguf"]);
        int type = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(name)) + name.Length + sizeof(uint) + sizeof(ulong);
        BitConverter.GetBytes(999).CopyTo(bytes, type);
        work.Write("other.gguf", bytes);
        GgufFileTests.Fault($"it has a tensor '{name}'", () => StoredModel.Open(work["other.gguf"]));
    }

    private static string Refusal(Action<GgufWriter> more) => Assert.Throws<FileFormatException>(() => Open(more, out _)).Message;

    private static ModelConfiguration Open(Action<GgufWriter> more, out IReadOnlyList<string> unknown, ModelFamily family = ModelFamily.Llama)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Tokenizer = more });
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        unknown = gguf.UnknownKeys;
        return gguf.Configuration;
    }
}
