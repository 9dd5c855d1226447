namespace Ration.Models;

/// <summary>A family of published models: which names and conventions its files have. The arithmetic follows from the other numbers alone.</summary>
public enum ModelFamily
{
    /// <summary>Llama 1 to 3 and what shares its files: SmolLM, TinyLlama, DeepSeek's dense models.</summary>
    Llama,

    /// <summary>Mistral.</summary>
    Mistral,

    /// <summary>Mixtral: Mistral with routed experts.</summary>
    Mixtral,

    /// <summary>Qwen 2 and 2.5.</summary>
    Qwen2,

    /// <summary>Qwen 1.5 and 2 with routed and shared experts.</summary>
    Qwen2Moe,

    /// <summary>Qwen 3.</summary>
    Qwen3,

    /// <summary>Qwen 3 with routed experts.</summary>
    Qwen3Moe,

    /// <summary>Gemma 1.</summary>
    Gemma,

    /// <summary>Gemma 2.</summary>
    Gemma2,

    /// <summary>Gemma 3, its text model.</summary>
    Gemma3,

    /// <summary>Phi-3 and 3.5, and Phi-4.</summary>
    Phi3,

    /// <summary>GPT-2.</summary>
    Gpt2,
}
