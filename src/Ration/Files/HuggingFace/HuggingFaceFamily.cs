using Ration.Models;

namespace Ration.Files.HuggingFace;

/// <summary>How a family's <c>config.json</c> names itself, and what its published configuration class assumes for keys left out (huggingface/transformers, <c>configuration_*.py</c>).</summary>
/// <param name="Family">The family.</param>
/// <param name="Architecture">The name in <c>architectures</c>.</param>
/// <param name="ModelType">The <c>model_type</c>.</param>
internal sealed record HuggingFaceFamily(ModelFamily Family, string Architecture, string ModelType)
{
    private const string Conditional = "Gemma3ForConditionalGeneration", ConditionalType = "gemma3";

    private static readonly HuggingFaceFamily[] s_all =
    [
        new(ModelFamily.Llama, "LlamaForCausalLM", "llama") { Context = 2048 },
        new(ModelFamily.Mistral, "MistralForCausalLM", "mistral") { Context = 131_072, KvHeads = 8, SlidingWindow = 4096 },
        new(ModelFamily.Mixtral, "MixtralForCausalLM", "mixtral") { Context = 131_072, KvHeads = 8, NormEpsilon = 1e-5, RopeTheta = 1e6, Experts = 8, ExpertsPerToken = 2 },
        new(ModelFamily.Qwen2, "Qwen2ForCausalLM", "qwen2") { Context = 32_768, KvHeads = 32, SlidingWindow = 4096 },
        new(ModelFamily.Qwen2Moe, "Qwen2MoeForCausalLM", "qwen2_moe")
        {
            Context = 32_768, KvHeads = 16, SlidingWindow = 4096, Experts = 60, ExpertsPerToken = 4, ExpertHiddenWidth = 1408, SharedExpertHiddenWidth = 5632,
        },
        new(ModelFamily.Qwen3, "Qwen3ForCausalLM", "qwen3") { Context = 32_768, KvHeads = 32, HeadDimension = 128, SlidingWindow = 4096 },
        new(ModelFamily.Qwen3Moe, "Qwen3MoeForCausalLM", "qwen3_moe")
        {
            Context = 32_768, KvHeads = 4, SlidingWindow = 4096, Experts = 128, ExpertsPerToken = 8, ExpertHiddenWidth = 768,
        },
        new(ModelFamily.Gemma, "GemmaForCausalLM", "gemma") { Context = 8192, KvHeads = 16, HeadDimension = 256, Tied = true },
        new(ModelFamily.Gemma2, "Gemma2ForCausalLM", "gemma2")
        {
            Context = 8192, KvHeads = 4, HeadDimension = 256, SlidingWindow = 4096, Tied = true, AttentionSoftCap = 50, LogitSoftCap = 30,
        },
        new(ModelFamily.Gemma3, "Gemma3ForCausalLM", "gemma3_text")
        {
            Context = 131_072, Heads = 8, KvHeads = 4, HeadDimension = 256, Vocabulary = 262_208, SlidingWindow = 4096, RopeTheta = 1e6, Tied = true,
        },
        new(ModelFamily.Phi3, "Phi3ForCausalLM", "phi3") { Context = 4096, NormEpsilon = 1e-5 },
        new(ModelFamily.Gpt2, "GPT2LMHeadModel", "gpt2") { Context = 1024, NormEpsilon = 1e-5, Tied = true },
    ];

    /// <summary><c>vocab_size</c>; null: must be given.</summary>
    public int? Vocabulary { get; init; }

    /// <summary><c>num_attention_heads</c>; null: must be given.</summary>
    public int? Heads { get; init; }

    /// <summary><c>num_key_value_heads</c>; null: as many as heads.</summary>
    public int? KvHeads { get; init; }

    /// <summary><c>head_dim</c>; null: width / heads.</summary>
    public int? HeadDimension { get; init; }

    /// <summary><c>max_position_embeddings</c>.</summary>
    public int Context { get; init; }

    /// <summary><c>rms_norm_eps</c>.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary><c>rope_theta</c>.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary><c>tie_word_embeddings</c>.</summary>
    public bool Tied { get; init; }

    /// <summary><c>sliding_window</c>; null: none.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary><c>attn_logit_softcapping</c>; null: none.</summary>
    public double? AttentionSoftCap { get; init; }

    /// <summary><c>final_logit_softcapping</c>; null: none.</summary>
    public double? LogitSoftCap { get; init; }

    /// <summary><c>num_local_experts</c> or <c>num_experts</c>; 0: the family has none.</summary>
    public int Experts { get; init; }

    /// <summary><c>num_experts_per_tok</c>.</summary>
    public int ExpertsPerToken { get; init; }

    /// <summary><c>moe_intermediate_size</c>; 0: <c>intermediate_size</c> is the experts' width.</summary>
    public int ExpertHiddenWidth { get; init; }

    /// <summary><c>shared_expert_intermediate_size</c>; 0: the family has none.</summary>
    public int SharedExpertHiddenWidth { get; init; }

    /// <summary>The facts about a family.</summary>
    public static HuggingFaceFamily Of(ModelFamily family) => s_all.First(f => f.Family == family);

    /// <summary>Finds the family of a file, and the object that describes its text model: the file's own, or <c>text_config</c>.</summary>
    /// <exception cref="FileFormatException">It is none of the known ones.</exception>
    public static (HuggingFaceFamily Family, ConfigObject Text) Find(ConfigObject top)
    {
        string? type = top.Text("model_type");
        if (top.Texts("architectures") is { Length: > 0 } names)
        {
            if (names[0] == Conditional) return (Of(ModelFamily.Gemma3), TextOf(top));
            return (s_all.FirstOrDefault(f => f.Architecture.Equals(names[0], StringComparison.OrdinalIgnoreCase))
                ?? throw Unknown(top, $"the architecture is {InvalidInputException.Quote(names[0])}"), Nested(top));
        }

        if (type is null) throw Unknown(top, "the file names no architecture");
        if (type == ConditionalType) return (Of(ModelFamily.Gemma3), TextOf(top));
        return (s_all.FirstOrDefault(f => f.ModelType == type) ?? throw Unknown(top, $"the model_type is {InvalidInputException.Quote(type)}"), Nested(top));
    }

    // A text model that was saved with the configuration of the whole keeps its own within.
    private static ConfigObject Nested(ConfigObject top) => top.Has("hidden_size") || top.Has("n_embd") ? top : top.Object("text_config") ?? top;

    private static ConfigObject TextOf(ConfigObject top) => top.Object("text_config") ?? throw top.Fault("text_config is missing", "add it");

    private static FileFormatException Unknown(ConfigObject top, string what) =>
        top.Fault(what, $"the supported ones are {string.Join(", ", s_all.Select(static f => f.Architecture))} and {Conditional}");
}
