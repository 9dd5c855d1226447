using Ration.Tokenizers.BytePair;

namespace Ration.Tests.Tokenizers.BytePair;

public sealed class ByteAlphabetTests
{
    [Fact]
    public void Every_byte_has_a_printable_letter_of_its_own()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(static b => (byte)b)];
        string letters = ByteAlphabet.Encode(all);
        Assert.Equal(256, letters.Distinct().Count());
        Assert.DoesNotContain(letters, static c => char.IsWhiteSpace(c) || char.IsControl(c));
        Assert.Equal(all, ByteAlphabet.Decode(letters));
        Assert.Equal(("\u0120", "\u010A", "a"), (ByteAlphabet.Encode(" "u8), ByteAlphabet.Encode("\n"u8), ByteAlphabet.Encode("a"u8)));
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("\u4E2D")]
    public void What_is_not_written_in_it_is_its_own_text(string token) => Assert.Equal(System.Text.Encoding.UTF8.GetBytes(token), ByteAlphabet.Decode(token));
}
