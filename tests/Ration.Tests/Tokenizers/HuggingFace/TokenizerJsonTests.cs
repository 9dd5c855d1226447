using System.Text;
using Ration.Files;
using Ration.Tests.Files;
using Ration.Tokenizers;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.Special;

namespace Ration.Tests.Tokenizers.HuggingFace;

public sealed class TokenizerJsonTests
{
    [Fact]
    public void What_was_trained_and_written_is_read_and_says_any_bytes()
    {
        byte[] file = TokenizerJsonFile.Trained(out TrainedBytePairs trained);
        ReadTokenizer read = TokenizerJsonReader.Parse(file, "x");
        Assert.InRange(trained.Tokens.Count, 290, 500);
        Assert.Equal(trained.Tokens.Count, read.Vocabulary.Count);
        for (int id = 0; id < trained.Tokens.Count; id++) Assert.Equal(trained.Tokens[id], read.Vocabulary.Bytes(id).ToArray());
        Assert.Equal((0, true, null, false), (read.BeginningId, read.AddBeginning, read.EndId, read.AddEnd));
        Assert.Equal([(0, "<|endoftext|>"), (1, "<|ü|>")], read.Added.Select(static t => (t.Id, Encoding.UTF8.GetString(t.Text))));
        Assert.InRange(read.Inner.Encode(" café the the café").Length, 4, 7);
        var random = new Random(4);
        for (int round = 0; round < 300; round++)
        {
            byte[] text = new byte[random.Next(300)];
            random.NextBytes(text);
            if (round % 2 == 0) text = Encoding.UTF8.GetBytes(string.Concat(text.Select(b => char.ConvertFromUtf32((b * 4099 + random.Next(9)) % 0xD000))));
            Assert.Equal(text, read.Inner.Encode(text).SelectMany(id => read.Inner.Bytes(id).ToArray()));
        }
    }

    [Fact]
    public void The_trained_merges_are_what_the_tokenizer_does()
    {
        byte[] file = TokenizerJsonFile.Trained(out TrainedBytePairs trained);
        ReadTokenizer read = TokenizerJsonReader.Parse(file, "x");
        // Every token that was made for a word that was seen is itself again.
        foreach (string word in (string[])[" café", " the", "123"]) Assert.Single(read.Inner.Encode(word));
        Assert.Contains(trained.Merges, m => m.First > 257 || m.Second > 257);
    }

    [Theory]
    [InlineData("ab", "7")]
    [InlineData("a b", "8 3 5")]
    [InlineData("é ab", "3 9 10 7")]
    [InlineData("a  ab", "8 3 7")]
    [InlineData("世", "3 0")]
    public void SentencePiece_merges_go_by_their_order_and_unknown_characters_by_their_bytes(string text, string expected)
    {
        ReadTokenizer read = TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(TokenizerJsonFile.SentencePieceBpe), "x");
        Assert.Equal(expected, string.Join(' ', read.Inner.Encode(text)));
        Assert.Equal((1, true, null, false), (read.BeginningId, read.AddBeginning, read.EndId, read.AddEnd));
        if (!text.Contains('世')) Assert.Equal(text, read.Inner.Decode(read.Inner.Encode(text)));
    }

    [Theory]
    [InlineData(true, "3 0")]
    [InlineData(false, "3 0 0")]
    public void Unknown_characters_become_one_token_or_one_each_as_the_file_says(bool fuses, string expected)
    {
        string file = TokenizerJsonFile.SentencePieceBpe.Replace("\"fuse_unk\": true", fuses ? "\"fuse_unk\": true" : "\"fuse_unk\": false", StringComparison.Ordinal);
        Assert.Equal(expected, string.Join(' ', TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(file), "x").Inner.Encode("世界")));
    }

    [Theory]
    [InlineData("always", "ab", "7")]
    [InlineData("always", " ab", "7")]
    [InlineData("always", "\u2581ab", "7")]
    [InlineData("always", "ab<x>ab<x> ab", "7 12 7 12 7")]
    [InlineData("first", "ab<x>ab<x> ab", "7 12 6 12 7")]
    [InlineData("first", " ab", "7")]
    [InlineData("first", "<x>ab", "12 6")]
    [InlineData("never", "ab<x> ab", "6 12 7")]
    public void Metaspace_puts_a_space_only_where_its_scheme_says_and_none_is(string scheme, string text, string expected)
    {
        string file = TokenizerJsonFile.SentencePieceBpe.Replace("{\"type\": \"Prepend\", \"prepend\": \"\\u2581\"}, ", "", StringComparison.Ordinal)
            .Replace("\"pre_tokenizer\": null",
                $"\"pre_tokenizer\": {{\"type\": \"Metaspace\", \"replacement\": \"\\u2581\", \"prepend_scheme\": \"{scheme}\", \"split\": false}}", StringComparison.Ordinal);
        Assert.Contains("Metaspace", file, StringComparison.Ordinal);
        Assert.DoesNotContain("Prepend", file, StringComparison.Ordinal);
        var tokenizer = new TextTokenizer(TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(file), "x").Inner, [new AddedToken(12, "<x>"u8.ToArray(), IsSpecial: false)]);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(expected, string.Join(' ', tokenizer.Encode(text)));
        Assert.Equal(expected, string.Join(' ', InPieces.Encode(tokenizer, [.. tokenizer.PrefixOf(bytes, startsText: true), .. bytes], new Random(3))));
    }

    [Theory]
    [InlineData("\uFB01sh", "4 7")]
    [InlineData("  fi   fi ", "4 4")]
    [InlineData("i x", "3 6 3 2")]
    public void Unigram_files_are_read_with_their_normalizer(string text, string expected)
    {
        ReadTokenizer read = TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(TokenizerJsonFile.Unigram), "x");
        Assert.Equal(expected, string.Join(' ', read.Inner.Encode(text)));
        Assert.Equal((null, false, 1, true), (read.BeginningId, read.AddBeginning, read.EndId, read.AddEnd));
        Assert.Equal(new AddedToken(8, "<x>"u8.ToArray(), false) { Text = read.Added[2].Text }, read.Added[2]);
    }

    // The ids are those of Hugging Face's library.
    [Theory]
    [InlineData("NFKC", "fi\u0085sh", "4 3 7")]
    [InlineData("NFKC", "\tfi\u3000\u2028 fi\u00A0", "4 4")]
    [InlineData("NFKC", "fi\n\u2581fi", "4 4")]
    [InlineData("NFKC", "fi\u2581\u2581fi", "4 3 4")]
    [InlineData("NFKC", "fi \u2581 fi", "4 3 4")]
    [InlineData("NFKC", "\u0085\n", "")]
    [InlineData("NFC", "\uFB01\u2003fi\tsh", "3 2 4 3 7")]
    [InlineData("Nmt", "fi\u0085sh\u2581fi", "4 3 7 4")]
    public void WhitespaceSplit_cuts_at_every_kind_of_white_space(string normalizer, string text, string expected)
    {
        TokenizerDescription read = Gguf.GgufVocabularyWriterTests.Parse(WhiteSpaceFile(normalizer));
        ITokenizer tokenizer = ((TextTokenizer)read.Tokenizer).Inner;
        Assert.Equal(expected, string.Join(' ', tokenizer.Encode(text)));
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(expected, string.Join(' ', InPieces.Encode(tokenizer, [.. tokenizer.PrefixOf(bytes, startsText: true), .. bytes], new Random(6))));
    }

    [Theory]
    [InlineData("\"prepend_scheme\": \"always\"", "\"prepend_scheme\": \"first\"", "WhitespaceSplit")]
    [InlineData("{\"type\": \"WhitespaceSplit\"}", "{\"type\": \"Metaspace\"}, {\"type\": \"WhitespaceSplit\"}", "WhitespaceSplit")]
    public void WhitespaceSplit_without_a_mark_for_every_word_is_refused(string part, string replacement, string named)
    {
        string file = WhiteSpaceFile("NFKC");
        Assert.Contains(part, file, StringComparison.Ordinal);
        FileFormatException fault = Assert.Throws<FileFormatException>(() => TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(file.Replace(part, replacement, StringComparison.Ordinal)), "x"));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    internal static string WhiteSpaceFile(string normalizer) => TokenizerJsonFile.Unigram
        .Replace("{\"type\": \"NFKC\"}", $"{{\"type\": \"{normalizer}\"}}", StringComparison.Ordinal)
        .Replace("\"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \"\\u2581\"", "\"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \" \"", StringComparison.Ordinal)
        .Replace("{\"type\": \"Metaspace\", \"replacement\": \"\\u2581\", \"prepend_scheme\": \"always\", \"split\": true}",
            "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace\", \"replacement\": \"\\u2581\", "
            + "\"prepend_scheme\": \"always\", \"split\": true}]}", StringComparison.Ordinal);

    [Theory]
    [InlineData("NFD")]
    [InlineData("NFKD")]
    public void A_word_that_a_normalizer_makes_much_longer_is_not_cut(string form)
    {
        byte[] file = Encoding.UTF8.GetBytes(TokenizerJsonFile.Decomposing.Replace("NFD", form, StringComparison.Ordinal));
        ITokenizer tokenizer = TokenizerJsonReader.Parse(file, "x").Inner;
        // As Hugging Face's library has it: the last byte of each syllable and the first of the next are one token.
        int[] expected = [0, .. Enumerable.Repeat((int[])[1, 2, 0, 3, 4, 0, 5, 7], 1999).SelectMany(static ids => ids), 1, 2, 0, 3, 4, 0, 5, 6];
        string text = string.Concat(Enumerable.Repeat("\uAC01", 2000));
        Assert.Equal(expected, tokenizer.Encode(text));
        Assert.Equal(expected, new TextTokenizer(tokenizer, []).Encode(text, new EncodingOptions { ParseSpecial = true }));
    }

    [Theory]
    [InlineData("a    b", "5 2 6")]
    [InlineData("a  b", "5 1 6")]
    [InlineData("a   a", "5 1 7")]
    [InlineData("a\n\n  b", "5 3 1 6")]
    public void Added_runs_of_spaces_are_merged_and_stand_for_spaces(string text, string expected)
    {
        ReadTokenizer read = TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(TokenizerJsonFile.AddedRuns), "x");
        var tokenizer = new TextTokenizer(read.Inner, read.Added);
        int[] tokens = tokenizer.Encode(text);
        Assert.Equal(expected, string.Join(' ', tokens));
        Assert.Equal(text, tokenizer.Decode(tokens));
        Assert.Equal(tokens, tokenizer.Encode(text.Replace(' ', '\u2581')));
    }

    [Fact]
    public void WordPiece_files_are_read()
    {
        ReadTokenizer read = TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(TokenizerJsonFile.WordPiece), "x");
        Assert.Equal([3, 4, 5, 6, 0], read.Inner.Encode("Unable! CAFÉ x"));
        Assert.Equal((1, 2), (read.BeginningId, read.EndId));
    }

    [Fact]
    public void Text_is_normalized_before_bytes_merge()
    {
        ReadTokenizer read = TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(TokenizerJsonFile.ByteLevel), "x");
        Assert.Equal([3, 4, 0], read.Inner.Encode("é a"));
        Assert.Equal(read.Inner.Encode("é a"), read.Inner.Encode("e\u0301 a"));
        Assert.Equal(7, new TextTokenizer(read.Inner, read.Added).VocabularySize);
        Assert.Equal(new AddedToken(5, read.Added[0].Text, true, false, true), read.Added[0]);
    }

    [Fact]
    public void Expressions_with_line_breaks_themselves_are_those_with_their_escapes()
    {
        string file = TokenizerJsonFile.ByteLevel.Replace("\\\\r\\\\n", "\\r\\n", StringComparison.Ordinal);
        Assert.NotEqual(TokenizerJsonFile.ByteLevel, file);
        Assert.Equal([3, 4, 0], TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(file), "x").Inner.Encode("é a"));
    }

    [Theory]
    [InlineData("null", "<tool>")]
    [InlineData("null", "éA  ")]
    [InlineData("{\"type\": \"NFC\"}", "<tool>")]
    [InlineData("{\"type\": \"NFD\"}", "   ")]
    [InlineData("{\"type\": \"NFC\"}", "\uFF5Cend\u2581")]
    [InlineData("{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"\u2581\"}", "<tool>")]
    [InlineData("{\"type\": \"Sequence\", \"normalizers\": []}", "é")]
    public void Added_tokens_are_looked_for_in_the_text_where_normalizing_does_not_move_them(string normalizer, string content) =>
        Assert.Equal(Encoding.UTF8.GetBytes(content), ReadWithAdded(normalizer, content, isSpecial: false).Text);

    [Theory]
    [InlineData("{\"type\": \"Prepend\", \"prepend\": \"\u2581\"}", "<tool>")]
    [InlineData("{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"\u2581\"}", "a b")]
    [InlineData("{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"\u2581\"}", "\u2581\u2581")]
    [InlineData("{\"type\": \"Lowercase\"}", "<tool>")]
    [InlineData("{\"type\": \"NFKC\"}", "<tool>")]
    [InlineData("{\"type\": \"NFC\"}", "éa")]
    [InlineData("{\"type\": \"NFD\"}", "e\u0301")]
    [InlineData("{\"type\": \"Strip\"}", "x\u3000")]
    public void Added_tokens_that_normalizing_moves_are_refused_unless_a_caller_asks_for_them(string normalizer, string content)
    {
        FileFormatException fault = Assert.Throws<FileFormatException>(() => ReadWithAdded(normalizer, content, isSpecial: false));
        Assert.Contains("normalized", fault.Message, StringComparison.Ordinal);
        Assert.Contains(InvalidInputException.Quote(content), fault.Message, StringComparison.Ordinal);
        // Strip is none that a byte-level model may have.
        if (!normalizer.Contains("Strip", StringComparison.Ordinal) && !normalizer.Contains('\u2581')) Assert.True(ReadWithAdded(normalizer, content, isSpecial: true).IsSpecial);
    }

    private static AddedToken ReadWithAdded(string normalizer, string content, bool isSpecial)
    {
        string added = $"{{\"id\": 6, \"content\": {System.Text.Json.JsonSerializer.Serialize(content)}, \"special\": {(isSpecial ? "true" : "false")}, \"normalized\": true}}";
        bool marks = normalizer.Contains("Replace", StringComparison.Ordinal);
        string file = (marks ? TokenizerJsonFile.AddedRuns : TokenizerJsonFile.ByteLevel)
            .Replace("{\"id\": 6, \"content\": \"<tool>\", \"special\": false}", added, StringComparison.Ordinal)
            .Replace("\"added_tokens\": [{\"id\": 0, \"content\": \"<unk>\", \"special\": true}", $"\"added_tokens\": [{added}", StringComparison.Ordinal)
            .Replace("{\"type\": \"NFC\"}", normalizer, StringComparison.Ordinal);
        Assert.Contains(added, file, StringComparison.Ordinal);
        return TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(file), "x").Added.Single(static token => token.Id == 6);
    }

    [Theory]
    [InlineData("\"type\": \"NFC\"", "\"type\": \"NFX\"", "NFX")]
    [InlineData("\"use_regex\": false", "\"use_regex\": 3", "use_regex")]
    [InlineData("\\\\p{N}|", "\\\\p{N}{1,2}|", "{1,2}")]
    [InlineData("\"add_prefix_space\": false", "\"add_prefix_space\": true", "add_prefix_space")]
    [InlineData("\"ignore_merges\": false", "\"end_of_word_suffix\": \"</w>\"", "end_of_word_suffix")]
    [InlineData("\"ignore_merges\": false", "\"dropout\": 0.1", "dropout")]
    [InlineData("\"a\": 0", "\"a\": 1", "two tokens")]
    [InlineData("\"a\": 0", "\"a\": 1000000000", "1000000000")]
    [InlineData("\"a\": 0", "\"a\": -1", "-1")]
    [InlineData("\"merges\": [[", "\"merges\": [[\"x\", ", "merge 0")]
    [InlineData("\"type\": \"BPE\"", "\"type\": \"WordLevel\"", "WordLevel")]
    [InlineData("\"special\": false", "\"special\": false, \"single_word\": true", "single_word")]
    [InlineData("\"id\": 6", "\"id\": 5", "id 5")]
    [InlineData("\"decoder\": {\"type\": \"ByteLevel\"}", "\"decoder\": {\"type\": \"BPEDecoder\"}", "BPEDecoder")]
    [InlineData("\"model\": {", "\"model\": {\"vocab\": {}, ", "twice")]
    public void What_cannot_be_done_is_refused_by_name(string part, string replacement, string named)
    {
        Assert.Contains(part, TokenizerJsonFile.ByteLevel, StringComparison.Ordinal);
        byte[] file = Encoding.UTF8.GetBytes(TokenizerJsonFile.ByteLevel.Replace(part, replacement, StringComparison.Ordinal));
        FileFormatException fault = Assert.Throws<FileFormatException>(() => TokenizerJsonReader.Parse(file, "some.json"));
        Assert.StartsWith("some.json: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_is_read_from_its_path()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("tokenizer.json", TokenizerJsonFile.WordPiece);
        Assert.Equal(7, TokenizerJsonReader.Read(path).Vocabulary.Count);
        Assert.Throws<InvalidInputException>(() => TokenizerJsonReader.Read(path + "x"));
    }
}
