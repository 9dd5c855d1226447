using Ration.Models;

namespace Ration.Files.HuggingFace;

/// <summary>
/// The keys of a <c>config.json</c> that the family's reader does not ask for. Many say nothing about the arithmetic of inference; some would
/// change it (<see cref="ConfigMeaning"/>), unless their value is the one that the family has anyway; the rest is not known.
/// </summary>
internal static class ConfigKeys
{
    // Of every configuration class (huggingface/transformers, configuration_utils.py), of training, of text generation, of sight, and notes of tools.
    private static readonly HashSet<string> s_withoutEffect = new(
        [
            "_name_or_path", "name_or_path", "_commit_hash", "architectures", "model_type", "transformers_version", "transformers.js_config", "transformers_js_config", "auto_map",
            "torch_dtype", "dtype", "torchscript", "return_dict", "return_dict_in_generate", "output_hidden_states", "output_attentions", "output_scores", "use_bfloat16", "use_cache",
            "tf_legacy_loss", "is_decoder", "tie_encoder_decoder", "cross_attention_hidden_size", "decoder_start_token_id", "max_length", "min_length", "do_sample", "early_stopping",
            "num_beams", "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size",
            "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences", "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values",
            "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "finetuning_task", "id2label", "label2id", "num_labels", "_num_labels", "tokenizer_class",
            "prefix", "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "unk_token_id", "task_specific_params", "problem_type", "chunk_size_feed_forward",
            "attn_implementation", "_flash_attn_2_enabled", "use_flash_attention", "use_flash_attn", "flash_attention", "cache_implementation", "gradient_checkpointing", "pretraining_tp",
            "reorder_and_upcast_attn", "keys_to_ignore_at_inference", "_diffusers_version", "attention_dropout", "hidden_dropout", "hidden_dropout_prob", "attention_probs_dropout_prob",
            "attn_pdrop", "embd_pdrop", "resid_pdrop", "dropout", "embedding_dropout", "classifier_dropout", "mlp_dropout", "initializer_range", "initializer_factor",
            "embedding_initializer_range", "output_router_logits", "router_aux_loss_coef", "router_jitter_noise", "input_jitter_noise", "router_z_loss_coef", "aux_loss_alpha", "seq_aux",
            "z_loss", "predict_special_tokens", "n_special", "n_ctx", "max_sequence_length", "model_max_length", "seq_length", "original_max_position_embeddings", "is_llama_config",
            "ep_size", "language", "sliding_window_size", "use_sliding_window", "max_window_layers", "dual_chunk_attention_config", "vision_config", "audio_config", "mm_tokens_per_image",
            "boi_token_index", "eoi_token_index", "image_token_index", "boi_token_id", "eoi_token_id", "image_token_id", "neftune_noise_alpha", "world_size", "eos_token", "bos_token",
            "pad_token", "license", "datasets", "max_new_tokens", "min_new_tokens", "max_time", "stop_strings", "min_p", "epsilon_cutoff", "eta_cutoff", "penalty_alpha", "force_words_ids",
            "renormalize_logits", "constraints", "sequence_bias", "guidance_scale", "token_healing", "low_memory", "dola_layers", "output_logits", "num_assistant_tokens",
            "num_assistant_tokens_schedule", "assistant_confidence_threshold", "prompt_lookup_num_tokens", "max_matching_ngram_size", "output_past", "xla_device",
            "experts_implementation", "use_return_dict", "trust_remote_code",
        ], StringComparer.Ordinal);

    private static readonly string[] s_groupsWithoutEffect = ["unsloth_", "_unsloth", "summary_", "_attn_implementation", "_experts_implementation", "quantization_config.", "ration."];

    // Of the objects about rotary positions; what one kind needs means nothing to another.
    private static readonly HashSet<string> s_rotaryWithoutEffect = new(
        [
            "type", "rope_type", "factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow", "low_freq_factor", "high_freq_factor", "short_factor",
            "long_factor", "mscale", "mscale_all_dim", "truncate", "finetuned",
        ], StringComparer.Ordinal);

    /// <summary>Looks at all keys that nobody asked for.</summary>
    /// <param name="top">The file.</param>
    /// <param name="model">What was read of it.</param>
    /// <returns>The keys that are not known.</returns>
    /// <exception cref="FileFormatException">One would change the arithmetic.</exception>
    public static string[] Judge(ConfigObject top, ModelConfiguration model)
    {
        List<string> unknown = [];
        foreach (UnaskedKey key in top.Unasked())
        {
            string name = key.Prefix + key.Name;
            bool rotary = key.Prefix.Contains("rope_", StringComparison.Ordinal);
            if (s_groupsWithoutEffect.Any(g => key.Name.StartsWith(g, StringComparison.Ordinal) || key.Prefix.StartsWith(g, StringComparison.Ordinal))) continue;
            if (rotary ? s_rotaryWithoutEffect.Contains(key.Name) : s_withoutEffect.Contains(key.Name)) continue;
            if (ConfigMeaning.Find(key.Name) is not { } meaning)
            {
                if (!key.IsEmpty) unknown.Add(name);
                continue;
            }

            if (!meaning.IsUsual(key, model))
                throw top.Fault($"{name} is {InvalidInputException.Quote(key.Value.GetRawText())}, which says that {meaning.Text}",
                    $"this is not supported for a {model.Family} model; use a model that does without it");
        }

        // The empty array of the runtime, so that equal configurations are equal records.
        return unknown.Count == 0 ? [] : [.. unknown];
    }
}
