using Ration.Tests.Files;
using Ration.Tests.Tokenizers.Gguf;
using Ration.Tokenizers;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.Special;

namespace Ration.Tests.Tokenizers.HuggingFace;

public sealed class TokenizerFolderWriterTests
{
    [Theory]
    [InlineData("gpt-2")]
    [InlineData("llama-spm")]
    [InlineData("deepseek-llm")]
    [InlineData("starcoder")]
    [InlineData("bert-bge")]
    public void A_vocabulary_of_a_GGUF_file_gives_the_same_ids_from_a_folder_and_from_a_file_made_of_it(string name)
    {
        string path = SharedVocabularies.Path(name);
        TokenizerDescription written = ModelTokenizer.Describe(path), read = ThroughFolder(written);
        TextTokenizer tokenizer = (TextTokenizer)read.Tokenizer, again = (TextTokenizer)GgufVocabularyWriterTests.ThroughFile(read, read.Tokenizer.VocabularySize).Tokenizer;
        EncodingOptions options = new() { AddBeginning = false, AddEnd = false };
        int cases = 0;
        foreach ((string text, int[] ids) in SharedVocabularies.Cases(path))
        {
            Assert.Equal(ids, tokenizer.Encode(text, options));
            Assert.Equal(ids, again.Encode(text, options));
            cases++;
        }

        Assert.True(cases > 20);
        Assert.Equal((written.BeginningId, written.BeginningText, written.EndText), (read.BeginningId, read.BeginningText, read.EndText));
        Assert.Equal((written.AddBeginning, written.AddEnd), (read.AddBeginning, read.AddEnd));
        Assert.Equal(written.EndIds.Order(), read.EndIds.Order());
    }

    [Theory]
    [InlineData(TokenizerJsonFile.Unigram)]
    [InlineData(TokenizerJsonFile.WordPiece)]
    public void What_was_read_is_written_and_read_again(string json)
    {
        TokenizerDescription written = GgufVocabularyWriterTests.Parse(json.Replace("{\"type\": \"NFKC\"}, ", "", StringComparison.Ordinal));
        GgufVocabularyWriterTests.RequireSame(written, ThroughFolder(written));
    }

    [Fact]
    public void Words_are_cut_at_every_kind_of_white_space_again()
    {
        TokenizerDescription written = GgufVocabularyWriterTests.Parse(TokenizerJsonTests.WhiteSpaceFile("NFKC").Replace("{\"type\": \"NFKC\"}, ", "", StringComparison.Ordinal));
        TokenizerDescription read = ThroughFolder(written);
        GgufVocabularyWriterTests.RequireSame(written, read);
        Assert.Equal([4, 3, 7, 1], ((TextTokenizer)read.Tokenizer).Encode("fi\u2003sh", new EncodingOptions()));
    }

    [Fact]
    public void Templates_and_added_tokens_come_back()
    {
        var builder = new TokenVocabularyBuilder();
        foreach (byte value in "ab"u8) builder.Add([value]);
        TextTokenizer tokenizer = new(
            new Ration.Tokenizers.BytePair.BytePairTokenizer(builder.Build(), new(builder.Build()), Ration.Tokenizers.PreTokenizers.PreTokenizer.None),
            [new AddedToken(4, "<end>"u8.ToArray(), IsSpecial: true, TakesSpacesAfter: true), new AddedToken(5, "<tool>"u8.ToArray(), IsSpecial: false, TakesSpacesBefore: true)])
        { EndId = 4 };
        Dictionary<string, string> templates = new() { ["default"] = "{{ \"\u00e9\" }}", ["tools"] = "b" };
        TokenizerDescription read = ThroughFolder(new TokenizerDescription { Tokenizer = tokenizer, EndIds = [4, 5], ChatTemplates = templates });
        Assert.Equal(templates, read.ChatTemplates);
        Assert.Equal([4, 5], read.EndIds.Order());
        Assert.Equal("<end>", read.EndText);
        Assert.Equal([0, 4, 1, 5, 0], ((TextTokenizer)read.Tokenizer).Encode("a<end>  b  <tool>a", new EncodingOptions { ParseSpecial = true }));
    }

    private static TokenizerDescription ThroughFolder(TokenizerDescription description)
    {
        using TemporaryFolder folder = new();
        TokenizerFolderWriter.Write(folder.Path, description);
        return ModelTokenizer.Describe(folder.Path);
    }
}
