using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Models;

/// <summary>
/// A decoder-only transformer (Vaswani et al. 2017; Touvron et al. 2023): blocks of attention and MLP, each normalized before it and,
/// in some families, after it, that add to a residual stream. What families differ in, the configuration says: norms, positions,
/// activations, biases, windows, caps, experts.
/// </summary>
public sealed class TransformerModel
{
    private readonly GraphBuilder _builder;
    private readonly ModelConfiguration _model;
    private readonly Dictionary<string, Value> _weights;
    private readonly RotaryFrequencies[] _frequencies;
    private (Value Key, float Probability)? _dropout;
    private int _dropoutSites;
    private Func<Value, Value, string, Value> _linear;
    private int _mlpTiles = 1;

    /// <summary>Declares the weights of a model in a graph.</summary>
    /// <param name="builder">Where the model is built.</param>
    /// <param name="model">Which model.</param>
    /// <param name="context">
    /// Tokens of the longest text that will go through: the frequencies of some rotary scalings depend on it. It is a row's length in
    /// training and the cache's capacity in generation.
    /// </param>
    /// <param name="trained">Which weights have gradients.</param>
    /// <exception cref="InvalidInputException">The configuration is inconsistent, or the model has no positions for so many tokens.</exception>
    public TransformerModel(GraphBuilder builder, ModelConfiguration model, int context, TrainedWeights trained = TrainedWeights.All)
    {
        model.Validate();
        if (model.Positions == PositionKind.Learned && context > model.Context)
            throw new InvalidInputException($"model {model.Name}: it has learned positions for {model.Context} tokens, not for {context}; use shorter texts");
        (_builder, _model, _linear) = (builder, model, builder.Linear);
        _weights = ParameterShapes(model).ToDictionary(static p => p.Name,
            p => builder.Parameter(p.Name, p.Shape, trainable: trained == TrainedWeights.All || (trained == TrainedWeights.OfBlocks && p.Block is not null), block: p.Block));
        _frequencies = model.Positions == PositionKind.Rotary ? Frequencies(model, context) : [];
    }

    /// <summary>The head [vocabulary, width]: a matrix of its own, or the embedding table.</summary>
    public Value Head => _weights[_model.TiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"];

    /// <summary>Every weight, in the order in which the graph uses them.</summary>
    public static IEnumerable<ParameterShape> ParameterShapes(ModelConfiguration model) => ModelShapes.Of(model);

    /// <summary>Declares the inputs for rows of packed tokens.</summary>
    public static ModelInputs DeclareInputs(GraphBuilder builder, long rows, long tokens) => new(
        builder.Input(ModelInputs.TokensName, new Shape(rows, tokens), DType.I32),
        builder.Input(ModelInputs.PositionsName, new Shape(rows, tokens), DType.I32),
        builder.Input(ModelInputs.KeyRangesName, new Shape(rows, tokens, 2), DType.I32));

    /// <summary>Puts dropout on embeddings and on what each block adds to the residual stream (Vaswani et al. 2017, section 5.4).</summary>
    /// <param name="randomKey">I64 [2].</param>
    /// <param name="probability">In [0, 1).</param>
    public void UseDropout(Value randomKey, float probability) => _dropout = (randomKey, probability);

    /// <summary>Runs MLPs over tiles of tokens (<see cref="TiledMlp"/>), so that their hidden layers do not live as a whole.</summary>
    /// <param name="tiles">How many; 1 for all tokens at once.</param>
    public void UseMlpTiles(int tiles) => _mlpTiles = tiles;

    /// <summary>Computes the products of linear layers otherwise, for a run that keeps something else of their inputs.</summary>
    /// <param name="linear">Given x [.., m], a weight [n, m] and a name, returns x·weightᵀ.</param>
    public void UseLinear(Func<Value, Value, string, Value> linear) => _linear = linear;

    /// <summary>From tokens to the normalized hidden states that the head reads: [rows, tokens, width].</summary>
    /// <param name="inputs">The tokens.</param>
    /// <param name="cache">Given the layer and its new keys and values, returns the keys and values to attend to; null for the new ones.</param>
    public Value HiddenStates(ModelInputs inputs, Func<int, Value, Value, (Value Keys, Value Values)>? cache = null)
    {
        Value x = Drop(Embed(inputs));
        for (int i = 0; i < _model.Layers; i++)
        {
            _builder.Block = i;
            using (_builder.Scope($"layers.{i}")) x = Block(i, x, inputs, cache);
        }

        _builder.Block = -1;
        return Norm(x, "model.norm");
    }

    /// <summary>Scores of every token id for rows of hidden states: [.., width] → [.., vocabulary].</summary>
    public Value Logits(Value hidden, string name)
    {
        float cap = _model.LogitSoftCap;
        if (cap == 0) return _builder.Linear(hidden, Head, name);
        Expression raw = new Load(_builder.Linear(hidden, Head, name + ".raw"));
        return _builder.Elementwise(new Unary(UnaryFunction.Tanh, raw * (1 / cap)) * cap, name);
    }

    /// <summary>scale · Σ cross-entropy of the logits against the targets.</summary>
    /// <param name="hidden">[.., width].</param>
    /// <param name="targets">I32, one for each row of hidden states; negative = ignored.</param>
    /// <param name="scale">A scalar.</param>
    /// <param name="options">Options of the loss; its cap is the model's, whatever is said here.</param>
    /// <param name="sample">I32 ids of the rows of the head that take part, for a sampled softmax; null for all.</param>
    public Value Loss(Value hidden, Value targets, Value scale, LinearCrossEntropy? options = null, Value? sample = null) =>
        _builder.LinearCrossEntropy(hidden, Head, targets, scale, (options ?? new LinearCrossEntropy()) with { SoftCap = _model.LogitSoftCap }, sample);

    // Layers with equal frequencies share one list.
    private static RotaryFrequencies[] Frequencies(ModelConfiguration model, int context)
    {
        Dictionary<bool, RotaryFrequencies> known = [];
        var frequencies = new RotaryFrequencies[model.Layers];
        for (int i = 0; i < model.Layers; i++)
        {
            bool isWindowed = model.WindowOf(i) > 0;
            if (!known.TryGetValue(isWindowed, out RotaryFrequencies? list)) known[isWindowed] = list = RotaryFormulas.Of(model, i, context);
            frequencies[i] = list;
        }

        return frequencies;
    }

    private Value Embed(ModelInputs inputs)
    {
        Value x = _builder.Embedding(Weight("model.embed_tokens"), inputs.Tokens);
        if (_model.EmbeddingScale != 1) x = _builder.Elementwise(new Load(x) * _model.EmbeddingScale, "embedding.scaled");
        if (_model.Positions != PositionKind.Learned) return x;
        Value places = _builder.Embedding(Weight("model.embed_positions"), inputs.Positions, "positions.embedding");
        return _builder.Add(x, places, "embedding.placed");
    }

    private Value Block(int layer, Value x, ModelInputs inputs, Func<int, Value, Value, (Value Keys, Value Values)>? cache)
    {
        string name = $"model.layers.{layer}";
        Value attended, transformed;
        using (_builder.Scope("attention"))
        {
            attended = Attention(layer, Norm(x, $"{name}.input_layernorm"), inputs, cache);
            if (_model.PostNorms) attended = Norm(attended, $"{name}.post_attention_layernorm");
            attended = Drop(attended);
        }

        Value middle = _builder.Add(x, attended, "residual");
        using (_builder.Scope("mlp"))
        {
            Value normed = Norm(middle, $"{name}.{(_model.PostNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm")}");
            transformed = _model.Experts > 0 ? Experts($"{name}.mlp", normed) : Mlp($"{name}.mlp", normed, _model.GatedMlp);
            if (_model.PostNorms) transformed = Norm(transformed, $"{name}.post_feedforward_layernorm");
            transformed = Drop(transformed);
        }

        return _builder.Add(middle, transformed, "residual");
    }

    private Value Attention(int layer, Value normed, ModelInputs inputs, Func<int, Value, Value, (Value Keys, Value Values)>? cache)
    {
        string prefix = $"model.layers.{layer}.self_attn";
        Value q = Place(layer, Linear(normed, $"{prefix}.q_proj", "q"), $"{prefix}.q_norm", inputs, "q");
        Value k = Place(layer, Linear(normed, $"{prefix}.k_proj", "k"), $"{prefix}.k_norm", inputs, "k");
        Value v = Linear(normed, $"{prefix}.v_proj", "v");
        if (cache is not null) (k, v) = cache(layer, k, v);
        float scale = (float)(1 / Math.Sqrt(_model.AttentionScalar > 0 ? _model.AttentionScalar : _model.HeadDimension));
        Attention op = new(_model.Heads, _model.KvHeads, scale, _model.WindowOf(layer), _model.AttentionSoftCap);
        return Linear(_builder.Attention(op, q, k, v, inputs.KeyRanges), $"{prefix}.o_proj", "projected");
    }

    // Queries or keys as attention compares them: normalized and rotated where the model does so.
    private Value Place(int layer, Value x, string norm, ModelInputs inputs, string name)
    {
        if (_model.QueryKeyNorms) x = _builder.RmsNorm(x, Weight(norm), _model.NormEpsilon, _model.NormGainOffset, name + ".normed");
        return _model.Positions == PositionKind.Rotary
            ? _builder.RotaryEmbedding(x, inputs.Positions, _model.HeadDimension, _frequencies[layer], _model.RotaryPairing, name + ".rotated") : x;
    }

    // Each token's row goes through the experts that the router chose for it, and their results are weighted and added.
    private Value Experts(string prefix, Value x)
    {
        Value logits = _builder.Linear(x, Weight($"{prefix}.router"), "router");
        (Value weights, _, Value places, Value starts) = _builder.RouteTokens(logits, _model.ExpertsPerToken, _model.NormalizeExpertWeights);
        Value rows = _builder.CopyToExperts(x, places);
        Value gate = _builder.ExpertLinear(rows, Weight($"{prefix}.experts.gate_proj"), starts, "experts.gate");
        Value up = _builder.ExpertLinear(rows, Weight($"{prefix}.experts.up_proj"), starts, "experts.up");
        Value activated = _builder.GatedActivate(Function(_model.Activation), gate, up, "experts.activated");
        Value down = _builder.ExpertLinear(activated, Weight($"{prefix}.experts.down_proj"), starts, "experts.down");
        Value mixed = _builder.SumFromExperts(_builder.ScaleRows(down, weights, "experts.weighted"), places);
        if (_model.SharedExpertHiddenWidth == 0) return mixed;
        Value raw = _builder.Linear(x, Weight($"{prefix}.shared_expert_gate"), "shared.gate");
        Value open = _builder.Elementwise(new Unary(UnaryFunction.Sigmoid, new Load(raw)), "shared.open");
        return _builder.Add(mixed, _builder.ScaleRows(Mlp($"{prefix}.shared_expert", x, isGated: true), open, "shared"), "mixed");
    }

    private static ActivationFunction Function(MlpActivation activation) => activation switch
    {
        MlpActivation.Silu => ActivationFunction.Silu,
        MlpActivation.Gelu => ActivationFunction.Gelu,
        MlpActivation.GeluTanh => ActivationFunction.GeluTanh,
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "unknown activation"),
    };

    private Value Mlp(string prefix, Value x, bool isGated)
    {
        ActivationFunction function = Function(_model.Activation);
        if (_mlpTiles > 1) return TiledMlp(function, prefix, x, isGated);
        Value? gate = isGated ? Linear(x, $"{prefix}.gate_proj", "gate") : null;
        Value up = Linear(x, $"{prefix}.up_proj", "up");
        Value activated = gate is null ? _builder.Activate(function, up) : _builder.GatedActivate(function, gate, up);
        return Linear(activated, $"{prefix}.down_proj", "down");
    }

    private Value TiledMlp(ActivationFunction function, string prefix, Value x, bool isGated)
    {
        string[] names = isGated ? ["gate_proj", "up_proj", "down_proj"] : ["up_proj", "down_proj"];
        Value[] biases = [.. names.Where(n => _weights.ContainsKey($"{prefix}.{n}.bias")).Select(n => _weights[$"{prefix}.{n}.bias"])];
        return _builder.TiledMlp(function, _mlpTiles, x, [.. names.Select(n => Weight($"{prefix}.{n}"))], biases, "down");
    }

    // The weight's product with x, and its bias where it has one.
    private Value Linear(Value x, string weight, string name)
    {
        bool hasBias = _weights.TryGetValue(weight + ".bias", out Value? bias);
        Value product = _linear(x, Weight(weight), hasBias ? name + ".product" : name);
        return hasBias ? _builder.AddBias(product, bias!, name) : product;
    }

    private Value Norm(Value x, string weight) => _model.Norm == NormKind.Layer
        ? _builder.LayerNorm(x, Weight(weight), _weights[weight + ".bias"], _model.NormEpsilon)
        : _builder.RmsNorm(x, Weight(weight), _model.NormEpsilon, _model.NormGainOffset);

    private Value Drop(Value x) => _dropout is { } d ? _builder.Dropout(x, d.Key, d.Probability, _dropoutSites++) : x;

    private Value Weight(string name) => _weights[name + ".weight"];
}
