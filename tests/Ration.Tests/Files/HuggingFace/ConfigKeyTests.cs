using Ration.Files;
using Ration.Models;

namespace Ration.Tests.Files.HuggingFace;

/// <summary>Keys of configurations that no family's reader asks for: passed over, named, or refused by what they mean.</summary>
public sealed class ConfigKeyTests
{
    // What published models of each family have, in the keys that their libraries wrote over the years.
    private const string Generic = """
        "_name_or_path":"./x","_commit_hash":null,"_attn_implementation_autoset":true,"transformers_version":"4.48.0","auto_map":{"AutoConfig":"configuration_x.Config"},
        "return_dict":true,"output_hidden_states":false,
        "output_attentions":false,"torchscript":false,"use_bfloat16":false,"tf_legacy_loss":false,"pruned_heads":{},"chunk_size_feed_forward":0,"is_encoder_decoder":false,"is_decoder":false,
        "cross_attention_hidden_size":null,"add_cross_attention":false,"tie_encoder_decoder":false,"max_length":20,"min_length":0,"do_sample":false,"num_beams":1,
        "num_beam_groups":1,"diversity_penalty":0.0,
        "temperature":1.0,"top_k":50,"top_p":1.0,"typical_p":1.0,"repetition_penalty":1.0,"length_penalty":1.0,"no_repeat_ngram_size":0,"bad_words_ids":null,
        "num_return_sequences":1,"problem_type":null,
        "id2label":{"0":"LABEL_0"},"label2id":{"LABEL_0":0},"tokenizer_class":null,"prefix":null,"pad_token_id":0,"sep_token_id":null,"task_specific_params":null,"use_cache":true,
        "initializer_range":0.02,
        "unsloth_fixed":true,"unsloth_version":"2025.1.1","bos_token_id":1,"eos_token_id":[2,3]
        """;

    private static readonly Published[] s_published =
    [
        new(ModelFamily.Llama, """
            "architectures":["LlamaForCausalLM"],"hidden_act":"silu","max_sequence_length":2048,"pretraining_tp":1,"rope_scaling":null,"torch_dtype":"float16",
            "tie_word_embeddings":false
            """),
        new(ModelFamily.Llama, """
            "architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"head_dim":8,"mlp_bias":false,"pretraining_tp":1,"rope_theta":500000.0,
            "rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"}
            """),
        // As version 5 of the library writes them.
        new(ModelFamily.Llama, """
            "architectures":["LlamaForCausalLM"],"dtype":"bfloat16","rope_parameters":{"rope_theta":500000.0,"rope_type":"default"},"attention_bias":false,"mlp_bias":false,
            "head_dim":8,"pretraining_tp":1
            """),
        new(ModelFamily.Gemma3, """
            "architectures":["Gemma3ForCausalLM"],"model_type":"gemma3_text","_sliding_window_pattern":2,"layer_types":["sliding_attention","full_attention"],"sliding_window":16,
            "use_bidirectional_attention":false,"head_dim":8,
            "rope_parameters":{"full_attention":{"rope_type":"linear","factor":8.0,"rope_theta":1000000.0},"sliding_attention":{"rope_type":"default","rope_theta":10000.0}}
            """),
        new(ModelFamily.Phi3, """
            "architectures":["Phi3ForCausalLM"],"rope_parameters":{"partial_rotary_factor":1.0,"rope_theta":10000.0,"rope_type":"default"},"original_max_position_embeddings":64,
            "sliding_window":null
            """),
        new(ModelFamily.Qwen2Moe, """
            "architectures":["Qwen2MoeForCausalLM"],"layer_types":["full_attention","full_attention"],"sliding_window":0,"use_sliding_window":false,"qkv_bias":true,
            "mlp_only_layers":[],"moe_intermediate_size":12,"num_experts":4,
            "num_experts_per_tok":2,"shared_expert_intermediate_size":16,"rope_parameters":{"rope_theta":10000.0,"rope_type":"default"}
            """),
        // SmolLM's.
        new(ModelFamily.Llama, """
            "architectures":["LlamaForCausalLM"],"is_llama_config":true,"rope_interleaved":false,"rope_scaling":null,"rope_theta":100000,
            "transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16"}}
            """),
        new(ModelFamily.Llama, "\"architectures\":[\"LlamaForCausalLM\"],\"rope_scaling\":{\"type\":\"yarn\",\"factor\":16.0,\"original_max_position_embeddings\":4096,\"finetuned\":true}"),
        new(ModelFamily.Mistral, "\"architectures\":[\"MistralForCausalLM\"],\"attention_dropout\":0.0,\"head_dim\":null,\"sliding_window\":null,\"rope_theta\":1000000.0"),
        new(ModelFamily.Mixtral, """
            "architectures":["MixtralForCausalLM"],"attention_dropout":0.0,"num_experts_per_tok":2,"num_local_experts":8,"output_router_logits":false,"router_aux_loss_coef":0.02,
            "router_jitter_noise":0.0,"sliding_window":null
            """),
        new(ModelFamily.Qwen2, """
            "architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"max_window_layers":21,"sliding_window":32768,"use_mrope":false,"use_sliding_window":false,
            "rope_theta":1000000.0
            """),
        new(ModelFamily.Qwen2, """
            "architectures":["Qwen2ForCausalLM"],"dual_chunk_attention_config":{"chunk_size":262144,"local_size":8192,"original_max_position_embeddings":262144},
            "max_window_layers":28,"sliding_window":32768,"use_sliding_window":false
            """),
        new(ModelFamily.Qwen2Moe, """
            "architectures":["Qwen2MoeForCausalLM"],"attention_dropout":0.0,"decoder_sparse_step":1,"max_window_layers":21,"mlp_only_layers":[],"moe_intermediate_size":12,
            "norm_topk_prob":false,"num_experts":4,
            "num_experts_per_tok":2,"output_router_logits":false,"router_aux_loss_coef":0.001,"shared_expert_intermediate_size":16,"sliding_window":32768,"use_sliding_window":false
            """),
        new(ModelFamily.Qwen3, """
            "architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"head_dim":8,"max_window_layers":28,"rope_scaling":null,"sliding_window":null,
            "use_sliding_window":false
            """),
        new(ModelFamily.Qwen3Moe, """
            "architectures":["Qwen3MoeForCausalLM"],"attention_bias":false,"decoder_sparse_step":1,"head_dim":8,"max_window_layers":48,"mlp_only_layers":[],
            "moe_intermediate_size":12,"norm_topk_prob":true,"num_experts":4,
            "num_experts_per_tok":2,"output_router_logits":false,"qkv_bias":false,"router_aux_loss_coef":0.0,"shared_expert_intermediate_size":0,"sliding_window":null,
            "use_qk_norm":true,"use_sliding_window":false
            """),
        new(ModelFamily.Gemma, """
            "architectures":["GemmaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"head_dim":8,"hidden_act":"gelu","hidden_activation":null,"rope_scaling":null
            """),
        new(ModelFamily.Gemma2, """
            "architectures":["Gemma2ForCausalLM"],"attention_bias":false,"attn_logit_softcapping":50.0,"cache_implementation":"hybrid","final_logit_softcapping":30.0,"head_dim":8,
            "hidden_act":"gelu_pytorch_tanh",
            "hidden_activation":"gelu_pytorch_tanh","query_pre_attn_scalar":256,"sliding_window":16,"sliding_window_size":16
            """),
        new(ModelFamily.Gemma3, """
            "architectures":["Gemma3ForCausalLM"],"model_type":"gemma3_text","attention_bias":false,"attn_logit_softcapping":null,"cache_implementation":"hybrid",
            "final_logit_softcapping":null,"head_dim":8,
            "hidden_activation":"gelu_pytorch_tanh","query_pre_attn_scalar":8,"rope_local_base_freq":10000,"rope_scaling":null,"sliding_window":16,"sliding_window_pattern":2,
            "use_bidirectional_attention":false
            """),
        new(ModelFamily.Phi3, """
            "architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"embd_pdrop":0.0,"resid_pdrop":0.0,"original_max_position_embeddings":64,
            "rope_scaling":null,"sliding_window":32,
            "full_attn_mod":1,"interpolate_factor":1,"lm_head_bias":false,"mlp_bias":false,"partial_rotary_factor":1.0
            """),
        new(ModelFamily.Gpt2, """
            "architectures":["GPT2LMHeadModel"],"activation_function":"gelu_new","attn_pdrop":0.1,"embd_pdrop":0.1,"resid_pdrop":0.1,"layer_norm_epsilon":1e-05,"n_ctx":64,
            "n_embd":32,"n_head":4,"n_inner":null,"n_layer":2,
            "n_positions":64,"reorder_and_upcast_attn":false,"scale_attn_by_inverse_layer_idx":false,"scale_attn_weights":true,"summary_activation":null,
            "summary_first_dropout":0.1,"summary_proj_to_labels":true,
            "summary_type":"cls_index","summary_use_proj":true,"_num_labels":1
            """),
    ];

    public static TheoryData<int> PublishedModels => [.. Enumerable.Range(0, s_published.Length)];

    [Theory]
    [MemberData(nameof(PublishedModels))]
    public void What_published_models_say_is_read_without_a_word(int index)
    {
        HuggingFaceConfigOf(s_published[index].Keys + "," + Generic, out ModelConfiguration model, out IReadOnlyList<string> unknown);
        Assert.Equal(s_published[index].Family, model.Family);
        Assert.Equal([], unknown);
    }

    [Fact]
    public void Every_family_is_among_the_published_ones() => Assert.Equal(Enum.GetValues<ModelFamily>().Order(), s_published.Select(static p => p.Family).Distinct().Order());

    [Fact]
    public void A_model_that_sees_is_read_without_a_word()
    {
        Open("""
            {"architectures":["Gemma3ForConditionalGeneration"],"boi_token_index":255999,"eoi_token_index":256000,"eos_token_id":[1,106],"image_token_index":262144,
            "initializer_range":0.02,"mm_tokens_per_image":256,
             "model_type":"gemma3","torch_dtype":"bfloat16","transformers_version":"4.50.0.dev0","vision_config":{"hidden_size":1152,"vision_use_head":false},
             "text_config":{"hidden_size":32,"intermediate_size":48,"model_type":"gemma3_text","num_hidden_layers":6,"rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024}}
            """, out _, out IReadOnlyList<string> unknown);
        Assert.Equal([], unknown);
    }

    [Theory]
    [InlineData("residual_multiplier", "0.22")]
    [InlineData("embedding_multiplier", "12.0")]
    [InlineData("logits_scaling", "8")]
    [InlineData("attention_multiplier", "0.0078125")]
    [InlineData("logit_scale", "0.0625")]
    [InlineData("scale_depth", "1.4")]
    [InlineData("attn_logit_softcapping", "50.0")]
    [InlineData("final_logit_softcapping", "30.0")]
    [InlineData("query_pre_attn_scalar", "224")]
    [InlineData("clip_qkv", "8.0")]
    [InlineData("use_qk_norm", "true")]
    [InlineData("no_rope_layers", "[1,1,1,0]")]
    [InlineData("no_rope_layer_interval", "4")]
    [InlineData("attention_chunk_size", "8192")]
    [InlineData("kv_lora_rank", "512")]
    [InlineData("num_nextn_predict_layers", "1")]
    [InlineData("position_embedding_type", "\"alibi\"")]
    [InlineData("alibi", "true")]
    [InlineData("parallel_attn", "true")]
    [InlineData("rotary_pct", "0.25")]
    [InlineData("rope_interleaved", "true")]
    [InlineData("layer_norm_type", "\"low_precision_layernorm\"")]
    [InlineData("layer_norm_eps", "1e-3")]
    [InlineData("sliding_window", "4096")]
    [InlineData("layer_types", "[\"full_attention\",\"linear_attention\"]")]
    [InlineData("num_local_experts", "8")]
    [InlineData("n_routed_experts", "64")]
    [InlineData("lm_head_bias", "true")]
    [InlineData("is_encoder_decoder", "true")]
    [InlineData("is_causal", "false")]
    [InlineData("mlp_layer_types", "[\"dense\",\"sparse\"]")]
    [InlineData("pruned_heads", "{\"0\":[1]}")]
    [InlineData("quantization", "{\"group_size\":64,\"bits\":4}")]
    [InlineData("per_layer_config", "{\"0\":{\"num_key_value_heads\":1}}")]
    [InlineData("rope_traditional", "true")]
    [InlineData("n_layer", "12")]
    [InlineData("hidden_activation", "\"relu2\"")]
    [InlineData("rope_local_base_freq", "10000", true)]
    public void What_would_change_the_arithmetic_is_refused_by_name(string key, string value, bool onlyWithWindow = false)
    {
        const string Llama = "\"architectures\":[\"LlamaForCausalLM\"]", Mistral = "\"architectures\":[\"MistralForCausalLM\"],\"sliding_window\":16,\"rope_theta\":1000000.0";
        FileFormatException error = Assert.Throws<FileFormatException>(() => HuggingFaceConfigOf($"{(onlyWithWindow ? Mistral : Llama)},\"{key}\":{value}", out _, out _));
        Assert.Contains($"{key} is ", error.Message, StringComparison.Ordinal);
        Assert.Contains("which says that", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_of_heads_that_only_layers_with_a_window_rotate_is_refused()
    {
        FileFormatException error = Assert.Throws<FileFormatException>(() => HuggingFaceConfigOf("\"architectures\":[\"Gemma3ForCausalLM\"],\"head_dim\":8,\"sliding_window\":16,"
            + "\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\"},\"sliding_attention\":{\"rope_type\":\"default\",\"partial_rotary_factor\":0.5}}", out _, out _));
        Assert.Contains("rope_parameters.sliding_attention.partial_rotary_factor is '0.5'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("residual_multiplier", "1.0")]
    [InlineData("logits_scaling", "1")]
    [InlineData("attention_multiplier", "0.35355339059327373")]
    [InlineData("query_pre_attn_scalar", "8")]
    [InlineData("clip_qkv", "null")]
    [InlineData("use_qk_norm", "false")]
    [InlineData("no_rope_layers", "[1,1]")]
    [InlineData("attention_chunk_size", "0")]
    [InlineData("position_embedding_type", "\"rope\"")]
    [InlineData("alibi", "false")]
    [InlineData("rotary_pct", "1.0")]
    [InlineData("layer_norm_type", "\"rmsnorm\"")]
    [InlineData("layer_types", "[\"full_attention\",\"full_attention\"]")]
    [InlineData("num_local_experts", "0")]
    [InlineData("num_experts_per_tok", "2")]
    [InlineData("hidden_activation", "\"silu\"")]
    [InlineData("rope_traditional", "false")]
    [InlineData("n_head", "4")]
    [InlineData("max_new_tokens", "256")]
    [InlineData("min_p", "0.05")]
    [InlineData("_experts_implementation", "\"grouped_mm\"")]
    [InlineData("output_past", "true")]
    [InlineData("something_new", "null")]
    [InlineData("something_new", "[]")]
    public void What_says_what_the_model_does_anyway_is_passed_over(string key, string value)
    {
        HuggingFaceConfigOf($"\"architectures\":[\"LlamaForCausalLM\"],\"{key}\":{value}", out _, out IReadOnlyList<string> unknown);
        Assert.Equal([], unknown);
    }

    [Fact]
    public void Keys_that_nobody_knows_are_named()
    {
        HuggingFaceConfigOf("\"architectures\":[\"LlamaForCausalLM\"],\"something_new\":3,"
            + "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":2.0,\"twist\":0.5}", out _, out IReadOnlyList<string> unknown);
        Assert.Equal(["something_new", "rope_scaling.twist"], unknown);
    }

    [Theory]
    [InlineData("{\"rope_type\":\"default\",\"mrope_section\":[16,24,24]}", "rope_scaling.mrope_section is ")]
    [InlineData("{\"rope_type\":\"linear\",\"factor\":2.0,\"short_mscale\":1.1}", "rope_scaling.short_mscale is '1.1'")]
    [InlineData("{\"rope_type\":\"yarn\",\"factor\":2.0,\"attn_factor\":0.9}", "rope_scaling.attn_factor is '0.9'")]
    public void Objects_about_rotary_positions_are_looked_at_too(string scaling, string fault) =>
        Assert.Contains(fault, Assert.Throws<FileFormatException>(
            () => HuggingFaceConfigOf($"\"architectures\":[\"LlamaForCausalLM\"],\"rope_scaling\":{scaling}", out _, out _)).Message, StringComparison.Ordinal);

    private static void HuggingFaceConfigOf(string keys, out ModelConfiguration model, out IReadOnlyList<string> unknown)
    {
        string sizes = keys.Contains("GPT2", StringComparison.Ordinal) ? ""
            : "\"hidden_size\":32,\"intermediate_size\":48,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,\"max_position_embeddings\":64,\"rms_norm_eps\":1e-6,";
        Open($"{{{sizes}\"vocab_size\":61,{keys}}}", out model, out unknown);
    }

    private static void Open(string text, out ModelConfiguration model, out IReadOnlyList<string> unknown)
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", text);
        model = ModelFolder.ReadConfiguration(folder.Path, out unknown);
    }

    private sealed record Published(ModelFamily Family, string Keys);
}
