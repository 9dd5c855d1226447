using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.Weights;

/// <summary>Every canonical parameter of a model.</summary>
internal static class ParameterList
{
    /// <summary>Names and shapes, in the order in which the graph uses them.</summary>
    public static IEnumerable<ParameterShape> Of(ModelConfiguration m)
    {
        yield return new("model.embed_tokens.weight", new Shape(m.Vocabulary, m.Width));
        if (m.Positions == PositionKind.Learned) yield return new("model.embed_positions.weight", new Shape(m.Context, m.Width));
        for (int i = 0; i < m.Layers; i++)
        {
            foreach (ParameterShape p in Layer(m)) yield return p with { Name = $"model.layers.{i}.{p.Name}" };
        }

        foreach (ParameterShape p in Norm(m, "model.norm")) yield return p;
        if (!m.TiedEmbeddings) yield return new("lm_head.weight", new Shape(m.Vocabulary, m.Width));
    }

    private static List<ParameterShape> Layer(ModelConfiguration m)
    {
        long query = (long)m.Heads * m.HeadDimension, keyValue = (long)m.KvHeads * m.HeadDimension;
        List<ParameterShape> all = [.. Norm(m, "input_layernorm")];
        all.AddRange(Linear("self_attn.q_proj", query, m.Width, m.QueryKeyValueBiases));
        all.AddRange(Linear("self_attn.k_proj", keyValue, m.Width, m.QueryKeyValueBiases));
        all.AddRange(Linear("self_attn.v_proj", keyValue, m.Width, m.QueryKeyValueBiases));
        if (m.QueryKeyNorms) all.AddRange([new("self_attn.q_norm.weight", new Shape(m.HeadDimension)), new("self_attn.k_norm.weight", new Shape(m.HeadDimension))]);
        all.AddRange(Linear("self_attn.o_proj", m.Width, query, m.AttentionOutputBias));
        all.AddRange(Norm(m, "post_attention_layernorm"));
        if (m.PostNorms) all.AddRange([.. Norm(m, "pre_feedforward_layernorm"), .. Norm(m, "post_feedforward_layernorm")]);
        if (m.Experts == 0) all.AddRange(Mlp(m, "mlp", m.HiddenWidth));
        else all.AddRange(Experts(m));
        return all;
    }

    private static IEnumerable<ParameterShape> Experts(ModelConfiguration m)
    {
        yield return new("mlp.router.weight", new Shape(m.Experts, m.Width));
        yield return new("mlp.experts.gate_proj.weight", new Shape(m.Experts, m.ExpertHiddenWidth, m.Width));
        yield return new("mlp.experts.up_proj.weight", new Shape(m.Experts, m.ExpertHiddenWidth, m.Width));
        yield return new("mlp.experts.down_proj.weight", new Shape(m.Experts, m.Width, m.ExpertHiddenWidth));
        if (m.SharedExpertHiddenWidth == 0) yield break;
        foreach (ParameterShape p in Mlp(m, "mlp.shared_expert", m.SharedExpertHiddenWidth)) yield return p;
        yield return new("mlp.shared_expert_gate.weight", new Shape(1, m.Width));
    }

    private static IEnumerable<ParameterShape> Mlp(ModelConfiguration m, string name, long hidden) =>
    [
        .. m.GatedMlp ? Linear($"{name}.gate_proj", hidden, m.Width, m.MlpBiases) : [],
        .. Linear($"{name}.up_proj", hidden, m.Width, m.MlpBiases),
        .. Linear($"{name}.down_proj", m.Width, hidden, m.MlpBiases),
    ];

    private static IEnumerable<ParameterShape> Norm(ModelConfiguration m, string name)
    {
        yield return new($"{name}.weight", new Shape(m.Width));
        if (m.Norm == NormKind.Layer) yield return new($"{name}.bias", new Shape(m.Width));
    }

    private static IEnumerable<ParameterShape> Linear(string name, long output, long input, bool bias)
    {
        yield return new($"{name}.weight", new Shape(output, input));
        if (bias) yield return new($"{name}.bias", new Shape(output));
    }
}
