using Ration.Files;
using Ration.Tests.Files;
using Ration.Tests.Tokenizers.HuggingFace;
using Ration.Tests.Tokenizers.SentencePiece;
using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

public sealed class ModelTokenizerTests
{
    [Fact]
    public void A_folder_is_described_by_all_its_files()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", TokenizerJsonFile.SentencePieceBpe);
        folder.Write("tokenizer_config.json",
            """{"bos_token": {"content": "<s>", "lstrip": false}, "add_bos_token": false, "chat_template": [{"name": "default", "template": "one"}, {"name": "tools", "template": "two"}]}""");
        folder.Write("special_tokens_map.json", """{"eos_token": "</s>", "pad_token": {"content": "<unk>"}}""");
        folder.Write("generation_config.json", """{"eos_token_id": [5, 2, 9999]}""");
        TokenizerDescription described = ModelTokenizer.Describe(folder.Path);
        Assert.Equal((1, "<s>", "</s>", false, 0), (described.BeginningId, described.BeginningText, described.EndText, described.AddBeginning, described.PaddingId));
        Assert.Equal([5, 2], described.EndIds);
        Assert.Equal(("one", "two"), (described.ChatTemplate, described.ChatTemplates["tools"]));
        Assert.Equal([7], described.Tokenizer.Encode("ab"));
        folder.Write("chat_template.jinja", "three");
        Assert.Equal("three", ModelTokenizer.Describe(folder.Path).ChatTemplate);
    }

    [Fact]
    public void Without_other_files_the_tokenizer_file_speaks()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", TokenizerJsonFile.WordPiece);
        TokenizerDescription described = ModelTokenizer.Describe(folder.Path);
        Assert.Equal((1, "[CLS]", "[SEP]", true, true), (described.BeginningId, described.BeginningText, described.EndText, described.AddBeginning, described.AddEnd));
        Assert.Equal([2], described.EndIds);
        Assert.Null(described.ChatTemplate);
        var tokenizer = Assert.IsType<TextTokenizer>(described.Tokenizer);
        Assert.Equal([1, 5, 2], tokenizer.Encode("!", new EncodingOptions()));
    }

    [Theory]
    [InlineData("{}", "1 5 2", "2", "[CLS]", "[SEP]")]
    [InlineData("""{"bos_token": "[UNK]", "eos_token": "[UNK]"}""", "1 5 2", "0", "[UNK]", "[UNK]")]
    [InlineData("""{"bos_token": "[UNK]", "eos_token": "[UNK]", "add_bos_token": true, "add_eos_token": true}""", "1 5 2", "0", "[UNK]", "[UNK]")]
    [InlineData("""{"eos_token": "[UNK]", "add_eos_token": false}""", "1 5", "0", "[CLS]", "[UNK]")]
    public void The_post_processor_says_what_is_added_and_the_configuration_where_generation_ends(string config, string tokens, string end, string beginningText, string endText)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", TokenizerJsonFile.WordPiece);
        folder.Write("tokenizer_config.json", config);
        TokenizerDescription described = ModelTokenizer.Describe(folder.Path);
        Assert.Equal(tokens, string.Join(' ', Assert.IsType<TextTokenizer>(described.Tokenizer).Encode("!", new EncodingOptions())));
        Assert.Equal(end, string.Join(' ', described.EndIds));
        Assert.Equal((beginningText, endText), (described.BeginningText, described.EndText));
    }

    [Fact]
    public void Where_the_post_processor_adds_nothing_the_configuration_says_what_is_added()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", TokenizerJsonFile.ByteLevel);
        folder.Write("tokenizer_config.json", """{"bos_token": "<|end|>", "eos_token": "<|end|>", "add_bos_token": true, "add_eos_token": true}""");
        Assert.Equal([5, 0, 5], Assert.IsType<TextTokenizer>(ModelTokenizer.Describe(folder.Path).Tokenizer).Encode("a", new EncodingOptions()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_SentencePiece_model_is_used_where_there_is_no_tokenizer_json(int algorithm)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.model", new SentencePieceFile()
            .Piece("<unk>", 0, TokenKind.Unknown).Piece("<s>", 0, TokenKind.Control).Piece("</s>", 0, TokenKind.Control).Piece("<x>", 0, TokenKind.UserDefined)
            .Piece("\u2581a", -1.5f).Piece("<0x62>", -2, TokenKind.Byte).Piece("a", -5).Piece("\u2581", -4)
            .Trainer(algorithm, byteFallback: true, beginning: 1, end: 2).Normalizer([], addPrefix: true, collapse: false).ToArray());
        TokenizerDescription described = ModelTokenizer.Describe(folder.Path);
        Assert.Equal((1, "<s>", algorithm == 2), (described.BeginningId, described.BeginningText, described.AddBeginning));
        var tokenizer = Assert.IsType<TextTokenizer>(described.Tokenizer);
        Assert.Equal([4, 5, 4, 7, 3, 4], tokenizer.Encode("ab a <x>a", new EncodingOptions { AddBeginning = false }));
        Assert.Equal("ab a", tokenizer.Decode(tokenizer.Encode("ab a", new EncodingOptions()), showSpecial: false));
        folder.Write("tokenizer_config.json", """{"bos_token": "</s>", "add_bos_token": true}""");
        Assert.Equal([2, 4], Assert.IsType<TextTokenizer>(ModelTokenizer.Describe(folder.Path).Tokenizer).Encode("a", new EncodingOptions()));
    }

    [Fact]
    public void A_checkpoint_without_a_tokenizer_says_so()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "model.bin");
        File.WriteAllBytes(path, new byte[64]);
        string message = Assert.Throws<InvalidInputException>(() => ModelTokenizer.Read(path)).Message;
        Assert.Contains("has no tokenizer", message, StringComparison.Ordinal);
        Assert.Contains("ration convert", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_files_beside_it_are_told()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<InvalidInputException>(() => ModelTokenizer.Describe(folder.Path));
        folder.Write("tokenizer.json", TokenizerJsonFile.WordPiece);
        foreach ((string name, string text) in new[]
        {
            ("tokenizer_config.json", """{"bos_token": 3}"""), ("tokenizer_config.json", "[]"), ("tokenizer_config.json", "{"),
            ("generation_config.json", """{"eos_token_id": "x"}"""), ("tokenizer_config.json", """{"chat_template": [{"name": "x"}]}"""),
        })
        {
            string path = folder.Write(name, text);
            FileFormatException fault = Assert.Throws<FileFormatException>(() => ModelTokenizer.Describe(folder.Path));
            Assert.StartsWith(path, fault.Message, StringComparison.Ordinal);
            File.Delete(path);
        }
    }
}
