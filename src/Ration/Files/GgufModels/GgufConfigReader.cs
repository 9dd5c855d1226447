using System.Globalization;
using System.Text;
using Ration.Files.Gguf;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.GgufModels;

/// <summary>Takes a model's configuration out of the metadata of a GGUF file and the shapes of its tensors.</summary>
internal sealed class GgufConfigReader
{
    private const int WidthLimit = 1 << 20, HiddenLimit = 1 << 22, LayerLimit = 10_000, HeadLimit = 1 << 14, ContextLimit = 1 << 30, ExpertLimit = 1 << 12;
    private const int LongestName = 100;
    private readonly GgufMetadata _metadata;
    private readonly ITensorSource _tensors;
    private readonly string _architecture;
    private readonly GgufKeys _keys;

    private GgufConfigReader(GgufMetadata metadata, ITensorSource tensors)
    {
        (_metadata, _tensors) = (metadata, tensors);
        _architecture = metadata.GetString("general.architecture");
        _keys = new GgufKeys(metadata, _architecture);
    }

    /// <summary>Reads the configuration, under the conventions of the file, and the keys of its architecture that are not known. A key that would
    /// change the arithmetic is honoured or refused by name.</summary>
    /// <exception cref="FileFormatException">The architecture is not known, a number is missing or out of range, or a tensor that tells one is missing.</exception>
    /// <exception cref="InvalidInputException">The numbers do not fit each other.</exception>
    public static (ModelConfiguration Model, IReadOnlyList<string> UnknownKeys) Read(GgufMetadata metadata, ITensorSource tensors)
    {
        GgufConfigReader reader = new(metadata, tensors);
        ModelConfiguration model = reader.Read();
        model.Validate();
        return (model, reader._keys.Judge(model));
    }

    // It is shown to people: what would move a terminal's cursor or turn the direction of writing is left out.
    private string Name()
    {
        string named = _metadata.TryGetString("general.name", out string? name) ? name : "";
        StringBuilder visible = new();
        foreach (Rune rune in named.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator) continue;
            if (visible.Append(rune).Length >= LongestName) break;
        }

        return visible.Length > 0 ? visible.ToString() : Path.GetFileNameWithoutExtension(_metadata.Path);
    }

    private ModelConfiguration Read()
    {
        ModelFamily family = Family();
        int width = Integer("embedding_length", 1, WidthLimit), heads = Integer("attention.head_count", 1, HeadLimit);
        int head = Integer("attention.key_length", 1, HeadLimit, Math.Max(1, width / heads));
        if (Integer("attention.value_length", 1, HeadLimit, head) != head) throw Fault("its values are of another width than its keys", "such models are not supported");
        int context = Integer("context_length", 1, ContextLimit);
        ModelConfiguration model = new()
        {
            Name = Name(),
            Family = family,
            Vocabulary = checked((int)Math.Min(int.MaxValue, Tensor("token_embd.weight").Shape[0])),
            Width = width,
            HiddenWidth = Integer("feed_forward_length", 1, HiddenLimit, family == ModelFamily.Gpt2 ? 4 * width : null),
            Layers = Integer("block_count", 1, LayerLimit),
            Heads = heads,
            KvHeads = Integer("attention.head_count_kv", 1, heads, heads),
            HeadDimension = head,
            Context = context,
            NormEpsilon = (float)Real(family == ModelFamily.Gpt2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 1e-30, 0.5),
            TiedEmbeddings = !Has("output.weight") || _metadata.GetBoolean(GgufArchitecture.TiedKey, false),
            QueryKeyValueBiases = Has("blk.0.attn_q.bias") || Has("blk.0.attn_qkv.bias"),
            AttentionOutputBias = Has("blk.0.attn_output.bias"),
            MlpBiases = Has("blk.0.ffn_up.bias"),
            QueryKeyNorms = Has("blk.0.attn_q_norm.weight"),
        };
        model = WithFamily(model);
        if (family != ModelFamily.Gpt2) model = new GgufRotary(_metadata, _keys, _tensors).Apply(model);
        return WithScalar(GgufArchitecture.Conventional(Windows(Experts(model))));
    }

    private ModelFamily Family()
    {
        ModelFamily[] families = [.. GgufArchitecture.FamiliesOf(_architecture)];
        if (families.Length == 0)
            throw Fault($"the architecture is {InvalidInputException.Quote(_architecture)}", $"the supported ones are {string.Join(", ", GgufArchitecture.All)}");
        if (_metadata.TryGetString(GgufArchitecture.FamilyKey, out string? own) && families.Any(f => f.ToString() == own)) return families.First(f => f.ToString() == own);
        if (families.Length == 1) return families[0];
        if (Integer("expert_count", 0, ExpertLimit, 0) > 0) return ModelFamily.Mixtral;
        return Integer("attention.sliding_window", 0, ContextLimit, 0) > 0 ? ModelFamily.Mistral : ModelFamily.Llama;
    }

    private ModelConfiguration WithFamily(ModelConfiguration model)
    {
        bool gemma = GgufArchitecture.IsGemma(model.Family), gpt2 = model.Family == ModelFamily.Gpt2;
        return model with
        {
            Activation = gemma || gpt2 ? MlpActivation.GeluTanh : MlpActivation.Silu,
            EmbeddingScale = gemma ? (float)Math.Sqrt(model.Width) : 1,
            PostNorms = model.Family is ModelFamily.Gemma2 or ModelFamily.Gemma3,
            AttentionSoftCap = gemma ? (float)Real("attn_logit_softcapping", 0, 1e9, model.Family == ModelFamily.Gemma2 ? 50 : 0) : 0,
            LogitSoftCap = gemma ? (float)Real("final_logit_softcapping", 0, 1e9, model.Family == ModelFamily.Gemma2 ? 30 : 0) : 0,
            Norm = gpt2 ? NormKind.Layer : NormKind.RootMeanSquare,
            Positions = gpt2 ? PositionKind.Learned : PositionKind.Rotary,
            Context = gpt2 ? (int)Math.Min(ContextLimit, Tensor("position_embd.weight").Shape[0]) : model.Context,
            GatedMlp = !gpt2,
        };
    }

    private ModelConfiguration Experts(ModelConfiguration model)
    {
        int experts = Integer("expert_count", 0, ExpertLimit, 0);
        bool known = model.Family is ModelFamily.Mixtral or ModelFamily.Qwen2Moe or ModelFamily.Qwen3Moe;
        if (experts == 0 && !known) return model;
        if (experts == 0 || !known) throw Fault($"it has {experts} experts, which its architecture does not fit", "convert the model again");
        Shape gate = Tensor(Has("blk.0.ffn_gate_exps.weight") ? "blk.0.ffn_gate_exps.weight" : "blk.0.ffn_gate.0.weight").Shape;
        return model with
        {
            Experts = experts,
            ExpertsPerToken = Integer("expert_used_count", 1, experts),
            ExpertHiddenWidth = gate.Rank >= 2 ? (int)Math.Min(int.MaxValue, gate[^2]) : 0,
            SharedExpertHiddenWidth = Has("blk.0.ffn_gate_shexp.weight") ? (int)Math.Min(int.MaxValue, Tensor("blk.0.ffn_gate_shexp.weight").Shape[0]) : 0,
            NormalizeExpertWeights = _keys.Flag("expert_weights_norm", model.Family != ModelFamily.Qwen2Moe),
        };
    }

    private ModelConfiguration Windows(ModelConfiguration model)
    {
        int assumed = model.Family switch
        {
            ModelFamily.Gemma2 => 4096,
            // Files from before the key existed.
            ModelFamily.Phi3 when model.Context == 4096 && model.Layers is 32 or 40 => 2047,
            _ => 0,
        };
        int window = Integer("attention.sliding_window", 0, ContextLimit, assumed);
        if (window == 0) return model;
        int pattern = model.Family switch { ModelFamily.Gemma2 => 2, ModelFamily.Gemma3 => 6, _ => 0 };
        return model with { SlidingWindow = window, FullAttentionEvery = Integer("attention.sliding_window_pattern", 0, LayerLimit, pattern) };
    }

    private ModelConfiguration WithScalar(ModelConfiguration model)
    {
        double scale = _keys.Real("attention.scale", 0);
        if (scale == 0) return model with { AttentionScalar = GgufArchitecture.AssumedScalar(model) };
        if (scale is < 1e-6 or > 1e3) throw Fault($"attention.scale is {scale}", "the file is damaged or was made by a faulty writer; convert the model again");
        // Stored in 32 bits; the published ones are whole numbers.
        double scalar = 1 / (scale * scale), whole = Math.Round(scalar);
        return model with { AttentionScalar = Math.Abs(scalar - whole) < 1e-6 * whole ? whole : scalar };
    }

    private bool Has(string tensor) => _tensors.Find(tensor) is not null;

    private StoredTensor Tensor(string name)
    {
        StoredTensor tensor = _tensors.Find(name) ?? throw Fault($"there is no tensor {InvalidInputException.Quote(name)}", "the file is incomplete; download it again");
        return tensor.Shape.Rank > 0 && tensor.Shape.Elements > 0 ? tensor : throw Fault($"{name} is empty", "the file is damaged; download it again");
    }

    private int Integer(string name, int low, int high, int? fallback = null) => _keys.Integer(name, low, high, fallback);

    private double Real(string name, double low, double high, double? fallback = null)
    {
        double value = _keys.Real(name, fallback);
        return value >= low && value <= high ? value : throw Fault($"{_keys.Name(name)} is {value}", $"a number from {low} to {high} is needed; convert the model again");
    }

    private FileFormatException Fault(string what, string howToMend) => new(_metadata.Path, what, howToMend);
}
