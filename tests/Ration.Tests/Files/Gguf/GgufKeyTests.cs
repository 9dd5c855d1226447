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
    [MemberData(nameof(ModelConverterTests.Families), MemberType = typeof(ModelConverterTests))]
    public void What_is_written_is_read_without_a_word(ModelFamily family)
    {
        Open(static _ => { }, out IReadOnlyList<string> unknown, family);
        Assert.Equal([], unknown);
    }

    private static string Refusal(Action<GgufWriter> more) => Assert.Throws<FileFormatException>(() => Open(more, out _)).Message;

    private static void Open(Action<GgufWriter> more, out IReadOnlyList<string> unknown, ModelFamily family = ModelFamily.Llama)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Tokenizer = more });
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        unknown = gguf.UnknownKeys;
    }
}
