using static Ration.Tokenizers.PreTokenizers.SplitStages;

namespace Ration.Tokenizers.PreTokenizers;

/// <summary>The pre-tokenizers of known models, by the names that GGUF files give them (<c>tokenizer.ggml.pre</c>).</summary>
public static class PreTokenizerNames
{
    private static readonly PreTokenizer s_gpt2 = new(Gpt2);
    private static readonly PreTokenizer s_llama3 = new(Llama3);
    private static readonly PreTokenizer s_qwen2 = new(Qwen2);
    private static readonly PreTokenizer s_singleDigits = new(SingleNumbers, Gpt2);
    private static readonly PreTokenizer s_bloom = new(Bloom);
    private static readonly PreTokenizer s_gpt4o = new(Gpt4o);

    private static readonly Dictionary<string, PreTokenizer> s_byName = new(StringComparer.Ordinal)
    {
        ["default"] = new(Punctuations, Gpt2, Numbers, DigitTriples),
        ["llama3"] = s_llama3, ["llama-v3"] = s_llama3, ["llama-bpe"] = s_llama3, ["falcon3"] = s_llama3,
        ["dbrx"] = s_llama3, ["smaug-bpe"] = s_llama3, ["chatglm-bpe"] = s_llama3,
        ["deepseek-llm"] = new(LineBreaks, DeepSeekLetters, DeepSeekPunctuations, FinalSpaces, DeepSeekIdeographs, Numbers),
        ["deepseek-coder"] = new(LineBreaks, SpacedLetters, SpacedPunctuations, DeepSeekIdeographs, SingleNumbers),
        ["deepseek-v3"] = new(NumberTriples, SplitStages.DeepSeekKana, DeepSeek3Words),
        ["falcon"] = new(FalconPunctuations, Gpt2, DigitTriples),
        ["starcoder"] = s_singleDigits, ["refact"] = s_singleDigits, ["command-r"] = s_singleDigits, ["smollm"] = s_singleDigits,
        ["codeshell"] = s_singleDigits, ["exaone"] = s_singleDigits, ["minerva-7b"] = s_singleDigits,
        ["gpt-2"] = s_gpt2, ["mpt"] = s_gpt2, ["olmo"] = s_gpt2, ["jais"] = s_gpt2, ["phi-2"] = s_gpt2, ["gigachat"] = s_gpt2,
        ["jina-es"] = s_gpt2, ["jina-de"] = s_gpt2, ["jina-v1-en"] = s_gpt2, ["jina-v2-es"] = s_gpt2, ["jina-v2-de"] = s_gpt2,
        ["jina-v2-code"] = s_gpt2, ["roberta-bpe"] = s_gpt2,
        ["stablelm2"] = s_qwen2, ["qwen2"] = s_qwen2, ["deepseek-r1-qwen"] = s_qwen2, ["megrez"] = s_qwen2,
        ["poro-chat"] = s_bloom, ["bloom"] = s_bloom, ["gpt3-finnish"] = s_bloom,
        ["viking"] = new(Bloom, SingleNumbers),
        ["tekken"] = new(Tekken),
        ["gpt-4o"] = s_gpt4o, ["llama4"] = s_gpt4o,
    };

    /// <summary>Every name.</summary>
    public static IEnumerable<string> All => s_byName.Keys;

    /// <summary>The pre-tokenizer of that name; null if there is none.</summary>
    public static PreTokenizer? Find(string name) => s_byName.GetValueOrDefault(name);

    /// <summary>Whether models with the pre-tokenizer of that name take a word that is a token as it is, whatever its merges say.</summary>
    public static bool TakesWholeWords(string name) => name is "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "tekken";
}
