using System.Buffers;
using System.Text;
using Ration.Tokenizers.Normalization;

namespace Ration.Tests.Tokenizers.Normalization;

public sealed class WhiteSpaceNormalizerTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData(" \t\u0085\u2003", "")]
    [InlineData("\u00A0a\r\n \u3000b\u2028", " a b")]
    [InlineData("a \u2581b\u2581 c", "a\u2581b\u2581 c")]
    [InlineData("a\u200Bb\u180Ec", "a\u200Bb\u180Ec")]
    public void Of_white_space_one_space_before_each_word_is_left(string text, string expected)
    {
        var output = new ArrayBufferWriter<byte>();
        new WhiteSpaceNormalizer().Normalize(Encoding.UTF8.GetBytes(text), output);
        Assert.Equal(expected, Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Bytes_that_are_no_character_stay()
    {
        var output = new ArrayBufferWriter<byte>();
        new WhiteSpaceNormalizer().Normalize([0xC2, (byte)' ', (byte)'\n', 0xE2, 0x80], output);
        Assert.Equal([0xC2, (byte)' ', 0xE2, 0x80], output.WrittenSpan.ToArray());
    }

    [Fact]
    public void Rules_fold_white_space_only_where_none_but_spaces_is_left()
    {
        var nmt = new NmtNormalizer();
        var nfkc = new UnicodeNormalizer(UnicodeForm.Nfkc);
        Assert.True(WhiteSpaceNormalizer.IsFoldedBy(new NormalizerSequence([nmt, nfkc])));
        Assert.False(WhiteSpaceNormalizer.IsFoldedBy(nmt));
        Assert.False(WhiteSpaceNormalizer.IsFoldedBy(nfkc));
        Assert.False(WhiteSpaceNormalizer.IsFoldedBy(null));
    }
}
