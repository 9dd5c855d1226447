using System.Text;
using Ration.Tests.Files;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tests.Tokenizers.HuggingFace;

/// <summary>Small <c>tokenizer.json</c> files of every kind.</summary>
internal static class TokenizerJsonFile
{
    public const string SentencePieceBpe = """
        {"added_tokens": [{"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
         "pre_tokenizer": null,
         "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
           "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
         "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
         "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
           "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "\u2581": 3, "a": 4, "b": 5, "ab": 6, "\u2581ab": 7, "\u2581a": 8, "<0xC3>": 9, "<0xA9>": 10, "\u2581\u2581": 11},
           "merges": ["a b", "\u2581 ab", "\u2581 a", "\u2581 \u2581"]}}
        """;

    public const string Unigram = """
        {"added_tokens": [{"id": 0, "content": "<pad>", "special": true}, {"id": 1, "content": "</s>", "special": true}, {"id": 8, "content": "<x>", "special": false}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Strip", "strip_left": false, "strip_right": true},
          {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}]},
         "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true},
         "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
           "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
         "decoder": {"type": "Metaspace", "replacement": "\u2581"},
         "model": {"type": "Unigram", "unk_id": 2, "vocab": [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["\u2581", -2.5], ["\u2581fi", -3], ["f", -6], ["i", -6.5], ["sh", -4]]}}
        """;

    public const string WordPiece = """
        {"added_tokens": [{"id": 0, "content": "[UNK]", "special": true}, {"id": 1, "content": "[CLS]", "special": true}, {"id": 2, "content": "[SEP]", "special": true}],
         "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
         "pre_tokenizer": {"type": "BertPreTokenizer"},
         "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
          {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
           "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}},
         "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
         "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
           "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "un": 3, "##able": 4, "!": 5, "cafe": 6}}}
        """;

    public const string ByteLevel = """
        {"added_tokens": [{"id": 5, "content": "<|end|>", "special": true, "lstrip": false, "rstrip": true}, {"id": 6, "content": "<tool>", "special": false}],
         "normalizer": {"type": "NFC"},
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
           {"type": "Split", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
            "behavior": "Isolated", "invert": false},
           {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
         "post_processor": {"type": "ByteLevel"}, "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"a": 0, "\u00c3": 1, "\u00a9": 2, "\u00c3\u00a9": 3, "\u0120": 4}, "merges": [["\u00c3", "\u00a9"]], "ignore_merges": false}}
        """;

    /// <summary>Runs of spaces are added tokens that are no special ones, spelt with marks.</summary>
    public const string AddedRuns = """
        {"added_tokens": [{"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "\u2581\u2581", "normalized": false, "special": false},
           {"id": 2, "content": "\u2581\u2581\u2581\u2581", "normalized": false, "special": false}, {"id": 3, "content": "\n\n", "normalized": false, "special": false}],
         "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
         "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false},
         "post_processor": null,
         "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
         "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
           "vocab": {"<unk>": 0, "\u2581\u2581": 1, "\u2581\u2581\u2581\u2581": 2, "\n\n": 3, "\u2581": 4, "a": 5, "b": 6, "\u2581a": 7, "\n": 8},
           "merges": [["\u2581", "\u2581"], ["\u2581\u2581", "\u2581\u2581"], ["\u2581", "a"], ["\n", "\n"]]}}
        """;

    /// <summary>Tokens reach across words, and a normalizer comes first.</summary>
    public const string AcrossWords = """
        {"added_tokens": [{"id": 0, "content": "<unk>", "special": true}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
         "pre_tokenizer": null, "post_processor": null,
         "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "Fuse"}]},
         "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": false,
           "vocab": {"<unk>": 0, "\u2581": 1, "a": 2, "b": 3, "a\u2581": 4, "a\u2581b": 5}, "merges": [["a", "\u2581"], ["a\u2581", "b"]]}}
        """;

    /// <summary>Syllables are taken apart into three times their bytes, and a token reaches from one into the next.</summary>
    public const string Decomposing = """
        {"added_tokens": [], "normalizer": {"type": "NFD"},
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
           {"type": "Split", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
            "behavior": "Isolated", "invert": false},
           {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
         "post_processor": null, "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"\u00e1": 0, "\u0126": 1, "\u0122": 2, "\u0127": 3, "\u00a1": 4, "\u0128": 5, "\u00a8": 6, "\u00a8\u00e1": 7}, "merges": [["\u00a8", "\u00e1"]]}}
        """;

    /// <summary>One that was trained on some text.</summary>
    public static byte[] Trained(out TrainedBytePairs trained, int size = 500)
    {
        PreTokenizer preTokenizer = PreTokenizerNames.Find("llama3")!;
        var trainer = new BytePairTrainer(size, ["<|endoftext|>", "<|\u00fc|>"], preTokenizer);
        var random = new Random(9);
        string[] words = ["the", " café", " été", "123", "\n\n", " 世界", "\U0001F600", " don't", "\\\"", " the"];
        trainer.Add(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 2000).Select(_ => words[random.Next(words.Length)] + words[random.Next(3)]))));
        trained = trainer.Train(TestContext.Current.CancellationToken);
        using var folder = new TemporaryFolder();
        string path = folder["tokenizer.json"];
        TokenizerJsonWriter.Write(path, trained, preTokenizer, "<|endoftext|>");
        return File.ReadAllBytes(path);
    }
}
