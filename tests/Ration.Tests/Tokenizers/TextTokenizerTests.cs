using System.Text;
using Ration.Cli.Tokens;
using Ration.Tokenizers;
using Ration.Tokenizers.SentencePiece;
using Ration.Tokenizers.Special;
using Ration.Tokenizers.Unigram;

namespace Ration.Tests.Tokenizers;

public sealed class TextTokenizerTests
{
    [Fact]
    public void Special_tokens_are_found_only_when_asked_for_and_others_always()
    {
        TextTokenizer tokenizer = Make();
        Assert.Equal([.. "a<s>"u8, 302, 'b'], tokenizer.Encode("a<s><tool>b"));
        Assert.Equal(['a', 300, 302, 'b'], tokenizer.Encode("a<s><tool>b", new EncodingOptions { AddBeginning = false, ParseSpecial = true }));
    }

    [Fact]
    public void Texts_begin_and_end_as_files_or_options_say()
    {
        TextTokenizer tokenizer = Make();
        Assert.Equal([300, 'a'], tokenizer.Encode("a", null));
        Assert.Equal(['a', 301], tokenizer.Encode("a", new EncodingOptions { AddBeginning = false, AddEnd = true }));
        Assert.Equal([300], tokenizer.Encode("", null));
        Assert.Equal(['a'], tokenizer.Encode("a"));
    }

    [Fact]
    public void Of_several_added_tokens_the_leftmost_counts_and_then_the_longest()
    {
        var tokenizer = new TextTokenizer(new ByteTokenizer(), [Added(256, "ab"), Added(257, "abcd"), Added(258, "bcde"), Added(259, "c")]);
        Assert.Equal([257, 'e'], tokenizer.Encode("abcde"));
        Assert.Equal([256, 259, 'x'], tokenizer.Encode("abcx"));
        Assert.Equal([256], tokenizer.Encode("ab"));
    }

    [Fact]
    public void Spaces_beside_a_token_belong_to_it_where_it_says_so()
    {
        TextTokenizer tokenizer = new(new ByteTokenizer(), [Added(256, "<l>") with { TakesSpacesBefore = true }, Added(257, "<r>") with { TakesSpacesAfter = true }]);
        Assert.Equal(['a', 256, ' ', 'b', ' ', 257, 'c'], tokenizer.Encode("a \n<l> b <r> \t c"));
        Assert.Equal(['a', 256], tokenizer.Encode("a  <l>", new EncodingOptions()));
        Assert.Equal([257], tokenizer.Encode("<r>  ", new EncodingOptions()));
        Assert.Equal(['a', 256, 257, 'c'], tokenizer.Encode("a\u3000\u00A0<l><r>\u2003c"));
    }

    [Fact]
    public void Special_tokens_are_spelt_out_only_when_asked_for()
    {
        TextTokenizer tokenizer = Make();
        int[] tokens = [300, 'h', 302, 'i', 301];
        Assert.Equal("h<tool>i", tokenizer.Decode(tokens));
        Assert.Equal("h<tool>i", tokenizer.Decode(tokens, showSpecial: false));
        Assert.Equal("<s>h<tool>i</s>", tokenizer.Decode(tokens, showSpecial: true));
        Assert.Throws<InvalidInputException>(() => tokenizer.Decode([303], showSpecial: true));
    }

    [Theory]
    [InlineData("3 2", true, "<s> a")]
    [InlineData("2 3 2", true, "a<s> a")]
    [InlineData("3 2", false, "a")]
    public void The_space_before_a_text_is_none_after_a_token_that_is_shown(string ids, bool showSpecial, string text)
    {
        TextTokenizer tokenizer = new(new SentencePieceTokenizer(Vocabulary(" ", "a", " a")), [Added(3, "<s>", true)]);
        Assert.Equal(text, tokenizer.Decode([.. ids.Split(' ').Select(int.Parse)], showSpecial));
        using MemoryStream written = new();
        TokenStream.Decode(tokenizer, new MemoryStream(Encoding.UTF8.GetBytes(ids)), written, showSpecial, TestContext.Current.CancellationToken);
        Assert.Equal(text, Encoding.UTF8.GetString(written.ToArray()));
    }

    [Fact]
    public void What_is_kept_stays_text_in_its_place()
    {
        TextTokenizer tokenizer = new(new SentencePieceTokenizer(Vocabulary(" ", "a", " a", "<", "s", ">")), [Added(6, "<s>", true), Added(7, "<ss>")]);
        EncodingOptions options = new() { ParseSpecial = true };
        Assert.Equal([2, 3, 4, 5, 1, 6, 2, 7], tokenizer.Encode("a<s>a<s>a<ss>"u8, options, [(1, 4)]));
        Assert.Equal([2, 6, 2, 3, 4, 4, 5, 2, 7], tokenizer.Encode("a<s>a<ss> a<ss>"u8, options, [(5, 6), (8, 9)]));
        Assert.Equal([6, 0, 3, 4, 5], tokenizer.Encode("<s><s>"u8, options, [(3, 4)]));
        Assert.Equal(tokenizer.Encode("a<s>a", options), tokenizer.Encode("a<s>a"u8, options, []));
    }

    [Fact]
    public void What_is_kept_stays_text_even_where_the_inner_tokenizer_has_a_token_for_it()
    {
        var builder = new TokenVocabularyBuilder();
        foreach (string piece in new[] { "a", "<", "x", ">" }) builder.Add(Encoding.UTF8.GetBytes(piece), TokenKind.Normal, -1);
        builder.Add("<x>"u8, TokenKind.UserDefined);
        TextTokenizer tokenizer = new(new UnigramTokenizer(builder.Build(), new UnigramSettings()), [Added(4, "<x>")]);
        Assert.Equal([0, 4, 0, 4], tokenizer.Encode("a<x>a<x>"u8, null, []));
        Assert.Equal([0, 1, 2, 3, 0, 4], tokenizer.Encode("a<x>a<x>"u8, null, [(1, 4)]));
        Assert.Equal([0, 4, 0, 1, 2, 3], tokenizer.Encode("a<x>a<x>"u8, null, [(5, 6), (7, 8)]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pieces_of_any_size_give_the_tokens_of_the_whole(bool addsSpace)
    {
        var random = new Random(11);
        TokenVocabulary vocabulary = RandomVocabularies.Pieces(random, 100, "ab <l>x", hasBytes: true);
        int next = vocabulary.Count;
        for (int strips = 0; strips < 4; strips++)
        {
            var tokenizer = new TextTokenizer(new SentencePieceTokenizer(vocabulary, addsSpace),
            [
                Added(next, "<l>") with { TakesSpacesBefore = (strips & 1) != 0 }, Added(next + 1, "<ll>") with { TakesSpacesAfter = (strips & 2) != 0 }, Added(next + 2, "aab"),
                Added(next + 3, "   "), Added(next + 4, "<l><ll>b"),
            ]);
            for (int i = 0; i < 200; i++)
            {
                string[] parts = ["<l>", "<ll>", "\u3000", "a", "aa", "ab", " ", "   ", "\n", "<", "x", "\u00E9"];
                string text = "x" + string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => parts[random.Next(parts.Length)]));
                byte[] prefixed = [.. tokenizer.TextPrefix, .. Encoding.UTF8.GetBytes(text)];
                int[] whole = tokenizer.Encode(text, null);
                Assert.Equal(whole, InPieces.Encode(tokenizer, prefixed, random));
            }
        }
    }

    [Fact]
    public void No_space_goes_before_an_added_token()
    {
        var builder = new TokenVocabularyBuilder();
        foreach (string piece in new[] { " ", "a", " a" }) builder.Add(Encoding.UTF8.GetBytes(piece));
        var tokenizer = new TextTokenizer(new SentencePieceTokenizer(builder.Build()), [Added(3, "<l>"), Added(4, "  ")]);
        Assert.Equal([3, 2, 3, 3, 2], tokenizer.Encode("<l>a<l><l>a"));
        Assert.Equal([4, 2], tokenizer.Encode("  a"));
    }

    [Fact]
    public void What_goes_before_a_text_depends_on_how_it_begins()
    {
        var builder = new TokenVocabularyBuilder();
        foreach (string piece in new[] { " ", "a", " a" }) builder.Add(Encoding.UTF8.GetBytes(piece));
        var tokenizer = new TextTokenizer(new SentencePieceTokenizer(builder.Build()), [Added(3, "<l>") with { TakesSpacesBefore = true }]);
        byte[] buffer = [.. "a<l>"u8, 0];
        Assert.Equal(1, tokenizer.InsertPrefix(buffer, 4));
        Assert.Equal(" a<l>"u8, buffer);
        foreach (string text in (string[])["<l>a", " <l>a", ""])
        {
            buffer = [.. Encoding.UTF8.GetBytes(text), 0];
            Assert.Equal(0, tokenizer.InsertPrefix(buffer, buffer.Length - 1));
        }
    }

    [Fact]
    public void Added_tokens_without_text_or_too_long_are_refused()
    {
        Assert.Throws<InvalidInputException>(() => new TextTokenizer(new ByteTokenizer(), [Added(256, "")]));
        Assert.Throws<InvalidInputException>(() => new TextTokenizer(new ByteTokenizer(), [Added(256, new string('a', 1025))]));
        Assert.Throws<InvalidInputException>(() => new TextTokenizer(new ByteTokenizer(), [Added(-1, "a")]));
    }

    private static TokenVocabulary Vocabulary(params ReadOnlySpan<string> pieces)
    {
        var builder = new TokenVocabularyBuilder();
        foreach (string piece in pieces) builder.Add(Encoding.UTF8.GetBytes(piece));
        return builder.Build();
    }

    private static AddedToken Added(int id, string text, bool isSpecial = false) => new(id, Encoding.UTF8.GetBytes(text), isSpecial);

    private static TextTokenizer Make() => new(new ByteTokenizer(), [Added(300, "<s>", true), Added(301, "</s>", true), Added(302, "<tool>")])
    {
        BeginningId = 300,
        EndId = 301,
        AddBeginning = true,
    };
}
