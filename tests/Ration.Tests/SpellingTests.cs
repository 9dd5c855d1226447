namespace Ration.Tests;

public sealed class SpellingTests
{
    private static readonly string[] s_known = ["train", "tokenize", "plan", "generate", "--optimizer", "--overwrite", "adamw", "sgd"];

    [Theory]
    [InlineData("trian", "train")]
    [InlineData("Train", "train")]
    [InlineData("tokenise", "tokenize")]
    [InlineData("plna", "plan")]
    [InlineData("gnerate", "generate")]
    [InlineData("--optimiser", "--optimizer")]
    [InlineData("--overwirte", "--overwrite")]
    [InlineData("adam", "adamw")]
    [InlineData("sdg", "sgd")]
    [InlineData("wobble", null)]
    [InlineData("--wobble", null)]
    [InlineData("", null)]
    [InlineData("x", null)]
    public void The_nearest_word_is_found_if_it_is_near(string word, string? nearest)
    {
        Assert.Equal(nearest, Spelling.Nearest(word, s_known));
        Assert.Equal(nearest is null ? "" : $" (did you mean {nearest}?)", Spelling.Suggestion(word, s_known));
    }

    [Fact]
    public void A_word_without_bounds_costs_nothing() => Assert.Null(Spelling.Nearest(new string('x', 10_000_000), s_known));
}
