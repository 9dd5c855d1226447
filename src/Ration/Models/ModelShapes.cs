using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Models;

/// <summary>A weight of a model: its name in model files and its shape.</summary>
/// <param name="Name">As in Hugging Face files.</param>
/// <param name="Shape">Matrices are [output, input].</param>
public readonly record struct ParameterShape(string Name, Shape Shape)
{
    // One more than the number of the block, and where in the name that of the part begins: there are many of these, and few are asked.
    private readonly int _block, _part;

    /// <summary>Which part of which block it is; null outside of blocks.</summary>
    public BlockPart? Block => _block == 0 ? null : new BlockPart(_block - 1, Name[_part..]);

    /// <summary>The same as a part of a block.</summary>
    /// <param name="number">The number of the block.</param>
    /// <param name="part">Where in the name that of the part begins.</param>
    internal ParameterShape InBlock(int number, int part) => new(this, number, part);

    private ParameterShape(ParameterShape shape, int number, int part)
        : this(shape.Name, shape.Shape) => (_block, _part) = (number + 1, part);
}

/// <summary>
/// The weights of a configuration: names of Hugging Face's LlamaForCausalLM, extended by those of the other families where Llama has
/// none. Files whose own names or layouts differ are mapped onto these.
/// </summary>
internal static class ModelShapes
{
    /// <summary>Every weight, in the order in which the graph uses them.</summary>
    public static IEnumerable<ParameterShape> Of(ModelConfiguration m)
    {
        yield return new("model.embed_tokens.weight", new Shape(m.Vocabulary, m.Width));
        if (m.Positions == PositionKind.Learned) yield return new("model.embed_positions.weight", new Shape(m.Context, m.Width));
        for (int i = 0; i < m.Layers; i++)
        {
            string layer = $"model.layers.{i}";
            foreach (ParameterShape weight in Attention(m, layer).Concat(Transform(m, layer))) yield return weight.InBlock(i, layer.Length + 1);
        }

        foreach (ParameterShape weight in Norm(m, "model.norm")) yield return weight;
        if (!m.TiedEmbeddings) yield return new("lm_head.weight", new Shape(m.Vocabulary, m.Width));
    }

    private static IEnumerable<ParameterShape> Attention(ModelConfiguration m, string layer)
    {
        long query = (long)m.Heads * m.HeadDimension, keyValue = (long)m.KvHeads * m.HeadDimension;
        string attention = $"{layer}.self_attn";
        IEnumerable<ParameterShape> weights = Norm(m, $"{layer}.input_layernorm")
            .Concat(Linear($"{attention}.q_proj", query, m.Width, m.QueryKeyValueBiases))
            .Concat(Linear($"{attention}.k_proj", keyValue, m.Width, m.QueryKeyValueBiases))
            .Concat(Linear($"{attention}.v_proj", keyValue, m.Width, m.QueryKeyValueBiases));
        if (m.QueryKeyNorms)
        {
            Shape head = new(m.HeadDimension);
            weights = weights.Concat([new($"{attention}.q_norm.weight", head), new($"{attention}.k_norm.weight", head)]);
        }

        return weights.Concat(Linear($"{attention}.o_proj", m.Width, query, m.AttentionOutputBias)).Concat(Norm(m, $"{layer}.post_attention_layernorm"));
    }

    private static IEnumerable<ParameterShape> Transform(ModelConfiguration m, string layer)
    {
        IEnumerable<ParameterShape> mlp = m.Experts > 0 ? Experts(m, $"{layer}.mlp") : Mlp($"{layer}.mlp", m.Width, m.HiddenWidth, m.GatedMlp, m.MlpBiases);
        return m.PostNorms ? Norm(m, $"{layer}.pre_feedforward_layernorm").Concat(mlp).Concat(Norm(m, $"{layer}.post_feedforward_layernorm")) : mlp;
    }

    private static IEnumerable<ParameterShape> Experts(ModelConfiguration m, string mlp)
    {
        Shape inner = new(m.Experts, m.ExpertHiddenWidth, m.Width);
        IEnumerable<ParameterShape> weights =
        [
            new($"{mlp}.router.weight", new Shape(m.Experts, m.Width)),
            new($"{mlp}.experts.gate_proj.weight", inner),
            new($"{mlp}.experts.up_proj.weight", inner),
            new($"{mlp}.experts.down_proj.weight", new Shape(m.Experts, m.Width, m.ExpertHiddenWidth)),
        ];
        if (m.SharedExpertHiddenWidth == 0) return weights;
        return weights.Concat(Mlp($"{mlp}.shared_expert", m.Width, m.SharedExpertHiddenWidth, isGated: true, biases: false))
            .Append(new($"{mlp}.shared_expert_gate.weight", new Shape(1, m.Width)));
    }

    private static IEnumerable<ParameterShape> Mlp(string mlp, long width, long hidden, bool isGated, bool biases) =>
        (isGated ? Linear($"{mlp}.gate_proj", hidden, width, biases) : [])
            .Concat(Linear($"{mlp}.up_proj", hidden, width, biases)).Concat(Linear($"{mlp}.down_proj", width, hidden, biases));

    private static IEnumerable<ParameterShape> Linear(string name, long output, long input, bool bias)
    {
        yield return new($"{name}.weight", new Shape(output, input));
        if (bias) yield return new($"{name}.bias", new Shape(output));
    }

    private static IEnumerable<ParameterShape> Norm(ModelConfiguration m, string name)
    {
        yield return new($"{name}.weight", new Shape(m.Width));
        if (m.Norm == NormKind.Layer) yield return new($"{name}.bias", new Shape(m.Width));
    }
}
