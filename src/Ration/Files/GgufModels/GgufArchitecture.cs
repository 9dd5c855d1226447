using Ration.Graphs.Ops;
using Ration.Models;

namespace Ration.Files.GgufModels;

/// <summary>How GGUF files name the families, and which conventions they follow (ggml-org/llama.cpp, <c>src/llama-arch.cpp</c> and <c>convert_hf_to_gguf.py</c>).</summary>
internal static class GgufArchitecture
{
    /// <summary>A key of ours that says which of the families of one architecture it is; other readers pass over it.</summary>
    public const string FamilyKey = "ration.family";

    /// <summary>A key of ours that says that <c>output.weight</c> only repeats the embedding, for readers that want one.</summary>
    public const string TiedKey = "ration.tied_embeddings";

    private static readonly (ModelFamily Family, string Name)[] s_names =
    [
        (ModelFamily.Llama, "llama"), (ModelFamily.Mistral, "llama"), (ModelFamily.Mixtral, "llama"), (ModelFamily.Qwen2, "qwen2"), (ModelFamily.Qwen2Moe, "qwen2moe"),
        (ModelFamily.Qwen3, "qwen3"), (ModelFamily.Qwen3Moe, "qwen3moe"), (ModelFamily.Gemma, "gemma"), (ModelFamily.Gemma2, "gemma2"), (ModelFamily.Gemma3, "gemma3"),
        (ModelFamily.Phi3, "phi3"), (ModelFamily.Gpt2, "gpt2"),
    ];

    /// <summary>The <c>general.architecture</c> of a family.</summary>
    public static string NameOf(ModelFamily family) => s_names.First(n => n.Family == family).Name;

    /// <summary>The families of an architecture; none where it is not known.</summary>
    public static IEnumerable<ModelFamily> FamiliesOf(string architecture) => s_names.Where(n => n.Name == architecture).Select(static n => n.Family);

    /// <summary>All architectures, for messages.</summary>
    public static IEnumerable<string> All => s_names.Select(static n => n.Name).Distinct();

    /// <summary>Whether llama.cpp opens a file of the family only with an <c>output.weight</c>, though it be the embedding.</summary>
    public static bool NeedsHead(ModelFamily family) => family is ModelFamily.Gpt2 or ModelFamily.Phi3 or ModelFamily.Qwen2Moe;

    /// <summary>Whether a family is one of Gemma's.</summary>
    public static bool IsGemma(ModelFamily family) => family is ModelFamily.Gemma or ModelFamily.Gemma2 or ModelFamily.Gemma3;

    /// <summary>The same model under the conventions of GGUF files: Llama's queries and keys lie in neighbouring pairs, norm gains are whole.</summary>
    public static ModelConfiguration Conventional(ModelConfiguration model) => model with
    {
        RotaryPairing = NameOf(model.Family) == "llama" ? RotaryPairing.Neighbours : RotaryPairing.Halves,
        NormGainOffset = 0,
    };

    /// <summary>What llama.cpp takes for <see cref="ModelConfiguration.AttentionScalar"/> where the file does not say it.</summary>
    public static double AssumedScalar(ModelConfiguration model) => model.Family switch
    {
        // Both 27-billion models divide by another root; files do not say so, their depth does.
        ModelFamily.Gemma2 when model.Layers == 46 => (double)model.Width / model.Heads,
        ModelFamily.Gemma3 when model.Layers == 62 => (double)model.Width / model.Heads,
        ModelFamily.Gemma2 or ModelFamily.Gemma3 => model.HeadDimension,
        _ => 0,
    };
}
