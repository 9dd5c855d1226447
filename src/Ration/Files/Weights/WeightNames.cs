using System.Globalization;
using Ration.Models;

namespace Ration.Files.Weights;

/// <summary>
/// The names under which a kind of file keeps the parameters of a family: one table for each, from the canonical name of a parameter
/// (without layer and without <c>.weight</c>) to its <see cref="WeightRule"/>.
/// </summary>
internal sealed class WeightNames
{
    /// <summary>What the canonical names of layers' parameters begin with.</summary>
    public const string LayerPrefix = "model.layers.";

    private readonly Dictionary<string, WeightRule> _rules;
    private readonly bool _othersKeepTheirNames;

    private WeightNames(Dictionary<string, WeightRule> rules, bool othersKeepTheirNames) => (_rules, _othersKeepTheirNames) = (rules, othersKeepTheirNames);

    /// <summary>Whether each expert has tensors of its own; else those of a layer are stacked.</summary>
    public bool HasExpertsApart => _rules.TryGetValue("mlp.experts.up_proj", out WeightRule rule) && rule.Template.Contains("{1}", StringComparison.Ordinal);

    /// <summary>The names in a Hugging Face folder, as the family's class publishes them.</summary>
    public static WeightNames HuggingFace(ModelFamily family) => family switch
    {
        ModelFamily.Phi3 => new(new()
        {
            ["self_attn.q_proj"] = new("model.layers.{0}.self_attn.qkv_proj", 0),
            ["self_attn.k_proj"] = new("model.layers.{0}.self_attn.qkv_proj", 1),
            ["self_attn.v_proj"] = new("model.layers.{0}.self_attn.qkv_proj", 2),
            ["mlp.gate_proj"] = new("model.layers.{0}.mlp.gate_up_proj", 0),
            ["mlp.up_proj"] = new("model.layers.{0}.mlp.gate_up_proj", 1),
        }, true),
        ModelFamily.Mixtral => new(new()
        {
            ["mlp.router"] = new("model.layers.{0}.block_sparse_moe.gate"),
            ["mlp.experts.gate_proj"] = new("model.layers.{0}.block_sparse_moe.experts.{1}.w1"),
            ["mlp.experts.up_proj"] = new("model.layers.{0}.block_sparse_moe.experts.{1}.w3"),
            ["mlp.experts.down_proj"] = new("model.layers.{0}.block_sparse_moe.experts.{1}.w2"),
        }, true),
        ModelFamily.Qwen2Moe or ModelFamily.Qwen3Moe => new(new()
        {
            ["mlp.router"] = new("model.layers.{0}.mlp.gate"),
            ["mlp.experts.gate_proj"] = new("model.layers.{0}.mlp.experts.{1}.gate_proj"),
            ["mlp.experts.up_proj"] = new("model.layers.{0}.mlp.experts.{1}.up_proj"),
            ["mlp.experts.down_proj"] = new("model.layers.{0}.mlp.experts.{1}.down_proj"),
        }, true),
        ModelFamily.Gpt2 => new(new()
        {
            ["model.embed_tokens"] = new("transformer.wte"),
            ["model.embed_positions"] = new("transformer.wpe"),
            ["input_layernorm"] = new("transformer.h.{0}.ln_1"),
            ["self_attn.q_proj"] = new("transformer.h.{0}.attn.c_attn", 0, Transposed: true),
            ["self_attn.k_proj"] = new("transformer.h.{0}.attn.c_attn", 1, Transposed: true),
            ["self_attn.v_proj"] = new("transformer.h.{0}.attn.c_attn", 2, Transposed: true),
            ["self_attn.o_proj"] = new("transformer.h.{0}.attn.c_proj", Transposed: true),
            ["post_attention_layernorm"] = new("transformer.h.{0}.ln_2"),
            ["mlp.up_proj"] = new("transformer.h.{0}.mlp.c_fc", Transposed: true),
            ["mlp.down_proj"] = new("transformer.h.{0}.mlp.c_proj", Transposed: true),
            ["model.norm"] = new("transformer.ln_f"),
            ["lm_head"] = new("lm_head"),
        }, false),
        _ => new([], true),
    };

    /// <summary>The names in a GGUF file (ggml-org/llama.cpp, <c>gguf-py/gguf/tensor_mapping.py</c>).</summary>
    public static WeightNames Gguf(ModelConfiguration model, bool expertsApart = false)
    {
        Dictionary<string, WeightRule> rules = new()
        {
            ["model.embed_tokens"] = new("token_embd"),
            ["model.embed_positions"] = new("position_embd"),
            ["model.norm"] = new("output_norm"),
            ["lm_head"] = new("output"),
            ["input_layernorm"] = new("blk.{0}.attn_norm"),
            ["self_attn.q_proj"] = new("blk.{0}.attn_q"),
            ["self_attn.k_proj"] = new("blk.{0}.attn_k"),
            ["self_attn.v_proj"] = new("blk.{0}.attn_v"),
            ["self_attn.o_proj"] = new("blk.{0}.attn_output"),
            ["self_attn.q_norm"] = new("blk.{0}.attn_q_norm"),
            ["self_attn.k_norm"] = new("blk.{0}.attn_k_norm"),
            ["post_attention_layernorm"] = new(model.PostNorms ? "blk.{0}.post_attention_norm" : "blk.{0}.ffn_norm"),
            ["pre_feedforward_layernorm"] = new("blk.{0}.ffn_norm"),
            ["post_feedforward_layernorm"] = new("blk.{0}.post_ffw_norm"),
            ["mlp.gate_proj"] = new("blk.{0}.ffn_gate"),
            ["mlp.up_proj"] = new("blk.{0}.ffn_up"),
            ["mlp.down_proj"] = new("blk.{0}.ffn_down"),
            ["mlp.router"] = new("blk.{0}.ffn_gate_inp"),
            ["mlp.experts.gate_proj"] = new(expertsApart ? "blk.{0}.ffn_gate.{1}" : "blk.{0}.ffn_gate_exps"),
            ["mlp.experts.up_proj"] = new(expertsApart ? "blk.{0}.ffn_up.{1}" : "blk.{0}.ffn_up_exps"),
            ["mlp.experts.down_proj"] = new(expertsApart ? "blk.{0}.ffn_down.{1}" : "blk.{0}.ffn_down_exps"),
            ["mlp.shared_expert.gate_proj"] = new("blk.{0}.ffn_gate_shexp"),
            ["mlp.shared_expert.up_proj"] = new("blk.{0}.ffn_up_shexp"),
            ["mlp.shared_expert.down_proj"] = new("blk.{0}.ffn_down_shexp"),
            ["mlp.shared_expert_gate"] = new("blk.{0}.ffn_gate_inp_shexp"),
        };
        if (model.Family is ModelFamily.Phi3 or ModelFamily.Gpt2)
        {
            rules["self_attn.q_proj"] = new("blk.{0}.attn_qkv", 0);
            rules["self_attn.k_proj"] = new("blk.{0}.attn_qkv", 1);
            rules["self_attn.v_proj"] = new("blk.{0}.attn_qkv", 2);
        }

        if (model.Family == ModelFamily.Phi3)
        {
            rules["mlp.gate_proj"] = new("blk.{0}.ffn_up", 0);
            rules["mlp.up_proj"] = new("blk.{0}.ffn_up", 1);
        }

        return new(rules, false);
    }

    /// <summary>Parts of a canonical name.</summary>
    /// <param name="Layer">The layer, or −1 for a parameter outside of layers.</param>
    /// <param name="Stem">What it is, without layer and kind.</param>
    /// <param name="Kind"><c>weight</c> or <c>bias</c>.</param>
    internal readonly record struct ParameterName(int Layer, string Stem, string Kind)
    {
        /// <summary>Takes a canonical name apart.</summary>
        public static ParameterName Of(string name)
        {
            int dot = name.LastIndexOf('.');
            string stem = name[..dot], kind = name[(dot + 1)..];
            if (!stem.StartsWith(LayerPrefix, StringComparison.Ordinal)) return new(-1, stem, kind);
            int end = stem.IndexOf('.', LayerPrefix.Length);
            return new(int.Parse(stem.AsSpan(LayerPrefix.Length, end - LayerPrefix.Length), CultureInfo.InvariantCulture), stem[(end + 1)..], kind);
        }
    }

    /// <summary>Where a parameter is kept. Biases are never transposed.</summary>
    /// <exception cref="InvalidInputException">These files have no place for it.</exception>
    public WeightRule RuleOf(string parameter)
    {
        ParameterName name = ParameterName.Of(parameter);
        if (_rules.TryGetValue(name.Stem, out WeightRule rule)) return rule with { Template = Name(rule.Template, name), Transposed = rule.Transposed && name.Kind == "weight" };
        return _othersKeepTheirNames ? new WeightRule(parameter)
            : throw new InvalidInputException($"files of this kind have no name for the weight {parameter}; convert the model to another kind of file");
    }

    // The expert stays open.
    private static string Name(string template, ParameterName name) =>
        template.Replace("{0}", name.Layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal) + "." + name.Kind;
}
