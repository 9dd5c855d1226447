using System.Text;
using System.Text.RegularExpressions;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tests.Tokenizers.PreTokenizers;

public sealed class PreTokenizerTests
{
    public static TheoryData<string> Names => [.. PreTokenizerNames.All];

    [Theory]
    [MemberData(nameof(Names))]
    public void Words_are_those_of_the_published_expression(string name)
    {
        PreTokenizer preTokenizer = PreTokenizerNames.Find(name)!;
        Regex[] expressions = [.. preTokenizer.Patterns.Select(static p => new Regex(ForBasicPlane(p), RegexOptions.CultureInvariant))];
        var random = new Random(1);
        for (int i = 0; i < 400; i++)
        {
            string text = RandomTexts.Text(random, random.Next(1, 30));
            Assert.Equal(Expected(expressions, text), Words(preTokenizer, Encoding.UTF8.GetBytes(text)));
        }
    }

    [Theory]
    [InlineData("gpt-2", "I'll  go, it's 2024!\n\n ok", "I|'ll| | go|,| it|'s| 2024|!|\n\n| ok")]
    [InlineData("llama-bpe", "I'LL  go 12345 (x).\n\n ok", "I|'LL| | go| |123|45| (|x|).\n\n| ok")]
    [InlineData("qwen2", "a 12 b", "a| |1|2| b")]
    [InlineData("starcoder", "a 12 b", "a| |1|2| b")]
    [InlineData("falcon", "a 12345!!x", "a| |123|45|!!|x")]
    [InlineData("gpt-4o", "HTTPServer's isn't", "HTTPServer's| isn't")]
    [InlineData("qwen2", "\u0928\u092E\u0938\u094D\u0924\u0947 12", "\u0928\u092E\u0938|\u094D\u0924|\u0947| |1|2")]
    [InlineData("qwen35", "\u0928\u092E\u0938\u094D\u0924\u0947 12", "\u0928\u092E\u0938\u094D\u0924\u0947| |1|2")]
    [InlineData("bailingmoe", "I'Ll 12 (x) \r\n\n ok", "I|'Ll| |1|2| (|x|)| \r\n\n| ok")]
    [InlineData("chameleon", "a     b\t\n<sentinel:12>!! it's", "a|    | b|\t|\n|<|sentinel|:|1|2|>|!|!| it|'|s")]
    [InlineData("chameleon", "abIMGIMGADIZcd IMGIMGZ", "ab|IMGIMGADIZ|cd| IMGIMGZ")]
    [InlineData("tekken", "camelCaseHTTP don't", "camel|Case|HTTP| don|'t")]
    public void A_sentence_is_cut_as_its_models_cut_it(string name, string text, string words) =>
        Assert.Equal(words.Split('|'), Words(PreTokenizerNames.Find(name)!, Encoding.UTF8.GetBytes(text)));

    [Theory]
    [MemberData(nameof(Names))]
    public void Words_are_the_same_when_the_text_comes_in_pieces(string name)
    {
        PreTokenizer preTokenizer = PreTokenizerNames.Find(name)!;
        var random = new Random(2);
        for (int i = 0; i < 200; i++)
        {
            byte[] text = random.Next(2) == 0 ? RandomTexts.Bytes(random, 20) : Encoding.UTF8.GetBytes(RandomTexts.Text(random, 20));
            var all = new PieceList();
            preTokenizer.Split(text, isFinal: true, all);
            // Every piece is certain as soon as it is said, and the rest is cut alike when it is all there is.
            for (int start = 0, next = 0; start < text.Length; next++)
            {
                int seen = random.Next(start, text.Length + 1);
                var some = new PieceList();
                preTokenizer.Split(text.AsSpan(start..seen), isFinal: false, some);
                Assert.Equal(all.Ends.Slice(next, some.Ends.Length).ToArray(), some.Ends.ToArray().Select(e => e + start));
                var rest = new PieceList();
                preTokenizer.Split(text.AsSpan(start), isFinal: true, rest);
                Assert.Equal(all.Ends[next..].ToArray(), rest.Ends.ToArray().Select(e => e + start));
                start = all.Ends[next];
            }
        }
    }

    [Fact]
    public void Nothing_is_one_word_without_rules()
    {
        var pieces = new PieceList();
        PreTokenizer.None.Split("a b"u8, isFinal: false, pieces);
        Assert.Equal(0, pieces.Last);
        PreTokenizer.None.Split("a b"u8, isFinal: true, pieces);
        Assert.Equal([3], pieces.Ends.ToArray());
    }

    [Fact]
    public void Expressions_are_known_as_several_files_write_them()
    {
        Assert.Same(SplitStages.Gpt2, SplitStages.Find(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"));
        Assert.Same(SplitStages.Llama3, SplitStages.Find(
            @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"));
        Assert.Same(SplitStages.Qwen2, SplitStages.Find(
            @"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"));
        Assert.Same(SplitStages.Qwen35, SplitStages.Find(
            @"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"));
        Assert.Same(SplitStages.Bloom, SplitStages.Find(" ?[^(\\s|[.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C])]+"));
        Assert.Null(SplitStages.Find(@"\w+"));
    }

    [Fact]
    public void Line_breaks_and_tabs_themselves_are_as_good_as_their_escapes()
    {
        Assert.Same(SplitStages.LineBreaks, SplitStages.Find("[\r\n]"));
        Assert.Same(SplitStages.ChameleonSpaces, SplitStages.Find("([\t\n]|    |  )"));
        Assert.Same(SplitStages.DeepSeek3Words, SplitStages.Find(
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"));
        Assert.Null(SplitStages.Find("[\r]"));
    }

    // The possessive quantifiers of published files as the groups by which .NET writes them.
    [Theory]
    [InlineData("")]
    [InlineData("{1,3}")]
    public void Expressions_that_give_nothing_back_cut_as_written(string times)
    {
        string published = @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}" + times + @"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";
        string grouped = @"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|(?>[^\r\n\p{L}\p{N}]?)\p{L}+|\p{N}" + times + @"| ?(?>[^\s\p{L}\p{N}]+)[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";
        var preTokenizer = new PreTokenizer(SplitStages.Find(published)!);
        Regex[] expressions = [new(grouped, RegexOptions.CultureInvariant)];
        var random = new Random(3);
        for (int i = 0; i < 1000; i++)
        {
            string text = RandomTexts.Text(random, random.Next(1, 30));
            Assert.Equal(Expected(expressions, text), Words(preTokenizer, Encoding.UTF8.GetBytes(text)));
        }

        // Where they change what is matched, or another count of numbers is meant, they are not taken for the others.
        Assert.Null(SplitStages.Find(published.Replace(@"\s+(?!\S)", @"\s++(?!\S)", StringComparison.Ordinal)));
        Assert.Null(SplitStages.Find(published.Replace(@"\p{N}" + times + "|", @"\p{N}{1,3}+|", StringComparison.Ordinal)));
    }

    private static string[] Words(PreTokenizer preTokenizer, byte[] text)
    {
        var pieces = new PieceList();
        preTokenizer.Split(text, isFinal: true, pieces);
        var words = new List<string>();
        int start = 0;
        foreach (int end in pieces.Ends)
        {
            words.Add(Encoding.UTF8.GetString(text.AsSpan(start..end)));
            start = end;
        }

        Assert.Equal(text.Length, start);
        return [.. words];
    }

    // Each expression cuts every piece that the last one left; what it does not match is a piece too.
    private static List<string> Expected(Regex[] expressions, string text)
    {
        List<string> pieces = [text];
        foreach (Regex expression in expressions) pieces = [.. pieces.SelectMany(p => Cut(expression, p))];
        return pieces;
    }

    // The regular expressions of .NET see halves of characters beyond the basic plane, so one of the same kinds within it stands for each.
    private static IEnumerable<string> Cut(Regex expression, string text)
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        string plain = string.Concat(runes.Select(Stand));
        string Part(int from, int to) => string.Concat(runes[from..to].Select(static r => r.ToString()));
        int start = 0;
        foreach (Match match in expression.Matches(plain).Where(static m => m.Length > 0))
        {
            if (match.Index > start) yield return Part(start, match.Index);
            start = match.Index + match.Length;
            yield return Part(match.Index, start);
        }

        if (start < runes.Length) yield return Part(start, runes.Length);
    }

    private static readonly Dictionary<CharacterClasses, char> s_stands = Enumerable.Range(0x80, 0xFF80).Where(static c => Rune.IsValid(c))
        .GroupBy(CharacterTable.Of).ToDictionary(static g => g.Key, static g => (char)g.First());

    private static char Stand(Rune rune) => rune.IsBmp ? (char)rune.Value : s_stands[CharacterTable.Of(rune.Value)];

    private static string ForBasicPlane(string pattern)
    {
        string plain = pattern.Replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", StringComparison.Ordinal);
        return Regex.Replace(plain, @"[\uD800-\uDBFF][\uDC00-\uDFFF]-[\uD800-\uDBFF][\uDC00-\uDFFF]", "");
    }
}
