using System.Text.Json;
using Ration.Models;

namespace Ration.Files.HuggingFace;

/// <summary>A key that changes the arithmetic in models that have it.</summary>
/// <param name="Text">What it says there.</param>
/// <param name="Fits">Whether its value is what the model computes without it.</param>
internal sealed record ConfigMeaning(string Text, Func<UnaskedKey, ModelConfiguration, bool> Fits)
{
    private static readonly Dictionary<string, ConfigMeaning> s_all = new(StringComparer.Ordinal)
    {
        ["residual_multiplier"] = Factor("what blocks add is multiplied"),
        ["embedding_multiplier"] = Factor("embeddings are multiplied"),
        ["scale_emb"] = Factor("embeddings are multiplied"),
        ["embedding_scale"] = Factor("embeddings are multiplied"),
        ["logits_scaling"] = Factor("logits are divided"),
        ["logit_scale"] = Factor("logits are multiplied"),
        ["lm_head_multiplier"] = Factor("logits are multiplied"),
        ["mup_width_scale"] = Factor("logits are multiplied"),
        ["key_multiplier"] = Factor("keys are multiplied"),
        ["attention_in_multiplier"] = Factor("the inputs of attention are multiplied"),
        ["attention_out_multiplier"] = Factor("the outputs of attention are multiplied"),
        ["routed_scaling_factor"] = Factor("what experts give is multiplied"),
        ["scale_depth"] = Always("what blocks add is multiplied"),
        ["dim_model_base"] = new("logits are divided", static (k, m) => k.Is(m.Width)),
        ["attention_multiplier"] = new("scores are multiplied by another factor", static (k, m) => k.Is(1 / Math.Sqrt(m.AttentionScalar > 0 ? m.AttentionScalar : m.HeadDimension))),
        ["query_pre_attn_scalar"] = new("scores are divided by another root", static (k, m) => k.Is(m.AttentionScalar > 0 ? m.AttentionScalar : m.HeadDimension)),
        ["attn_logit_softcapping"] = new("scores are capped", static (k, m) => k.Is(m.AttentionSoftCap)),
        ["final_logit_softcapping"] = new("logits are capped", static (k, m) => k.Is(m.LogitSoftCap)),
        ["router_logit_softcapping"] = Number("the router's scores are capped", 0),
        ["clip_qkv"] = Number("queries, keys and values are clipped", 0),
        ["swiglu_limit"] = Number("the gate of the MLP is clipped", 0),
        ["attn_temperature_tuning"] = Number("scores grow with the place of the token", 0),
        ["alibi"] = Always("scores fall with distance"),
        ["use_alibi"] = Always("scores fall with distance"),
        ["max_alibi_bias"] = Number("scores fall with distance", 0),
        ["parallel_attn"] = Always("attention and MLP stand side by side"),
        ["use_parallel_residual"] = Always("attention and MLP stand side by side"),
        ["new_decoder_architecture"] = Always("blocks are those of Falcon"),
        ["multi_query"] = new("heads share one key and value", static (k, m) => k.Is(m.KvHeads == 1)),
        ["rope_interleaved"] = Always("neighbouring channels are rotated"),
        ["rope_interleave"] = Always("neighbouring channels are rotated"),
        ["rope_traditional"] = Always("neighbouring channels are rotated"),
        ["use_mrope"] = Always("tokens have places in space"),
        ["mrope_section"] = Always("tokens have places in space"),
        ["mrope_interleaved"] = Always("tokens have places in space"),
        ["short_mscale"] = Factor("rotated channels are multiplied"),
        ["long_mscale"] = Factor("rotated channels are multiplied"),
        ["attn_factor"] = Factor("rotated channels are multiplied"),
        ["extrapolation_factor"] = Factor("positions are stretched otherwise"),
        ["sliding_attention"] = Always("layers with a window are rotated otherwise"),
        ["full_attention"] = Always("layers without a window are rotated otherwise"),
        ["rope_scaling"] = Always("positions are rotated"),
        ["rope_theta"] = new("positions are rotated with another base", static (k, m) => m.Positions != PositionKind.Rotary || k.Is(m.RopeTheta)),
        ["rotary_emb_base"] = new("positions are rotated with another base", static (k, m) => k.Is(m.RopeTheta)),
        ["rotary_base"] = new("positions are rotated with another base", static (k, m) => k.Is(m.RopeTheta)),
        ["rope_local_base_freq"] = new("layers with a window are rotated with another base", static (k, m) => m.SlidingWindow == 0 || k.Is(m.RopeTheta)),
        ["partial_rotary_factor"] = new("a part of each head is rotated", static (k, m) => k.Is((double)m.RotatedChannels / m.HeadDimension)),
        ["rotary_pct"] = new("a part of each head is rotated", static (k, m) => k.Is((double)m.RotatedChannels / m.HeadDimension)),
        ["rotary_dim"] = new("a part of each head is rotated", static (k, m) => k.Is(m.RotatedChannels)),
        ["position_embedding_type"] = new("places enter in another way", static (k, m) => m.Positions == PositionKind.Rotary ? k.IsOneOf("rope", "rotary") : k.IsOneOf("absolute", "learned")),
        ["no_rope_layers"] = new("some layers do without rotary positions", static (k, _) => k.IsAll(static i => i.ValueKind == JsonValueKind.Number && i.TryGetInt32(out int n) && n == 1)),
        ["no_rope_layer_interval"] = Number("some layers do without rotary positions", 0),
        ["attention_chunk_size"] = Number("attention ends at the borders of chunks", 0),
        ["sliding_window"] = new("attention has a window", static (k, m) => k.Is(m.SlidingWindow)),
        ["sliding_window_pattern"] = new("some layers have a window", static (k, m) => m.SlidingWindow == 0 || k.Is(m.FullAttentionEvery)),
        ["_sliding_window_pattern"] = new("some layers have a window", static (k, m) => m.SlidingWindow == 0 || k.Is(m.FullAttentionEvery)),
        ["layer_types"] = new("layers are of several kinds", static (k, m) => m.SlidingWindow == 0 && k.IsAll(static i => i.ValueKind == JsonValueKind.String && i.ValueEquals("full_attention"u8))),
        ["per_layer_config"] = Always("layers differ from each other"),
        ["use_bidirectional_attention"] = Always("tokens see later ones"),
        ["is_causal"] = new("tokens see later ones", static (k, _) => k.Is(true)),
        ["is_encoder_decoder"] = Always("there is an encoder"),
        ["add_cross_attention"] = Always("there is attention to an encoder"),
        ["scale_attn_by_inverse_layer_idx"] = Always("scores are divided by the number of the layer"),
        ["scale_attn_weights"] = new("scores are not scaled", static (k, _) => k.Is(true)),
        ["full_attn_mod"] = Factor("some layers have a window"),
        ["interpolate_factor"] = Factor("positions are stretched"),
        ["kv_lora_rank"] = Number("keys and values are compressed", 0),
        ["q_lora_rank"] = Number("queries are compressed", 0),
        ["qk_rope_head_dim"] = Number("heads have a part that is rotated and one that is not", 0),
        ["qk_nope_head_dim"] = Number("heads have a part that is rotated and one that is not", 0),
        ["v_head_dim"] = new("values are of another width than keys", static (k, m) => k.Is(0) || k.Is(m.HeadDimension)),
        ["num_nextn_predict_layers"] = Number("further layers predict more tokens ahead", 0),
        ["num_kv_shared_layers"] = Number("layers share keys and values", 0),
        ["hidden_size_per_layer_input"] = Number("each layer has an embedding of its own", 0),
        ["first_k_dense_replace"] = Number("the first layers have no experts", 0),
        ["moe_layer_freq"] = Number("some layers have no experts", 1),
        ["decoder_sparse_step"] = new("some layers have no experts", static (k, m) => m.Experts == 0 || k.Is(1)),
        ["mlp_only_layers"] = new("some layers have no experts", static (_, m) => m.Experts == 0),
        ["mlp_layer_types"] = new("some layers have no experts", static (k, m) => k.IsAll(i => i.ValueKind == JsonValueKind.String && i.ValueEquals(m.Experts == 0 ? "dense" : "sparse"))),
        ["n_routed_experts"] = Experts("there are experts"),
        ["num_experts"] = Experts("there are experts"),
        ["num_local_experts"] = Experts("there are experts"),
        ["n_shared_experts"] = Number("there are shared experts", 0),
        ["shared_expert_intermediate_size"] = new("there is a shared expert", static (k, m) => k.Is(m.SharedExpertHiddenWidth)),
        ["num_experts_per_tok"] = new("another number of experts is asked", static (k, m) => m.Experts == 0 || k.Is(m.ExpertsPerToken)),
        ["moe_intermediate_size"] = new("experts are of another width", static (k, m) => m.Experts == 0 || k.Is(m.ExpertHiddenWidth)),
        ["norm_topk_prob"] = new("the weights of experts are scaled otherwise", static (k, m) => m.Experts == 0 || k.Is(m.NormalizeExpertWeights)),
        ["scoring_func"] = new("experts are weighed otherwise", static (k, _) => k.IsOneOf("softmax")),
        ["topk_method"] = new("experts are chosen otherwise", static (k, _) => k.IsOneOf("greedy")),
        ["n_group"] = Number("experts are chosen in groups", 1),
        ["topk_group"] = Number("experts are chosen in groups", 1),
        ["attention_bias"] = new("attention has biases", static (k, m) => k.Is(m.QueryKeyValueBiases)),
        ["qkv_bias"] = new("attention has biases", static (k, m) => k.Is(m.QueryKeyValueBiases)),
        ["use_qkv_bias"] = new("attention has biases", static (k, m) => k.Is(m.QueryKeyValueBiases)),
        ["mlp_bias"] = new("the MLP has biases", static (k, m) => k.Is(m.MlpBiases)),
        ["lm_head_bias"] = Always("the head has a bias"),
        ["bias"] = new("matrices have biases", static (k, m) => k.Is(m.MlpBiases)),
        ["use_bias"] = new("matrices have biases", static (k, m) => k.Is(m.MlpBiases)),
        ["use_qk_norm"] = Norms(),
        ["qk_norm"] = Norms(),
        ["qk_layernorm"] = Norms(),
        ["layer_norm_type"] = NormType(),
        ["norm_type"] = NormType(),
        ["layer_norm_epsilon"] = new("norms have another epsilon", static (k, m) => k.Is(m.NormEpsilon)),
        ["layer_norm_eps"] = new("norms have another epsilon", static (k, m) => k.Is(m.NormEpsilon)),
        ["norm_eps"] = new("norms have another epsilon", static (k, m) => k.Is(m.NormEpsilon)),
        ["rms_norm_eps"] = new("norms have another epsilon", static (k, m) => k.Is(m.NormEpsilon)),
        ["hidden_act"] = ActivationOf(),
        ["hidden_activation"] = ActivationOf(),
        ["activation_function"] = ActivationOf(),
        // GPT-2's sizes go by two names.
        ["hidden_size"] = new("the model is of another width", static (k, m) => k.Is(m.Width)),
        ["n_embd"] = new("the model is of another width", static (k, m) => k.Is(m.Width)),
        ["num_hidden_layers"] = new("there is another number of layers", static (k, m) => k.Is(m.Layers)),
        ["n_layer"] = new("there is another number of layers", static (k, m) => k.Is(m.Layers)),
        ["num_attention_heads"] = new("there is another number of heads", static (k, m) => k.Is(m.Heads)),
        ["n_head"] = new("there is another number of heads", static (k, m) => k.Is(m.Heads)),
        ["max_position_embeddings"] = new("there is another number of places", static (k, m) => k.Is(m.Context)),
        ["n_positions"] = new("there is another number of places", static (k, m) => k.Is(m.Context)),
        ["attn_output_gate"] = Always("the outputs of attention have a gate"),
        ["pruned_heads"] = Always("heads were removed"),
        ["quantization"] = Always("the weights are quantized in a form that is not known"),
        ["compression_config"] = Always("the weights are quantized in a form that is not known"),
    };

    /// <summary>The meaning of a key, or null where it is not known.</summary>
    public static ConfigMeaning? Find(string key) => s_all.GetValueOrDefault(key);

    /// <summary>Whether the model computes what the key says.</summary>
    public bool IsUsual(UnaskedKey key, ModelConfiguration model) => key.Value.ValueKind == JsonValueKind.Null || Fits(key, model);

    private static ConfigMeaning Factor(string text) => new(text, static (k, _) => k.Is(1));

    private static ConfigMeaning Number(string text, double usual) => new(text, (k, _) => k.IsEmpty || k.Is(usual) || k.Is(0));

    private static ConfigMeaning Always(string text) => new(text, static (k, _) => k.IsEmpty);

    private static ConfigMeaning Experts(string text) => new(text, static (k, m) => k.Is(0) || k.Is(m.Experts));

    private static ConfigMeaning Norms() => new("whether queries and keys are normalized", static (k, m) => k.Is(m.QueryKeyNorms));

    private static ConfigMeaning NormType() => new("norms are of another kind", static (k, m) =>
        m.Norm == NormKind.RootMeanSquare ? k.IsOneOf("rmsnorm", "rms_norm", "rms") : k.IsOneOf("layernorm", "layer_norm"));

    private static ConfigMeaning ActivationOf() => new("the MLP has another activation function", static (k, m) => m.Activation switch
    {
        MlpActivation.Silu => k.IsOneOf("silu", "swish"),
        MlpActivation.GeluTanh => k.IsOneOf("gelu_new", "gelu_pytorch_tanh", "gelu_fast"),
        _ => k.IsOneOf("gelu"),
    });
}
