using static Ration.Tokenizers.PreTokenizers.SplitStages;

namespace Ration.Tokenizers.PreTokenizers;

/// <summary>The pre-tokenizers of known models, by the names that GGUF files give them (<c>tokenizer.ggml.pre</c>).</summary>
public static class PreTokenizerNames
{
    private static readonly Dictionary<string, PreTokenizer> s_byName = ByName(
        (new(Punctuations, Gpt2, Numbers, DigitTriples), "default"),
        (new(Gpt2), "gpt-2 mpt olmo jais phi-2 gigachat jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe"),
        (new(SingleNumbers, Gpt2), "starcoder refact command-r smollm codeshell exaone minerva-7b"),
        (new(FalconPunctuations, Gpt2, DigitTriples), "falcon"),
        (new(Llama3), "llama-bpe llama3 llama-v3 falcon3 dbrx smaug-bpe chatglm-bpe"),
        (new(Qwen2), "qwen2 stablelm2 deepseek-r1-qwen megrez bailingmoe bailingmoe2 llada-moe"),
        (new(Qwen35), "qwen35"),
        (new(LineBreaks, DeepSeekLetters, DeepSeekPunctuations, FinalSpaces, DeepSeekIdeographs, Numbers), "deepseek-llm"),
        (new(LineBreaks, SpacedLetters, SpacedPunctuations, DeepSeekIdeographs, SingleNumbers), "deepseek-coder"),
        (new(NumberTriples, SplitStages.DeepSeekKana, DeepSeek3Words), "deepseek-v3"),
        (new(Bloom), "bloom poro-chat gpt3-finnish"),
        (new(Bloom, SingleNumbers), "viking"),
        (new(ChameleonSentinels, ChameleonImages, ChameleonSpaces, SingleNumbers, SinglePunctuations, Gpt2), "chameleon"),
        (new(Tekken), "tekken"),
        (new(Gpt4o), "gpt-4o llama4"));

    /// <summary>Every name.</summary>
    public static IEnumerable<string> All => s_byName.Keys;

    /// <summary>The pre-tokenizer of that name; null if there is none.</summary>
    public static PreTokenizer? Find(string name) => s_byName.GetValueOrDefault(name);

    /// <summary>Whether models with the pre-tokenizer of that name take a word that is a token as it is, whatever its merges say.</summary>
    public static bool TakesWholeWords(string name) => name is "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "tekken";

    /// <summary>The usual name of a pre-tokenizer; null if it has none.</summary>
    /// <param name="preTokenizer">What cuts text into words.</param>
    /// <param name="takesWholeWords">What <see cref="TakesWholeWords"/> is to say of the name.</param>
    public static string? NameOf(PreTokenizer preTokenizer, bool takesWholeWords)
    {
        ArgumentNullException.ThrowIfNull(preTokenizer);
        foreach ((string name, PreTokenizer known) in s_byName)
            if (TakesWholeWords(name) == takesWholeWords && known.Patterns.SequenceEqual(preTokenizer.Patterns)) return name;
        return null;
    }

    private static Dictionary<string, PreTokenizer> ByName(params (PreTokenizer PreTokenizer, string Names)[] families) =>
        families.SelectMany(static f => f.Names.Split(' ').Select(n => (Name: n, f.PreTokenizer))).ToDictionary(static p => p.Name, static p => p.PreTokenizer, StringComparer.Ordinal);
}
