using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

public sealed class TokenVocabularyTests
{
    [Fact]
    public void Tokens_are_found_by_their_bytes()
    {
        var random = new Random(12);
        var builder = new TokenVocabularyBuilder();
        var expected = new Dictionary<string, int>();
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = new byte[random.Next(1, 20)];
            foreach (ref byte b in bytes.AsSpan()) b = (byte)random.Next(4);
            expected.TryAdd(RandomVocabularies.Key(bytes), i);
            builder.Add(bytes);
        }

        TokenVocabulary vocabulary = builder.Build();
        foreach ((string key, int token) in expected)
        {
            Assert.Equal(token, vocabulary.Find(RandomVocabularies.Bytes(key)));
            Assert.Equal(RandomVocabularies.Bytes(key), vocabulary.Bytes(token).ToArray());
        }

        Assert.Equal(-1, vocabulary.Find("no"u8));
        Assert.Equal(-1, vocabulary.Find(new byte[50]));
        Assert.Equal(expected.Keys.Max(static k => k.Length), vocabulary.LongestTextToken);
    }

    [Fact]
    public void Text_becomes_normal_tokens_first_and_marks_never()
    {
        var builder = new TokenVocabularyBuilder();
        builder.Add("<unk>"u8, TokenKind.Unknown);
        builder.Add("<s>"u8, TokenKind.Control, 0.5f);
        builder.Add("A"u8, TokenKind.Byte);
        builder.Add("A"u8, TokenKind.UserDefined);
        builder.Add("A"u8, TokenKind.Normal, -2);
        builder.Add([], TokenKind.Normal);
        TokenVocabulary vocabulary = builder.Build();
        Assert.Equal((4, 2, 0, 6), (vocabulary.Find("A"u8), vocabulary.ByteToken((byte)'A'), vocabulary.UnknownToken, vocabulary.Count));
        Assert.Equal((-1, -1, -1), (vocabulary.Find("<s>"u8), vocabulary.Find([]), vocabulary.ByteToken((byte)'B')));
        Assert.Equal((1, -2f, TokenKind.Control), (vocabulary.FindAny("<s>"u8), vocabulary.Score(4), vocabulary.Kind(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => vocabulary.Bytes(6).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => vocabulary.Bytes(-1).Length);
    }

    [Fact]
    public void What_is_beyond_its_limits_is_refused()
    {
        var builder = new TokenVocabularyBuilder();
        builder.Add(new byte[TokenVocabulary.MaxTokenBytes]);
        Assert.Contains("token 1 is 4097 bytes long", Assert.Throws<InvalidInputException>(() => builder.Add(new byte[TokenVocabulary.MaxTokenBytes + 1])).Message, StringComparison.Ordinal);
        Assert.Contains("score of token 1", Assert.Throws<InvalidInputException>(() => builder.Add("a"u8, TokenKind.Normal, float.NaN)).Message, StringComparison.Ordinal);
        Assert.Equal(1, builder.Count);
    }
}
