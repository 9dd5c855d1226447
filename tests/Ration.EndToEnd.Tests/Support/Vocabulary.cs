using Ration.Files.Gguf;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>A vocabulary of its own, in a GGUF file without tensors.</summary>
internal static class Vocabulary
{
    /// <summary>The special token that ends a turn.</summary>
    public const int EndOfTurn = 4;

    private static readonly string[] s_tokens = ["a", "b", "ab", "Ġ", "<|turn|>", "Ã", "©", "Ã©"];

    /// <summary>Writes it: <c>a</c> and <c>b</c> merge, and so do the two bytes of <c>é</c>; there is nothing else but a space.</summary>
    /// <returns>The file.</returns>
    public static string Write(TestFolder folder)
    {
        GgufWriter writer = new();
        writer.SetString("general.architecture", "llama");
        writer.SetString("tokenizer.ggml.model", "gpt2");
        writer.SetString("tokenizer.ggml.pre", "gpt-2");
        writer.SetStrings("tokenizer.ggml.tokens", s_tokens);
        writer.SetInt32s("tokenizer.ggml.token_type", [1, 1, 1, 1, 3, 1, 1, 1]);
        writer.SetStrings("tokenizer.ggml.merges", ["a b", "Ã ©"]);
        writer.SetUInt32("tokenizer.ggml.eos_token_id", EndOfTurn);
        writer.SetString("tokenizer.chat_template", "{{ messages[0].content }}");
        string path = folder["vocabulary.gguf"];
        writer.Save(path, static _ => { });
        return path;
    }
}
