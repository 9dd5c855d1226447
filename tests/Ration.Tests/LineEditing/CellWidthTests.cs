using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

public sealed class CellWidthTests
{
    [Theory]
    [InlineData("a", 1)]
    [InlineData("é", 1)]
    [InlineData("e\u0301", 1)]
    [InlineData("\u0301", 0)]
    [InlineData("\u200D", 0)]
    [InlineData("日", 2)]
    [InlineData("ｱ", 1)]
    [InlineData("Ａ", 2)]
    [InlineData("한", 2)]
    [InlineData("ᄒ\u1161\u11AB", 2)]
    [InlineData("か\u3099", 2)]
    [InlineData("คำ", 2)]
    [InlineData("Ж", 1)]
    [InlineData("—", 1)]
    [InlineData("🙂", 2)]
    [InlineData("👩‍👩‍👧", 2)]
    [InlineData("👍🏽", 2)]
    [InlineData("🇩🇪", 2)]
    [InlineData("❤", 1)]
    [InlineData("❤\uFE0F", 2)]
    [InlineData("1\uFE0F\u20E3", 2)]
    [InlineData("𠀀", 2)]
    [InlineData("𝒳", 1)]
    [InlineData("", 0)]
    public void A_cluster_is_as_wide_as_terminals_show_it(string cluster, int cells) => Assert.Equal(cells, CellWidth.OfCluster(cluster));

    [Theory]
    [InlineData(0x10FF, 1)]
    [InlineData(0x1100, 2)]
    [InlineData(0x115F, 2)]
    [InlineData(0x2329, 2)]
    [InlineData(0x232B, 1)]
    [InlineData(0x3FFFD, 2)]
    [InlineData(0x3FFFE, 1)]
    [InlineData(0x10FFFD, 1)]
    public void Ranges_have_exact_edges(int codePoint, int cells) => Assert.Equal(cells, CellWidth.OfCluster(char.ConvertFromUtf32(codePoint)));

    [Fact]
    public void Half_a_character_is_shown_as_something() => Assert.Equal(1, CellWidth.OfCluster("\uD83D"));

    [Fact]
    public void A_text_is_as_wide_as_its_clusters() => Assert.Equal(3 + 4 + 2 + 1, CellWidth.OfText("abc日本👩‍👩‍👧e\u0301"));
}
