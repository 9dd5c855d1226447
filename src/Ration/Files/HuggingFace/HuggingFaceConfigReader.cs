using System.Text.Json;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.HuggingFace;

/// <summary>
/// Takes a checked <see cref="HuggingFaceConfig"/> out of a parsed <c>config.json</c>. Each key that would change the arithmetic is honoured
/// or refused by name; <see cref="ConfigKeys"/> knows those that are not asked for here.
/// </summary>
internal sealed class HuggingFaceConfigReader
{
    private const int WidthLimit = 1 << 20, HiddenLimit = 1 << 22, LayerLimit = 10_000, HeadLimit = 1 << 14, VocabularyLimit = 4_000_000, ContextLimit = 1 << 30, ExpertLimit = 1 << 12;
    private const string BitsAndBytes = "bitsandbytes";
    private readonly ConfigObject _top;
    private readonly ConfigObject _text;
    private readonly HuggingFaceFamily _family;

    private HuggingFaceConfigReader(ConfigObject top)
    {
        _top = top;
        (_family, _text) = HuggingFaceFamily.Find(top);
    }

    /// <summary>Reads a parsed file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="root">What is in it.</param>
    /// <param name="name">How the model is to be called.</param>
    /// <exception cref="FileFormatException">A key is missing, out of range or not supported.</exception>
    /// <exception cref="InvalidInputException">The numbers do not fit each other.</exception>
    public static HuggingFaceConfig Read(string path, JsonElement root, string name) => new HuggingFaceConfigReader(new ConfigObject(path, root)).Read(name);

    private HuggingFaceConfig Read(string name)
    {
        DType? quantization = Quantization();
        ModelConfiguration model = (_family.Family == ModelFamily.Gpt2 ? Gpt2() : WithFamily(Common())) with { Name = name };
        model.Validate();
        int[] ends = _top.Integers("eos_token_id", -1, VocabularyLimit);
        if (ends.Length == 0) ends = _text.Integers("eos_token_id", -1, VocabularyLimit);
        return new HuggingFaceConfig
        {
            Model = model,
            ElementType = ElementType(),
            Quantization = quantization,
            Tokenizer = _top.Object("ration")?.Text("tokenizer"),
            BeginningId = Beginning() is >= 0 and var beginning ? beginning : null,
            EndIds = [.. ends.Where(static id => id >= 0)],
            // Last, when all that is asked for has been.
            UnknownKeys = ConfigKeys.Judge(_top, model),
        };
    }

    // Where the text model is one of several, its own object may say it; the classes of Gemma have the token 2 where nothing does.
    private int? Beginning()
    {
        const string Key = "bos_token_id";
        int? usual = _family.Family is ModelFamily.Gemma or ModelFamily.Gemma2 or ModelFamily.Gemma3 ? 2 : null;
        return (_top.Names(Key) ? _top : _text).OptionalInteger(Key, -1, VocabularyLimit, usual);
    }

    private ModelConfiguration Common()
    {
        int width = _text.Integer("hidden_size", 1, WidthLimit);
        int heads = _text.Integer("num_attention_heads", 1, HeadLimit, _family.Heads);
        int kvHeads = _text.OptionalInteger("num_key_value_heads", 1, heads, _family.KvHeads) ?? heads;
        if (heads % kvHeads != 0) throw _text.Fault($"num_attention_heads {heads} is not a multiple of num_key_value_heads {kvHeads}", "make it one");
        int head = _text.Integer("head_dim", 2, HeadLimit, _family.HeadDimension ?? width / heads);
        if (head < 2 || head % 2 != 0) throw _text.Fault($"head_dim {head} is odd", "rotary positions need an even one");
        int context = _text.Integer("max_position_embeddings", 1, ContextLimit, _family.Context);
        HuggingFaceRotary rotary = HuggingFaceRotary.Read(_text, _family, head, context);
        return new ModelConfiguration
        {
            Name = "",
            Family = _family.Family,
            Vocabulary = _text.Integer("vocab_size", 1, VocabularyLimit, _family.Vocabulary),
            Width = width,
            HiddenWidth = _text.Integer("intermediate_size", 1, HiddenLimit),
            Layers = _text.Integer("num_hidden_layers", 1, LayerLimit),
            Heads = heads,
            KvHeads = kvHeads,
            HeadDimension = head,
            Context = rotary.Stretched(context),
            RopeTheta = rotary.Theta,
            LocalRopeTheta = rotary.LocalTheta,
            RotaryScaling = rotary.Scaling,
            RotaryDimension = rotary.Dimension,
            NormEpsilon = (float)_text.Real("rms_norm_eps", 1e-30, 0.5, _family.NormEpsilon),
            TiedEmbeddings = Tied(),
            Activation = Activation("hidden_act", "silu"),
        };
    }

    private ModelConfiguration WithFamily(ModelConfiguration model) => _family.Family switch
    {
        ModelFamily.Llama => model with { QueryKeyValueBiases = _text.Flag("attention_bias"), AttentionOutputBias = _text.Flag("attention_bias"), MlpBiases = _text.Flag("mlp_bias") },
        ModelFamily.Mistral or ModelFamily.Phi3 => Windows(model, always: true),
        ModelFamily.Mixtral => Experts(Windows(model, always: true), "num_local_experts") with { ExpertHiddenWidth = model.HiddenWidth, NormalizeExpertWeights = true },
        ModelFamily.Qwen2 => Windows(model, always: false) with { QueryKeyValueBiases = true },
        ModelFamily.Qwen3 => QueryKeyNorms(Windows(model, always: false)),
        ModelFamily.Qwen2Moe => Experts(Windows(model, always: false), "num_experts") with { QueryKeyValueBiases = _text.Flag("qkv_bias", true) },
        ModelFamily.Qwen3Moe => QueryKeyNorms(Experts(Windows(model, always: false), _text.Has("num_experts") ? "num_experts" : "num_local_experts")),
        _ => Gemma(model),
    };

    private ModelConfiguration QueryKeyNorms(ModelConfiguration model)
    {
        bool biases = _text.Flag("attention_bias");
        return model with { QueryKeyNorms = true, QueryKeyValueBiases = biases, AttentionOutputBias = biases };
    }

    private ModelConfiguration Windows(ModelConfiguration model, bool always)
    {
        bool used = always || _text.Flag("use_sliding_window");
        // Without windows their size is written all the same.
        if (!used) _text.PassOver("sliding_window");
        int window = used ? _text.OptionalInteger("sliding_window", 1, ContextLimit, _family.SlidingWindow) ?? 0 : 0;
        LayerWindows layers = _family.Family switch
        {
            // Their classes know of no layer types: where there is a window, all layers have it.
            ModelFamily.Mistral or ModelFamily.Mixtral or ModelFamily.Phi3 or ModelFamily.Qwen3Moe => new LayerWindows(window > 0, 0, 0),
            ModelFamily.Qwen2Moe => new LayerWindows(window > 0, window > 0 ? 2 : 0, 0),
            _ => new LayerWindows(window > 0, 0, window > 0 ? _text.Integer("max_window_layers", 0, LayerLimit, 28) : 0),
        };
        if (_family.Family == ModelFamily.Qwen2Moe && window > 0 && _text.Integer("max_window_layers", 0, LayerLimit, 28) < model.Layers && !_text.Has("layer_types"))
            throw _text.Fault("max_window_layers ends the windows before the last layer", "this is not supported for this family; give layer_types");
        return layers.OrOf(_text, model.Layers, mayDiffer: _family.Family is ModelFamily.Qwen2 or ModelFamily.Qwen3 or ModelFamily.Qwen2Moe).Apply(model, window);
    }

    private ModelConfiguration Experts(ModelConfiguration model, string countKey)
    {
        if (_text.Integer("decoder_sparse_step", 0, LayerLimit, 1) != 1)
            throw _text.Fault("decoder_sparse_step is not 1", "only models with experts in every layer are supported");
        if (_text.Integers("mlp_only_layers", 0, LayerLimit).Length > 0)
            throw _text.Fault("mlp_only_layers is not empty", "only models with experts in every layer are supported");
        int experts = _text.Integer(countKey, 1, ExpertLimit, _family.Experts);
        return model with
        {
            Experts = experts,
            ExpertsPerToken = _text.Integer("num_experts_per_tok", 1, experts, Math.Min(experts, _family.ExpertsPerToken)),
            ExpertHiddenWidth = _text.Integer("moe_intermediate_size", 1, HiddenLimit, _family.ExpertHiddenWidth == 0 ? 1 : _family.ExpertHiddenWidth),
            SharedExpertHiddenWidth = _family.SharedExpertHiddenWidth == 0 ? 0 : _text.Integer("shared_expert_intermediate_size", 1, HiddenLimit, _family.SharedExpertHiddenWidth),
            NormalizeExpertWeights = _text.Flag("norm_topk_prob"),
        };
    }

    private ModelConfiguration Gemma(ModelConfiguration model)
    {
        const string Causal = "only models that see earlier tokens alone are supported";
        _text.Require("use_bidirectional_attention", false, Causal);
        bool biases = _text.Flag("attention_bias");
        model = model with
        {
            NormGainOffset = 1,
            EmbeddingScale = (float)Math.Sqrt(model.Width),
            QueryKeyValueBiases = biases,
            AttentionOutputBias = biases,
            Activation = Activation("hidden_activation", "gelu_pytorch_tanh"),
        };
        if (_family.Family == ModelFamily.Gemma)
        {
            // Google's first files say "gelu" in hidden_act and mean, as their class did, the tanh approximation.
            if (_text.Text("hidden_act") is { } act && act is not ("gelu" or "gelu_pytorch_tanh"))
                throw _text.Fault($"hidden_act is {InvalidInputException.Quote(act)}", "only gelu_pytorch_tanh is supported");
            return model;
        }

        int window = _text.OptionalInteger("sliding_window", 1, ContextLimit, _family.SlidingWindow) ?? 0;
        int every = _family.Family == ModelFamily.Gemma2 ? 2 : _text.Integer("sliding_window_pattern", 1, LayerLimit, _text.Integer("_sliding_window_pattern", 1, LayerLimit, 6));
        LayerWindows layers = every == 1 ? default : new LayerWindows(window > 0, window > 0 ? every : 0, 0);
        return layers.OrOf(_text, model.Layers, mayDiffer: true).Apply(model, window) with
        {
            PostNorms = true,
            QueryKeyNorms = _family.Family == ModelFamily.Gemma3,
            AttentionScalar = _text.Real("query_pre_attn_scalar", 1e-3, 1e9, 256),
            AttentionSoftCap = (float)(_text.OptionalReal("attn_logit_softcapping", 1e-3, 1e9, _family.AttentionSoftCap) ?? 0),
            LogitSoftCap = (float)(_text.OptionalReal("final_logit_softcapping", 1e-3, 1e9, _family.LogitSoftCap) ?? 0),
        };
    }

    private ModelConfiguration Gpt2()
    {
        _text.Require("scale_attn_weights", true, "only models with scaled scores are supported");
        _text.Require("scale_attn_by_inverse_layer_idx", false, "only models with equal layers are supported");
        _text.Require("add_cross_attention", false, "only decoders without an encoder are supported");
        int width = _text.Integer("n_embd", 1, WidthLimit);
        int heads = _text.Integer("n_head", 1, HeadLimit);
        if (width % heads != 0) throw _text.Fault($"n_embd {width} is not a multiple of n_head {heads}", "make it one");
        return new ModelConfiguration
        {
            Name = "",
            Family = ModelFamily.Gpt2,
            Vocabulary = _text.Integer("vocab_size", 1, VocabularyLimit),
            Width = width,
            HiddenWidth = _text.Integer("n_inner", 1, HiddenLimit, 4 * width),
            Layers = _text.Integer("n_layer", 1, LayerLimit),
            Heads = heads,
            KvHeads = heads,
            HeadDimension = width / heads,
            Context = _text.Integer("n_positions", 1, ContextLimit, _family.Context),
            NormEpsilon = (float)_text.Real("layer_norm_epsilon", 1e-30, 0.5, _family.NormEpsilon),
            TiedEmbeddings = Tied(),
            Activation = Activation("activation_function", "gelu_new"),
            Norm = NormKind.Layer,
            Positions = PositionKind.Learned,
            QueryKeyValueBiases = true,
            AttentionOutputBias = true,
            MlpBiases = true,
            GatedMlp = false,
        };
    }

    private bool Tied() => _text.Has("tie_word_embeddings") ? _text.Flag("tie_word_embeddings") : _top.Flag("tie_word_embeddings", _family.Tied);

    private MlpActivation Activation(string key, string fallback)
    {
        // Gemma's own key comes later.
        if (_family.Family is ModelFamily.Gemma or ModelFamily.Gemma2 or ModelFamily.Gemma3 && key == "hidden_act")
        {
            _text.PassOver(key);
            return MlpActivation.GeluTanh;
        }

        string name = _text.Text(key) ?? fallback;
        return name switch
        {
            "silu" or "swish" => MlpActivation.Silu,
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => MlpActivation.GeluTanh,
            "gelu" => MlpActivation.Gelu,
            _ => throw _text.Fault($"{key} is {InvalidInputException.Quote(name)}", "silu, gelu and gelu_pytorch_tanh are supported"),
        };
    }

    private DType ElementType()
    {
        const string Module = "torch.";
        string name = _top.Text("dtype") ?? _top.Text("torch_dtype") ?? _text.Text("dtype") ?? _text.Text("torch_dtype") ?? "float32";
        return (name.StartsWith(Module, StringComparison.Ordinal) ? name[Module.Length..] : name) switch
        {
            "float32" => DType.F32,
            "bfloat16" => DType.BF16,
            "float16" => DType.F16,
            _ => throw _top.Fault($"torch_dtype is {InvalidInputException.Quote(name)}", "only float32, bfloat16 and float16 are supported"),
        };
    }

    // Four-bit weights say themselves how they are stored; other ways would be taken for plain numbers.
    private DType? Quantization()
    {
        if (_top.Object("quantization_config") is not { } config) return null;
        string method = config.Text("quant_method") ?? (config.Has("load_in_4bit") ? BitsAndBytes : "an unnamed method");
        if (method != BitsAndBytes || !config.Flag("load_in_4bit") || config.Flag("load_in_8bit"))
            throw _top.Fault($"the weights are quantized by {InvalidInputException.Quote(method)} (quantization_config)", "use the model's unquantized version, or one of 4 bits by bitsandbytes");
        if ((config.Text("bnb_4bit_quant_storage") ?? "uint8") != "uint8") throw _top.Fault("the 4-bit weights are not stored in bytes (bnb_4bit_quant_storage)", "use a version stored in uint8");
        bool nested = config.Flag("bnb_4bit_use_double_quant");
        string kind = config.Text("bnb_4bit_quant_type") ?? "fp4";
        return kind switch
        {
            "nf4" => nested ? DType.NF4Double : DType.NF4,
            "fp4" => nested ? DType.FP4Double : DType.FP4,
            _ => throw _top.Fault($"bnb_4bit_quant_type is {InvalidInputException.Quote(kind)}", "nf4 and fp4 are supported"),
        };
    }
}
