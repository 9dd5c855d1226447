using System.Text;
using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

public sealed class ByteTokenizerTests
{
    [Fact]
    public void Ids_are_the_bytes_and_come_back_as_them()
    {
        var tokenizer = new ByteTokenizer();
        byte[] all = [.. Enumerable.Range(0, 256).Select(b => (byte)b)];
        int[] tokens = tokenizer.Encode(all);
        Assert.Equal(Enumerable.Range(0, 256), tokens);
        foreach (int token in tokens) Assert.Equal([(byte)token], tokenizer.Bytes(token).ToArray());
        Assert.Equal(("bytes", 256), (tokenizer.Name, tokenizer.VocabularySize));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("Grüße, 世界 \U0001F600!\0\r\n")]
    public void Text_comes_back(string text)
    {
        var tokenizer = new ByteTokenizer();
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void A_text_longer_than_one_piece_comes_back()
    {
        var tokenizer = new ByteTokenizer();
        string text = string.Concat(Enumerable.Range(0, 5000).Select(i => $"é{i} "));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Encoding_stops_at_the_end_of_the_room_and_touches_nothing_else()
    {
        var tokenizer = new ByteTokenizer();
        for (int text = 0; text <= 33; text++)
        {
            for (int room = 0; room <= 33; room++)
            {
                int[] guarded = new int[room + 2];
                guarded.AsSpan().Fill(-7);
                tokenizer.Encode(new byte[text], guarded.AsSpan(1, room), isFinal: false, out int consumed, out int written);
                int expected = Math.Min(text, room);
                Assert.Equal((expected, expected), (consumed, written));
                Assert.Equal([-7, .. new int[expected], .. Enumerable.Repeat(-7, room + 1 - expected)], guarded);
            }
        }
    }

    [Fact]
    public void A_padded_vocabulary_has_ids_without_text()
    {
        var tokenizer = new ByteTokenizer(320);
        Assert.True(tokenizer.Bytes(256).IsEmpty);
        Assert.True(tokenizer.Bytes(319).IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Bytes(320).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Bytes(-1).Length);
        Assert.Equal("ab", tokenizer.Decode([97, 300, 98]));
        Assert.Throws<InvalidInputException>(() => tokenizer.Decode([97, 320]));
        Assert.Throws<InvalidInputException>(() => tokenizer.Decode([-1]));
        Assert.Throws<InvalidInputException>(() => new ByteTokenizer(255));
    }

    [Fact]
    public void A_streaming_decoder_gives_whole_characters_as_soon_as_they_are_complete()
    {
        const string Text = "aé世\U0001F600ß";
        var tokenizer = new ByteTokenizer();
        var decoder = new StreamingDecoder(tokenizer);
        var pieces = new List<string>();
        foreach (byte value in Encoding.UTF8.GetBytes(Text)) pieces.Add(decoder.Append(value));
        Assert.Equal(["a", "", "é", "", "", "世", "", "", "", "\U0001F600", "", "ß"], pieces);
        Assert.Equal("", decoder.Finish());
    }

    [Fact]
    public void Bytes_that_are_no_character_become_a_replacement()
    {
        var decoder = new StreamingDecoder(new ByteTokenizer());
        Assert.Equal("", decoder.Append(0xE4));
        Assert.Equal("\uFFFDa", decoder.Append('a'));
        Assert.Equal("\uFFFD", decoder.Append(0xFF));
        Assert.Equal("", decoder.Append(0xF0));
        Assert.Equal("\uFFFD", decoder.Finish());
        Assert.Equal("b", decoder.Append('b'));
    }

    [Fact]
    public void However_random_bytes_are_cut_the_pieces_join_to_the_whole_without_half_characters()
    {
        var random = new Random(5);
        var tokenizer = new ByteTokenizer();
        for (int round = 0; round < 300; round++)
        {
            byte[] bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            if (round % 2 == 0) bytes = Encoding.UTF8.GetBytes(string.Concat(bytes.Select(b => char.ConvertFromUtf32(b * 300 % 0xD000))));
            var decoder = new StreamingDecoder(tokenizer);
            var text = new StringBuilder();
            for (int at = 0; at < bytes.Length;)
            {
                int end = Math.Min(bytes.Length, at + random.Next(1, 5));
                string piece = decoder.Append([.. bytes[at..end].Select(b => (int)b)]);
                Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])));
                text.Append(piece);
                at = end;
            }

            text.Append(decoder.Finish());
            Assert.Equal(Encoding.UTF8.GetString(bytes), text.ToString());
        }
    }
}
