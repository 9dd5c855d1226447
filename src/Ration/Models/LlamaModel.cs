using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Models;

/// <summary>A weight of a model: its name in model files and its shape.</summary>
/// <param name="Name">As in Hugging Face files.</param>
/// <param name="Shape">Matrices are [output, input].</param>
public readonly record struct ParameterShape(string Name, Shape Shape);

/// <summary>Inputs of a model's graph besides the weights.</summary>
/// <param name="Tokens">I32 [rows, tokens].</param>
/// <param name="Positions">I32 [rows, tokens], for the rotary embedding.</param>
/// <param name="KeyRanges">I32 [rows, tokens, 2]: which keys of its row each token sees.</param>
public sealed record ModelInputs(Value Tokens, Value Positions, Value KeyRanges);

/// <summary>
/// The Llama architecture (Touvron et al. 2023): pre-norm blocks of grouped-query attention with rotary embedding and a SwiGLU MLP.
/// Weights have the names and layout of Hugging Face's LlamaForCausalLM.
/// </summary>
public sealed class LlamaModel
{
    private readonly GraphBuilder _builder;
    private readonly ModelConfiguration _model;
    private readonly Dictionary<string, Value> _parameters;
    private (Value Key, float Probability)? _dropout;
    private int _dropoutSites;

    /// <summary>Declares the weights of a model in a graph.</summary>
    /// <exception cref="InvalidInputException">The configuration is inconsistent.</exception>
    public LlamaModel(GraphBuilder builder, ModelConfiguration model, bool trainable = true)
    {
        model.Validate();
        (_builder, _model) = (builder, model);
        _parameters = ParameterShapes(model).ToDictionary(static p => p.Name, p => builder.Parameter(p.Name, p.Shape, trainable: trainable));
    }

    /// <summary>The head [vocabulary, width]: a matrix of its own, or the embedding table.</summary>
    public Value Head => _parameters[_model.TiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"];

    /// <summary>Every weight, in the order in which the graph uses them.</summary>
    public static IEnumerable<ParameterShape> ParameterShapes(ModelConfiguration m)
    {
        long query = (long)m.Heads * m.HeadDimension, keyValue = (long)m.KvHeads * m.HeadDimension;
        yield return new("model.embed_tokens.weight", new Shape(m.Vocabulary, m.Width));
        for (int i = 0; i < m.Layers; i++)
        {
            string layer = $"model.layers.{i}";
            yield return new($"{layer}.input_layernorm.weight", new Shape(m.Width));
            yield return new($"{layer}.self_attn.q_proj.weight", new Shape(query, m.Width));
            yield return new($"{layer}.self_attn.k_proj.weight", new Shape(keyValue, m.Width));
            yield return new($"{layer}.self_attn.v_proj.weight", new Shape(keyValue, m.Width));
            yield return new($"{layer}.self_attn.o_proj.weight", new Shape(m.Width, query));
            yield return new($"{layer}.post_attention_layernorm.weight", new Shape(m.Width));
            yield return new($"{layer}.mlp.gate_proj.weight", new Shape(m.HiddenWidth, m.Width));
            yield return new($"{layer}.mlp.up_proj.weight", new Shape(m.HiddenWidth, m.Width));
            yield return new($"{layer}.mlp.down_proj.weight", new Shape(m.Width, m.HiddenWidth));
        }

        yield return new("model.norm.weight", new Shape(m.Width));
        if (!m.TiedEmbeddings) yield return new("lm_head.weight", new Shape(m.Vocabulary, m.Width));
    }

    /// <summary>Declares the inputs for rows of packed tokens.</summary>
    public static ModelInputs DeclareInputs(GraphBuilder builder, long rows, long tokens) => new(
        builder.Input("tokens", new Shape(rows, tokens), DType.I32),
        builder.Input("positions", new Shape(rows, tokens), DType.I32),
        builder.Input("keyRanges", new Shape(rows, tokens, 2), DType.I32));

    /// <summary>Puts dropout on embeddings and on what each block adds to the residual stream (Vaswani et al. 2017, section 5.4).</summary>
    /// <param name="randomKey">I64 [2].</param>
    /// <param name="probability">In [0, 1).</param>
    public void UseDropout(Value randomKey, float probability) => _dropout = (randomKey, probability);

    /// <summary>From tokens to the normalized hidden states that the head reads: [rows, tokens, width].</summary>
    /// <param name="inputs">The tokens.</param>
    /// <param name="cache">Given the layer and its new keys and values, returns the keys and values to attend to; null for the new ones.</param>
    public Value HiddenStates(ModelInputs inputs, Func<int, Value, Value, (Value Keys, Value Values)>? cache = null)
    {
        Value x = Drop(_builder.Embedding(Weight("model.embed_tokens"), inputs.Tokens));
        for (int i = 0; i < _model.Layers; i++)
        {
            _builder.Block = i;
            using (_builder.Scope($"layers.{i}")) x = Block(i, x, inputs, cache);
        }

        _builder.Block = -1;
        return _builder.RmsNorm(x, Weight("model.norm"), _model.NormEpsilon);
    }

    private Value Block(int layer, Value x, ModelInputs inputs, Func<int, Value, Value, (Value Keys, Value Values)>? cache)
    {
        Value attended, transformed;
        using (_builder.Scope("attention")) attended = Drop(Attention(layer, x, inputs, cache));
        Value middle = _builder.Add(x, attended, "residual");
        using (_builder.Scope("mlp")) transformed = Drop(Mlp(layer, middle));
        return _builder.Add(middle, transformed, "residual");
    }

    private Value Attention(int layer, Value x, ModelInputs inputs, Func<int, Value, Value, (Value Keys, Value Values)>? cache)
    {
        string prefix = $"model.layers.{layer}.self_attn";
        Value normed = _builder.RmsNorm(x, Weight($"model.layers.{layer}.input_layernorm"), _model.NormEpsilon);
        Value q = Rotate(_builder.Linear(normed, Weight($"{prefix}.q_proj"), "q"), inputs, "q.rotated");
        Value k = Rotate(_builder.Linear(normed, Weight($"{prefix}.k_proj"), "k"), inputs, "k.rotated");
        Value v = _builder.Linear(normed, Weight($"{prefix}.v_proj"), "v");
        if (cache is not null) (k, v) = cache(layer, k, v);
        float scale = (float)(1 / Math.Sqrt(_model.HeadDimension));
        Attention op = new(_model.Heads, _model.KvHeads, scale, _model.SlidingWindow);
        return _builder.Linear(_builder.Attention(op, q, k, v, inputs.KeyRanges), Weight($"{prefix}.o_proj"), "projected");
    }

    private Value Rotate(Value x, ModelInputs inputs, string name) =>
        _builder.RotaryEmbedding(x, inputs.Positions, _model.HeadDimension, _model.RopeTheta, _model.RotaryPairing, name);

    private Value Mlp(int layer, Value x)
    {
        string prefix = $"model.layers.{layer}.mlp";
        Value normed = _builder.RmsNorm(x, Weight($"model.layers.{layer}.post_attention_layernorm"), _model.NormEpsilon);
        Value gate = _builder.Linear(normed, Weight($"{prefix}.gate_proj"), "gate");
        Value up = _builder.Linear(normed, Weight($"{prefix}.up_proj"), "up");
        return _builder.Linear(_builder.SwiGlu(gate, up), Weight($"{prefix}.down_proj"), "down");
    }

    private Value Drop(Value x) => _dropout is { } d ? _builder.Dropout(x, d.Key, d.Probability, _dropoutSites++) : x;

    private Value Weight(string name) => _parameters[name + ".weight"];
}
