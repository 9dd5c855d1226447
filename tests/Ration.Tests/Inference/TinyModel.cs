using Ration.Files;
using Ration.Inference;
using Ration.Inference.Sampling;
using Ration.Models;
using Ration.Tests.Files;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tests.Inference;

/// <summary>A small random model in a folder, with a tokenizer of bytes or one with special tokens and a chat template.</summary>
internal sealed class TinyModel : IDisposable
{
    public const string Template = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    public static readonly string[] Special = ["<s>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"];
    private const string Words = "the cat sat on the mat and the dog sat on the log, the cat and the dog and the mat";
    private readonly TemporaryFolder _folder = new();

    private TinyModel(string? builtIn)
    {
        using Generator generator = SmallModels.Open(SmallModels.Options(Configuration, 8));
        ModelFolder.Save(_folder.Path, Configuration, [.. generator.Weights], generator.Executor, builtIn);
    }

    public static ModelConfiguration Configuration { get; } = SmallModels.Model() with { Vocabulary = 300, Width = 64, HiddenWidth = 96 };

    public string Path => _folder.Path;

    /// <summary>Tokens are bytes; there is no template.</summary>
    public static TinyModel OfBytes() => new("bytes");

    /// <summary>Tokens are trained pairs; texts begin with &lt;s&gt;, messages end with &lt;|end|&gt;.</summary>
    /// <param name="special">Its special tokens, of which the first begins texts; null for <see cref="Special"/>.</param>
    /// <param name="settings">Its <c>tokenizer_config.json</c>; null for one with <see cref="Template"/>.</param>
    public static TinyModel OfPairs(string[]? special = null, string? settings = null)
    {
        TinyModel model = new(null);
        PreTokenizer words = PreTokenizerNames.Find("gpt-2")!;
        BytePairTrainer trainer = new(290, special ?? Special, words);
        trainer.Add(System.Text.Encoding.UTF8.GetBytes(Words));
        TokenizerJsonWriter.Write(System.IO.Path.Combine(model.Path, "tokenizer.json"), trainer.Train(), words, "<s>");
        model._folder.Write("tokenizer_config.json", settings ?? $"{{\"bos_token\":\"<s>\",\"eos_token\":\"<|end|>\",\"chat_template\":{System.Text.Json.JsonSerializer.Serialize(Template)}}}");
        return model;
    }

    public LanguageModel Load(int context = 200, int? chunk = null) => LanguageModel.Load(Path, new LanguageModelOptions { Context = context, Threads = 2, Chunk = chunk });

    /// <summary>The most likely token, always.</summary>
    public static TextGenerationOptions Greedy(int tokens) => new() { MaxTokens = tokens, Sampling = new SamplingOptions(Temperature: 0), IgnoreEnd = true };

    /// <summary>A text of many different tokens, the same each time: the most likely ones of a random model repeat themselves.</summary>
    public static TextGenerationOptions Varied(int tokens) => new() { MaxTokens = tokens, Sampling = new SamplingOptions(Temperature: 1.5f, TopP: 1, Seed: 3), IgnoreEnd = true };

    /// <summary>These tokens, whatever the model says, then the last one again and again.</summary>
    public static TextGenerationOptions Script(params int[] tokens) =>
        new() { Sampling = new SamplingOptions(Temperature: 1, TopP: 1) { Steps = [new Scripted(tokens)] } };

    /// <summary>The bytes of a text, whatever the model says.</summary>
    public static TextGenerationOptions ScriptBytes(string text) => Script([.. System.Text.Encoding.UTF8.GetBytes(text)]) with { MaxTokens = System.Text.Encoding.UTF8.GetByteCount(text) };

    public void Dispose() => _folder.Dispose();

    private sealed class Scripted(int[] tokens) : ISamplingStep
    {
        private int _next;

        public void Apply(Candidates candidates)
        {
            candidates.Scores[tokens[Math.Min(_next++, tokens.Length - 1)]] = 1e30f;
            candidates.KeepGreatest(1);
        }
    }
}
