using System.Text;
using Ration.Tests.Tokenizers.HuggingFace;
using Ration.Tokenizers;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tests.Tokenizers.Normalization;

/// <summary>What holds for every tokenizer that rewrites text before it cuts it.</summary>
public sealed class RewritingTokenizersTests
{
    // One character of three bytes becomes eighteen, of 33 bytes.
    private const int MostTokensOfByte = 16;

    public static TheoryData<string> Names => ["NFC", "NFD", "NFKD", "SentencePiece", "unigram", "white space", "WordPiece"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Texts_in_pieces_give_the_tokens_of_the_whole(string name)
    {
        ITokenizer tokenizer = Create(name);
        var random = new Random(17);
        for (int round = 0; round < 200; round++)
        {
            byte[] text = round % 2 == 0 ? RandomTexts.Bytes(random, 60) : Encoding.UTF8.GetBytes(RandomTexts.Text(random, 60));
            Assert.Equal(Rest(tokenizer, text), InPieces.Encode(tokenizer, text, random, MostTokensOfByte));
        }
    }

    [Theory(Timeout = LinearTime.Limit)]
    [MemberData(nameof(Names))]
    public async Task A_megabyte_of_the_same_does_not_hang(string name)
    {
        ITokenizer tokenizer = Create(name);
        foreach (string part in (string[])["a", "ab ", "\u0301", "\u1100\u1161", "世", "\u1FEF", " ", "\n", "\u2581"])
            await LinearTime.Check(tokenizer, part);
    }

    [Fact]
    public void Characters_that_become_many_tokens_are_all_said_whatever_the_room()
    {
        // One character becomes four words, of which three are unknown and one letter of the last is not.
        PieceTokenizer tokenizer = Create("unigram");
        int[] one = Rest(tokenizer, Encoding.UTF8.GetBytes("\uFDFA"));
        Assert.True(one.Length > 3);
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("\uFDFA", 1000)));
        int[] room = new int[64];
        int at = 0, count = 0;
        while (at < text.Length)
        {
            tokenizer.Encode(text.AsSpan(at), room, isFinal: true, out int consumed, out int written);
            Assert.Equal(0, consumed % 3);
            Assert.InRange(written, 1, 64);
            (at, count) = (at + consumed, count + written);
        }

        // Cut between the characters, some of what no token covers is parted.
        Assert.InRange(count, 1000 * (one.Length - 1), 1000 * one.Length);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_whole_text_gives_the_tokens_that_it_gives_where_there_is_room_for_all(string name)
    {
        PieceTokenizer tokenizer = Create(name);
        foreach (string part in (string[])["\uFDFA", "\uAC01", "\u01D6", "\u1FB7", "a\uFDFA\u01D6 ", "\u0344b"])
        {
            for (int count = 1; count <= 1000; count *= 10)
            {
                byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(part, count)));
                Assert.Equal(Rest(tokenizer, [.. tokenizer.PrefixOf(text, startsText: true), .. text]), tokenizer.Encode(text));
            }
        }
    }

    [Theory]
    [InlineData("gpt-2")]
    [InlineData("llama3")]
    [InlineData("deepseek-llm")]
    [InlineData("tekken")]
    [InlineData("bloom")]
    [InlineData("falcon")]
    public void Where_nothing_is_rewritten_the_tokens_are_those_of_the_inner_tokenizer(string preTokenizer)
    {
        var random = new Random(18);
        BytePairTokenizer inner = Train(preTokenizer, random);
        var tokenizer = new NormalizedTokenizer(inner, new NormalizerSequence([]));
        for (int round = 0; round < 200; round++)
        {
            byte[] text = RandomTexts.Bytes(random, 60);
            Assert.Equal(inner.Encode(text), tokenizer.Encode(text));
        }
    }

    [Fact]
    public void Tokens_may_reach_across_words()
    {
        ITokenizer tokenizer = Read(TokenizerJsonFile.AcrossWords);
        Assert.Equal([5], tokenizer.Encode("a b"));
        Assert.Equal([2, 4, 5], tokenizer.Encode("aa a b"));
        var random = new Random(20);
        for (int round = 0; round < 200; round++)
        {
            byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 60).Select(_ => "ab "[random.Next(3)])));
            Assert.Equal(Rest(tokenizer, text), InPieces.Encode(tokenizer, text, random));
        }
    }

    [Theory]
    [InlineData("NFC")]
    [InlineData("SentencePiece")]
    public void Where_none_does_words_are_certain_before_the_text_ends(string name)
    {
        Create(name).Encode(" ab ab"u8, new int[16], isFinal: false, out int consumed, out _);
        Assert.Equal(3, consumed);
    }

    private static int[] Rest(ITokenizer tokenizer, byte[] text)
    {
        int[] room = new int[MostTokensOfByte * text.Length + 64];
        tokenizer.Encode(text, room, isFinal: true, out int consumed, out int written);
        Assert.Equal(text.Length, consumed);
        return room[..written];
    }

    private static PieceTokenizer Create(string name) => name switch
    {
        "NFC" => new NormalizedTokenizer(Train("llama3", new Random(19)), new UnicodeNormalizer(UnicodeForm.Nfc)),
        "NFD" => new NormalizedTokenizer(Train("qwen2", new Random(21)), new UnicodeNormalizer(UnicodeForm.Nfd)),
        "NFKD" => new NormalizedTokenizer(Train("qwen35", new Random(22)), new UnicodeNormalizer(UnicodeForm.Nfkd)),
        "SentencePiece" => new NormalizedTokenizer((PieceTokenizer)Read(TokenizerJsonFile.SentencePieceBpe), new NormalizerSequence([new NmtNormalizer(), new SpaceNormalizer()])),
        "unigram" => (PieceTokenizer)Read(TokenizerJsonFile.Unigram),
        "white space" => (PieceTokenizer)Read(TokenizerJsonTests.WhiteSpaceFile("NFKC")),
        _ => (PieceTokenizer)Read(TokenizerJsonFile.WordPiece),
    };

    private static ITokenizer Read(string file) => TokenizerJsonReader.Parse(Encoding.UTF8.GetBytes(file), "x").Inner;

    private static BytePairTokenizer Train(string preTokenizer, Random random)
    {
        PreTokenizer cut = PreTokenizerNames.Find(preTokenizer)!;
        var trainer = new BytePairTrainer(600, [], cut);
        for (int i = 0; i < 200; i++) trainer.Add(Encoding.UTF8.GetBytes(RandomTexts.Text(random, 60)));
        TrainedBytePairs trained = trainer.Train(TestContext.Current.CancellationToken);
        var builder = new TokenVocabularyBuilder();
        foreach (byte[] token in trained.Tokens) builder.Add(token);
        TokenVocabulary vocabulary = builder.Build();
        var merges = new MergeTable(vocabulary);
        foreach ((int first, int second) in trained.Merges) merges.Add(trained.Tokens[first], trained.Tokens[second]);
        return new BytePairTokenizer(vocabulary, merges, cut);
    }
}
