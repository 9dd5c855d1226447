using System.Buffers;
using System.Text;
using Ration.Tokenizers.Normalization;

namespace Ration.Tests.Tokenizers.Normalization;

public sealed class UnicodeNormalizerTests
{
    private static readonly UnicodeForm[] s_forms = [UnicodeForm.Nfd, UnicodeForm.Nfc, UnicodeForm.Nfkd, UnicodeForm.Nfkc];

    [Fact]
    public void The_four_forms_agree_with_an_independent_implementation()
    {
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Golden", "unicode-forms.txt"));
        Assert.True(lines.Length > 200);
        foreach (string line in lines)
        {
            string[] columns = line.Split(' ');
            for (int form = 0; form < s_forms.Length; form++)
                Assert.Equal(columns[form + 1], Convert.ToHexStringLower(Normalize(s_forms[form], Convert.FromHexString(columns[0]))));
        }
    }

    [Fact]
    public void Every_character_keeps_the_laws_of_the_forms()
    {
        for (int point = 0; point < 0x30000; point++)
        {
            if (point is >= 0xD800 and <= 0xDFFF) continue;
            byte[] text = Encoding.UTF8.GetBytes(char.ConvertFromUtf32(point));
            byte[] decomposed = Normalize(UnicodeForm.Nfd, text), composed = Normalize(UnicodeForm.Nfc, text), compatible = Normalize(UnicodeForm.Nfkc, text);
            Assert.Equal(decomposed, Normalize(UnicodeForm.Nfd, decomposed));
            Assert.Equal(composed, Normalize(UnicodeForm.Nfc, decomposed));
            Assert.Equal(composed, Normalize(UnicodeForm.Nfc, composed));
            Assert.Equal(compatible, Normalize(UnicodeForm.Nfkc, Normalize(UnicodeForm.Nfkd, text)));
        }
    }

    [Fact]
    public void Bytes_that_are_no_character_pass_through()
    {
        byte[] text = [0xC3, (byte)'e', 0xCC, 0x81, 0xFF, 0xCC, 0x81, 0xE4, 0xB8];
        Assert.Equal([0xC3, 0xC3, 0xA9, 0xFF, 0xCC, 0x81, 0xE4, 0xB8], Normalize(UnicodeForm.Nfc, text));
    }

    [Fact]
    public void Many_combining_marks_are_put_in_order()
    {
        byte[] text = Encoding.UTF8.GetBytes("a" + string.Concat(Enumerable.Repeat("\u0301\u0323", 100_000)));
        byte[] composed = Normalize(UnicodeForm.Nfc, text);
        Assert.StartsWith("\u1EA1\u0323", Encoding.UTF8.GetString(composed), StringComparison.Ordinal);
    }

    private static byte[] Normalize(UnicodeForm form, ReadOnlySpan<byte> text)
    {
        var output = new ArrayBufferWriter<byte>();
        new UnicodeNormalizer(form).Normalize(text, output);
        return output.WrittenSpan.ToArray();
    }
}
