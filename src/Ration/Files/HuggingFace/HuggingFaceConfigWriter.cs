using System.Globalization;
using System.Text.Json;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.HuggingFace;

/// <summary>Writes a <c>config.json</c> as the family's published configuration class would, in the keys that old and new readers know.</summary>
internal sealed class HuggingFaceConfigWriter(Utf8JsonWriter json, HuggingFaceConfig config)
{
    private readonly ModelConfiguration _model = config.Model;
    private readonly HuggingFaceFamily _family = HuggingFaceFamily.Of(config.Model.Family);

    /// <summary>The name of an element type in these files.</summary>
    public static string NameOf(DType type) => type switch
    {
        DType.F32 => "float32",
        DType.BF16 => "bfloat16",
        DType.F16 => "float16",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "weights are stored as float32, bfloat16 or float16"),
    };

    /// <summary>Writes the object.</summary>
    public void Write()
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(_family.Architecture);
        json.WriteEndArray();
        json.WriteString("model_type", _family.ModelType);
        json.WriteNumber("vocab_size", _model.Vocabulary);
        json.WriteBoolean("tie_word_embeddings", _model.TiedEmbeddings);
        json.WriteString("torch_dtype", NameOf(config.ElementType));
        WriteTokens();
        if (config.Quantization is { } quantization) WriteQuantization(quantization);
        if (_model.Family == ModelFamily.Gpt2) WriteGpt2();
        else WriteCommon();
        if (config.Tokenizer is not null)
        {
            json.WriteStartObject("ration");
            json.WriteString("tokenizer", config.Tokenizer);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    // What transformers writes for such weights, and reads to load them.
    private void WriteQuantization(DType type)
    {
        json.WriteStartObject("quantization_config");
        json.WriteBoolean("_load_in_4bit", true);
        json.WriteBoolean("_load_in_8bit", false);
        json.WriteString("bnb_4bit_compute_dtype", NameOf(config.ElementType));
        json.WriteString("bnb_4bit_quant_storage", "uint8");
        json.WriteString("bnb_4bit_quant_type", type is DType.NF4 or DType.NF4Double ? "nf4" : "fp4");
        json.WriteBoolean("bnb_4bit_use_double_quant", type is DType.NF4Double or DType.FP4Double);
        json.WriteBoolean("llm_int8_enable_fp32_cpu_offload", false);
        json.WriteBoolean("llm_int8_has_fp16_weight", false);
        json.WriteStartArray("llm_int8_skip_modules");
        json.WriteStringValue("lm_head");
        json.WriteEndArray();
        json.WriteNumber("llm_int8_threshold", 6.0);
        json.WriteBoolean("load_in_4bit", true);
        json.WriteBoolean("load_in_8bit", false);
        json.WriteString("quant_method", "bitsandbytes");
        json.WriteEndObject();
    }

    // Left out, readers assume ids 1 and 2, which are ordinary tokens of other vocabularies.
    private void WriteTokens()
    {
        if (config.BeginningId is { } beginning) json.WriteNumber("bos_token_id", beginning);
        else json.WriteNull("bos_token_id");
        if (config.EndIds.Count == 0) json.WriteNull("eos_token_id");
        else if (config.EndIds.Count == 1) json.WriteNumber("eos_token_id", config.EndIds[0]);
        else
        {
            json.WriteStartArray("eos_token_id");
            foreach (int id in config.EndIds) json.WriteNumberValue(id);
            json.WriteEndArray();
        }
    }

    private void WriteCommon()
    {
        json.WriteNumber("hidden_size", _model.Width);
        json.WriteNumber("intermediate_size", _model.Family == ModelFamily.Mixtral ? _model.ExpertHiddenWidth : _model.HiddenWidth);
        json.WriteNumber("num_hidden_layers", _model.Layers);
        json.WriteNumber("num_attention_heads", _model.Heads);
        json.WriteNumber("num_key_value_heads", _model.KvHeads);
        json.WriteNumber("head_dim", _model.HeadDimension);
        json.WriteNumber("max_position_embeddings", _model.Context);
        WriteReal("rms_norm_eps", Exact(_model.NormEpsilon));
        WriteRotary();
        string activation = NameOf(_model.Activation);
        json.WriteString("hidden_act", activation);
        switch (_model.Family)
        {
            case ModelFamily.Llama:
                json.WriteBoolean("attention_bias", _model.QueryKeyValueBiases);
                json.WriteBoolean("mlp_bias", _model.MlpBiases);
                break;
            case ModelFamily.Mistral or ModelFamily.Phi3:
                WriteWindow();
                break;
            case ModelFamily.Mixtral:
                WriteWindow();
                json.WriteNumber("num_local_experts", _model.Experts);
                json.WriteNumber("num_experts_per_tok", _model.ExpertsPerToken);
                break;
            case ModelFamily.Gemma or ModelFamily.Gemma2 or ModelFamily.Gemma3:
                WriteGemma(activation);
                break;
            default:
                WriteQwen();
                break;
        }
    }

    private void WriteWindow()
    {
        if (_model.SlidingWindow > 0) json.WriteNumber("sliding_window", _model.SlidingWindow);
        else json.WriteNull("sliding_window");
    }

    private void WriteQwen()
    {
        bool windows = _model.SlidingWindow > 0;
        json.WriteBoolean("use_sliding_window", windows);
        WriteWindow();
        if (_model.Family != ModelFamily.Qwen3Moe)
        {
            json.WriteNumber("max_window_layers", windows && _model.Family != ModelFamily.Qwen2Moe ? _model.FirstWindowedLayer : _model.Layers);
            if (windows) WriteLayerTypes();
        }

        if (_model.Family == ModelFamily.Qwen2Moe) json.WriteBoolean("qkv_bias", _model.QueryKeyValueBiases);
        if (_model.Family is ModelFamily.Qwen3 or ModelFamily.Qwen3Moe) json.WriteBoolean("attention_bias", _model.QueryKeyValueBiases);
        if (_model.Experts == 0) return;
        json.WriteNumber("num_experts", _model.Experts);
        json.WriteNumber("num_experts_per_tok", _model.ExpertsPerToken);
        json.WriteNumber("moe_intermediate_size", _model.ExpertHiddenWidth);
        if (_model.Family == ModelFamily.Qwen2Moe) json.WriteNumber("shared_expert_intermediate_size", _model.SharedExpertHiddenWidth);
        json.WriteBoolean("norm_topk_prob", _model.NormalizeExpertWeights);
        json.WriteNumber("decoder_sparse_step", 1);
        json.WriteStartArray("mlp_only_layers");
        json.WriteEndArray();
    }

    private void WriteGemma(string activation)
    {
        json.WriteString("hidden_activation", activation);
        json.WriteBoolean("attention_bias", _model.QueryKeyValueBiases);
        if (_model.Family == ModelFamily.Gemma) return;
        WriteReal("query_pre_attn_scalar", _model.AttentionScalar);
        WriteCap("attn_logit_softcapping", _model.AttentionSoftCap);
        WriteCap("final_logit_softcapping", _model.LogitSoftCap);
        WriteWindow();
        if (_model.Family == ModelFamily.Gemma3) json.WriteNumber("sliding_window_pattern", _model.FullAttentionEvery == 0 ? 6 : _model.FullAttentionEvery);
        WriteLayerTypes();
    }

    private void WriteGpt2()
    {
        json.WriteNumber("n_embd", _model.Width);
        json.WriteNumber("n_inner", _model.HiddenWidth);
        json.WriteNumber("n_layer", _model.Layers);
        json.WriteNumber("n_head", _model.Heads);
        json.WriteNumber("n_positions", _model.Context);
        json.WriteNumber("n_ctx", _model.Context);
        WriteReal("layer_norm_epsilon", Exact(_model.NormEpsilon));
        json.WriteString("activation_function", _model.Activation == MlpActivation.GeluTanh ? "gelu_new" : NameOf(_model.Activation));
    }

    private void WriteRotary()
    {
        WriteReal("rope_theta", _model.RopeTheta);
        if (_model.Family == ModelFamily.Gemma3) WriteReal("rope_local_base_freq", _model.LocalRopeTheta);
        if (_model.RotaryDimension > 0) WriteReal("partial_rotary_factor", (double)_model.RotaryDimension / _model.HeadDimension);
        if (_model.RotaryScaling is not { } scaling) return;
        if (_model.Family == ModelFamily.Phi3 && scaling.OriginalContext > 0) json.WriteNumber("original_max_position_embeddings", scaling.OriginalContext);
        json.WriteStartObject("rope_scaling");
        json.WriteString("rope_type", NameOf(scaling.Kind));
        // Readers before 4.43 of the reference library know the type under this key.
        json.WriteString("type", NameOf(scaling.Kind));
        WriteReal("factor", scaling.Factor);
        if (scaling.OriginalContext > 0) json.WriteNumber("original_max_position_embeddings", scaling.OriginalContext);
        if (scaling.AttentionFactor is { } attention) WriteReal("attention_factor", attention);
        if (scaling.Kind == RotaryScalingKind.Llama3)
        {
            WriteReal("low_freq_factor", scaling.LowFrequencyFactor);
            WriteReal("high_freq_factor", scaling.HighFrequencyFactor);
        }
        else if (scaling.Kind == RotaryScalingKind.Yarn)
        {
            WriteReal("beta_fast", scaling.BetaFast);
            WriteReal("beta_slow", scaling.BetaSlow);
        }
        else if (scaling.Kind == RotaryScalingKind.LongRope)
        {
            WriteReals("short_factor", scaling.ShortFactors);
            WriteReals("long_factor", scaling.LongFactors);
        }

        json.WriteEndObject();
    }

    private void WriteLayerTypes()
    {
        json.WriteStartArray("layer_types");
        foreach (string type in LayerWindows.TypesOf(_model)) json.WriteStringValue(type);
        json.WriteEndArray();
    }

    private void WriteCap(string key, float cap)
    {
        if (cap > 0) WriteReal(key, Exact(cap));
        else json.WriteNull(key);
    }

    private void WriteReals(string key, IReadOnlyList<double> values)
    {
        json.WriteStartArray(key);
        foreach (double value in values) json.WriteRawValue(Print(value));
        json.WriteEndArray();
    }

    private void WriteReal(string key, double value)
    {
        json.WritePropertyName(key);
        json.WriteRawValue(Print(value));
    }

    // Always with a point or an exponent: strict readers take 10000 for an integer.
    private static string Print(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0";
    }

    // The shortest decimal of a float, not the float's own long expansion.
    private static double Exact(float value) => double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string NameOf(MlpActivation activation) => activation switch
    {
        MlpActivation.Silu => "silu",
        MlpActivation.GeluTanh => "gelu_pytorch_tanh",
        _ => "gelu",
    };

    private static string NameOf(RotaryScalingKind kind) => kind switch
    {
        RotaryScalingKind.Linear => "linear",
        RotaryScalingKind.Ntk => "dynamic",
        RotaryScalingKind.Yarn => "yarn",
        RotaryScalingKind.Llama3 => "llama3",
        _ => "longrope",
    };
}
