using Ration.Files.Gguf;
using Ration.Models;

namespace Ration.Files.GgufModels;

/// <summary>The metadata of a GGUF file under the name of its architecture: typed look-ups by the rest of the key, which remember what was asked for.</summary>
/// <param name="metadata">Of the file.</param>
/// <param name="architecture">What stands before each key, and a point.</param>
internal sealed class GgufKeys(GgufMetadata metadata, string architecture)
{
    // Sizes that tensors say themselves, notes, and what only some kinds of rotary scaling need.
    private static readonly HashSet<string> s_withoutEffect = new(
        [
            "vocab_size", "tensor_data_layout", "pooling_type", "rope.scaling.finetuned", "rope.scaling.original_context_length", "rope.scaling.type", "rope.scaling.factor",
            "rope.scale_linear", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "rope.dimension_count", "rope.freq_base",
            "expert_feed_forward_length", "expert_shared_feed_forward_length", "expert_weights_norm", "expert_used_count", "attention.layer_norm_epsilon",
            "attention.layer_norm_rms_epsilon", "attention.sliding_window_pattern", "feed_forward_length", "context_length", "classifier.output_labels",
        ], StringComparer.Ordinal);

    // What each key says where it is neither of the numbers beside it.
    private static readonly Dictionary<string, (string Text, double First, double Second)> s_meanings = new(StringComparer.Ordinal)
    {
        ["logit_scale"] = ("logits are scaled", 0, 1),
        ["residual_scale"] = ("what blocks add is multiplied", 0, 1),
        ["embedding_scale"] = ("embeddings are multiplied", 0, 1),
        ["attn_logit_softcapping"] = ("scores are capped", 0, 0),
        ["final_logit_softcapping"] = ("logits are capped", 0, 0),
        ["router_logit_softcapping"] = ("the router's scores are capped", 0, 0),
        ["attention.clamp_kqv"] = ("queries, keys and values are clipped", 0, 0),
        ["attention.max_alibi_bias"] = ("scores fall with distance", 0, 0),
        ["attention.causal"] = ("tokens see later ones", 1, 1),
        ["attention.temperature_scale"] = ("scores grow with the place of the token", 0, 0),
        ["attention.temperature_length"] = ("scores grow with the place of the token", 0, 0),
        ["attention.q_lora_rank"] = ("queries are compressed", 0, 0),
        ["attention.kv_lora_rank"] = ("keys and values are compressed", 0, 0),
        ["attention.shared_kv_layers"] = ("layers share keys and values", 0, 0),
        ["use_parallel_residual"] = ("attention and MLP stand side by side", 0, 0),
        ["leading_dense_block_count"] = ("the first layers have no experts", 0, 0),
        ["interleave_moe_layer_step"] = ("some layers have no experts", 0, 1),
        ["moe_every_n_layers"] = ("some layers have no experts", 0, 1),
        ["expert_weights_scale"] = ("what experts give is multiplied", 0, 1),
        ["expert_gating_func"] = ("experts are weighed otherwise", 0, 1),
        ["expert_group_count"] = ("experts are chosen in groups", 0, 1),
        ["expert_group_used_count"] = ("experts are chosen in groups", 0, 1),
        ["nextn_predict_layers"] = ("further layers predict more tokens ahead", 0, 0),
        ["no_rope_layer_interval"] = ("some layers do without rotary positions", 0, 0),
        ["rope.freq_base_swa"] = ("layers with a window are rotated with another base", 0, 0),
        ["rope.dimension_sections"] = ("tokens have places in space", 0, 0),
        ["rope.scaling.alpha"] = ("rotary positions are stretched otherwise", 0, 1),
        ["rope.scaling.yarn_ext_factor"] = ("rotary positions are stretched otherwise", -1, 1),
        ["rope.scaling.yarn_attn_factor"] = ("rotary positions are stretched otherwise", 1, 1),
        ["rope.scaling.yarn_log_multiplier"] = ("rotary positions are stretched otherwise", 0, 0),
    };

    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>A whole number; where the key is missing, <paramref name="fallback"/>, or a fault where that is null.</summary>
    /// <exception cref="FileFormatException">It is none, or outside <paramref name="low"/> to <paramref name="high"/>.</exception>
    public int Integer(string name, int low, int high, int? fallback = null) =>
        fallback is { } absent ? metadata.GetInt32(Key(name), low, high, absent) : metadata.GetInt32(Key(name), low, high);

    /// <summary>A finite real number; where the key is missing, <paramref name="fallback"/>, or a fault where that is null.</summary>
    /// <exception cref="FileFormatException">It is none.</exception>
    public double Real(string name, double? fallback = null) => fallback is { } absent ? metadata.GetReal(Key(name), absent) : metadata.GetReal(Key(name));

    /// <summary>A truth value, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="FileFormatException">It is none.</exception>
    public bool Flag(string name, bool fallback) => metadata.GetBoolean(Key(name), fallback);

    /// <summary>A string, or null where the key is missing.</summary>
    /// <exception cref="FileFormatException">It is none.</exception>
    public string? Text(string name) => metadata.TryGetString(Key(name), out string? text) ? text : null;

    /// <summary>The whole key, for messages.</summary>
    public string Name(string name) => $"{architecture}.{name}";

    /// <summary>Looks at all keys of the architecture that nobody asked for.</summary>
    /// <returns>The keys that are not known.</returns>
    /// <exception cref="FileFormatException">One would change the arithmetic.</exception>
    public string[] Judge(ModelConfiguration model)
    {
        List<string> unknown = [];
        foreach (GgufEntry entry in metadata.Entries)
        {
            if (!entry.Key.StartsWith(architecture + ".", StringComparison.Ordinal) || _asked.Contains(entry.Key)) continue;
            string name = entry.Key[(architecture.Length + 1)..];
            if (s_withoutEffect.Contains(name)) continue;
            if (!s_meanings.TryGetValue(name, out (string Text, double First, double Second) meaning)) unknown.Add(entry.Key);
            else if (Number(entry) is not { } number || (number != meaning.First && number != meaning.Second))
                throw new FileFormatException(metadata.Path, $"{entry.Key} is {metadata.Describe(entry.Key)}, which says that {meaning.Text}",
                    $"this is not supported for a {model.Family} model; use a model that does without it");
        }

        // The empty array of the runtime, so that equal configurations are equal records.
        return unknown.Count == 0 ? [] : [.. unknown];
    }

    private double? Number(GgufEntry entry) => entry.Type switch
    {
        GgufType.Bool => metadata.GetBoolean(entry.Key, false) ? 1 : 0,
        GgufType.Array or GgufType.String => null,
        _ when entry.Type.IsReal() => metadata.GetReal(entry.Key),
        _ => metadata.TryGetInt64(entry.Key, long.MinValue, long.MaxValue, out long whole) ? whole : null,
    };

    private string Key(string name)
    {
        string key = Name(name);
        _asked.Add(key);
        return key;
    }
}
