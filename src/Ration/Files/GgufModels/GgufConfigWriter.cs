using Ration.Files.Gguf;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.GgufModels;

/// <summary>Puts a model's configuration into the metadata of a GGUF file, in the keys of llama.cpp.</summary>
internal sealed class GgufConfigWriter
{
    private const uint QuantizationVersion = 2;
    private const string Llama = "llama", Phi3 = "phi3";
    private readonly GgufWriter _writer;
    private readonly ModelConfiguration _model;
    private readonly string _architecture;

    private GgufConfigWriter(GgufWriter writer, ModelConfiguration model) => (_writer, _model, _architecture) = (writer, model, GgufArchitecture.NameOf(model.Family));

    /// <summary>Sets the keys, and declares the tensors with rotary divisors.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="model">The model, under the conventions of such files.</param>
    /// <param name="type">How its matrices are stored.</param>
    /// <returns>The rotary divisors by tensor.</returns>
    /// <exception cref="InvalidInputException">The files have no words for something in the model.</exception>
    public static IReadOnlyDictionary<string, float[]> Write(GgufWriter writer, ModelConfiguration model, DType type)
    {
        GgufConfigWriter config = new(writer, model);
        config.RequireWords();
        config.RequireAssumed();
        config.WriteGeneral(type);
        config.WriteSizes();
        config.WriteAttention();
        return model.Positions == PositionKind.Rotary ? config.WriteRotary() : new Dictionary<string, float[]>();
    }

    // Readers take these from the architecture.
    private void RequireWords()
    {
        bool tanh = GgufArchitecture.IsGemma(_model.Family) || _model.Family == ModelFamily.Gpt2;
        Require(_model.Activation == (tanh ? MlpActivation.GeluTanh : MlpActivation.Silu), $"the activation {_model.Activation}");
        Require(_model.RotaryScaling?.Kind != RotaryScalingKind.Ntk, "rotary frequencies that change with the length of the text (dynamic)");
        Require(_model.FirstWindowedLayer == 0, "attention windows that begin after the first layers");
        Require(_model.RotaryScaling?.Kind != RotaryScalingKind.Llama3 || _model.RotaryScaling.OriginalContext > 0, "a rotary scaling without its original context");
    }

    // These too: llama.cpp passes over the keys that say it.
    private void RequireAssumed()
    {
        bool normalized = _model.Family != ModelFamily.Qwen2Moe;
        Require(_model.Experts == 0 || _model.NormalizeExpertWeights == normalized, $"weights of experts that are {(normalized ? "not " : "")}normalized");
        Require(ScalarOf(_model.AttentionScalar) == ScalarOf(GgufArchitecture.AssumedScalar(_model)), $"attention scores that are divided by the root of {_model.AttentionScalar}");
    }

    private double ScalarOf(double scalar) => scalar == 0 ? _model.HeadDimension : scalar;

    private void Require(bool condition, string what)
    {
        if (!condition) throw new InvalidInputException($"model {_model.Name}: GGUF files of the architecture {_architecture} have no words for {what}; write a folder instead");
    }

    private void WriteGeneral(DType type)
    {
        _writer.SetString("general.architecture", _architecture);
        _writer.SetString("general.type", "model");
        _writer.SetString("general.name", _model.Name.Length == 0 ? "model" : _model.Name);
        _writer.SetUInt32("general.file_type", FileTypeOf(type));
        _writer.SetUInt32("general.quantization_version", QuantizationVersion);
        _writer.SetString(GgufArchitecture.FamilyKey, _model.Family.ToString());
        if (_model.TiedEmbeddings && GgufArchitecture.NeedsHead(_model.Family)) _writer.SetBoolean(GgufArchitecture.TiedKey, true);
    }

    private void WriteSizes()
    {
        Set("vocab_size", _model.Vocabulary);
        Set("context_length", _model.Context);
        Set("embedding_length", _model.Width);
        Set("block_count", _model.Layers);
        Set("feed_forward_length", _model.Family == ModelFamily.Mixtral ? _model.ExpertHiddenWidth : _model.HiddenWidth);
        if (_model.Experts == 0) return;
        Set("expert_count", _model.Experts);
        Set("expert_used_count", _model.ExpertsPerToken);
        if (_model.Family != ModelFamily.Mixtral) Set("expert_feed_forward_length", _model.ExpertHiddenWidth);
        if (_model.SharedExpertHiddenWidth > 0) Set("expert_shared_feed_forward_length", _model.SharedExpertHiddenWidth);
        _writer.SetBoolean(Key("expert_weights_norm"), _model.NormalizeExpertWeights);
    }

    private void WriteAttention()
    {
        Set("attention.head_count", _model.Heads);
        Set("attention.head_count_kv", _model.KvHeads);
        Set("attention.key_length", _model.HeadDimension);
        Set("attention.value_length", _model.HeadDimension);
        _writer.SetSingle(Key(_model.Norm == NormKind.Layer ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"), _model.NormEpsilon);
        // Phi-3's and Gemma 2's readers take a window of their own where the key is missing. 0 is none to Phi-3's, but hides all keys from half of Gemma 2's layers.
        int window = _model.Family == ModelFamily.Gemma2 && _model.SlidingWindow == 0 ? _model.Context : _model.SlidingWindow;
        if (window > 0 || _model.Family == ModelFamily.Phi3) Set("attention.sliding_window", window);
        int pattern = _model.Family switch { ModelFamily.Gemma2 => 2, ModelFamily.Gemma3 => 6, _ => 0 };
        if (_model.SlidingWindow > 0 && _model.FullAttentionEvery != pattern) Set("attention.sliding_window_pattern", _model.FullAttentionEvery);
        if (!GgufArchitecture.IsGemma(_model.Family) || _model.Family == ModelFamily.Gemma) return;
        if (_model.AttentionSoftCap > 0 || _model.Family == ModelFamily.Gemma2) _writer.SetSingle(Key("attn_logit_softcapping"), _model.AttentionSoftCap);
        if (_model.LogitSoftCap > 0 || _model.Family == ModelFamily.Gemma2) _writer.SetSingle(Key("final_logit_softcapping"), _model.LogitSoftCap);
    }

    private Dictionary<string, float[]> WriteRotary()
    {
        Set("rope.dimension_count", _model.RotaryDimension == 0 ? _model.HeadDimension : _model.RotaryDimension);
        _writer.SetSingle(Key("rope.freq_base"), (float)_model.RopeTheta);
        if (_model.LocalRopeTheta > 0) _writer.SetSingle(Key("rope.freq_base_swa"), (float)_model.LocalRopeTheta);
        Dictionary<string, float[]> divisors = new(StringComparer.Ordinal);
        if (_model.RotaryScaling is not { } scaling) return divisors;
        int original = scaling.OriginalContext > 0 ? scaling.OriginalContext : _model.Context;
        Set("rope.scaling.original_context_length", original);
        switch (scaling.Kind)
        {
            case RotaryScalingKind.Linear:
                _writer.SetString(Key("rope.scaling.type"), "linear");
                _writer.SetSingle(Key("rope.scaling.factor"), (float)scaling.Factor);
                break;
            case RotaryScalingKind.Yarn:
                _writer.SetString(Key("rope.scaling.type"), "yarn");
                _writer.SetSingle(Key("rope.scaling.factor"), (float)scaling.Factor);
                if (scaling.AttentionFactor is { } attention) SetAttentionFactor(attention / GgufRotary.YarnSharpeningOf(scaling.Factor));
                if (scaling.BetaFast != 32) _writer.SetSingle(Key("rope.scaling.yarn_beta_fast"), (float)scaling.BetaFast);
                if (scaling.BetaSlow != 1) _writer.SetSingle(Key("rope.scaling.yarn_beta_slow"), (float)scaling.BetaSlow);
                break;
            case RotaryScalingKind.Llama3:
                RequireDivisors(_architecture == Llama);
                divisors.Add(GgufRotary.Divisors, GgufRotary.DivisorsOf(_model, scaling));
                break;
            default:
                WriteLongRope(scaling, original, divisors);
                break;
        }

        return divisors;
    }

    private void WriteLongRope(RotaryScaling scaling, int original, Dictionary<string, float[]> divisors)
    {
        SetAttentionFactor(scaling.AttentionFactor ?? GgufRotary.SharpeningOf(_model.Context, original));
        float[] shorts = [.. scaling.ShortFactors.Select(static f => (float)f)], longs = [.. scaling.LongFactors.Select(static f => (float)f)];
        bool areSame = shorts.AsSpan().SequenceEqual(longs);
        if (areSame && _architecture == Llama)
        {
            divisors.Add(GgufRotary.Divisors, shorts);
        }
        else if (areSame && !shorts.AsSpan().ContainsAnyExcept(shorts[0]))
        {
            _writer.SetString(Key("rope.scaling.type"), "linear");
            _writer.SetSingle(Key("rope.scaling.factor"), shorts[0]);
        }
        else
        {
            RequireDivisors(_architecture is Llama or Phi3);
            // Of a phi3 file llama.cpp takes the tensors in any case, and its versions before December 2024 do not know the type.
            if (_architecture == Llama) _writer.SetString(Key("rope.scaling.type"), "longrope");
            divisors.Add(GgufRotary.ShortDivisors, shorts);
            divisors.Add(GgufRotary.LongDivisors, longs);
        }
    }

    // The graphs of other architectures have no such tensors, and llama.cpp opens no file with a tensor that it does not ask for.
    private void RequireDivisors(bool hasThem) => Require(hasThem, "rotary frequencies that are divided one by one");

    private void SetAttentionFactor(double factor)
    {
        if ((float)factor == 1) return;
        // To llama.cpp it is a factor in all layers.
        Require(_model.LocalRopeTheta == 0, "a factor on rotated channels in layers without a window alone");
        _writer.SetSingle(Key("rope.scaling.attn_factor"), (float)factor);
    }

    private void Set(string name, int value) => _writer.SetUInt32(Key(name), (uint)value);

    private string Key(string name) => $"{_architecture}.{name}";

    // llama.h, enum llama_ftype.
    private static uint FileTypeOf(DType type) => type switch
    {
        DType.F32 => 0,
        DType.F16 => 1,
        DType.Q4_0 => 2,
        DType.Q4_1 => 3,
        DType.Q8_0 => 7,
        DType.Q5_0 => 8,
        DType.Q5_1 => 9,
        DType.Q2_K => 10,
        DType.Q3_K => 11,
        DType.Q4_K => 14,
        DType.Q5_K => 16,
        DType.Q6_K => 18,
        DType.BF16 => 32,
        _ => throw new InvalidInputException($"GGUF files have no matrices in {type}; choose f32, f16, bf16, q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1, q4_0, q3_k or q2_k"),
    };
}
