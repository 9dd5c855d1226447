using static Ration.Tokenizers.PreTokenizers.CharacterClasses;

namespace Ration.Tokenizers.PreTokenizers;

/// <summary>The passes of published pre-tokenizers, each with its regular expression as the models' own files give it.</summary>
internal static class SplitStages
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string CasedWords = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+";
    private const string CasedCapitals = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*";
    private const string Spaces = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private static readonly CharacterSet s_notSpaceLetterNumber = CharacterSet.Not(Space | Letter | Number);
    private static readonly CharacterSet s_blank = CharacterSet.Of(Blank);
    private static readonly CharacterSet s_space = CharacterSet.Of(Space);
    private static readonly CharacterSet s_lineBreak = CharacterSet.Of(LineBreak);
    private static readonly SplitRule[] s_spaces = [new LineBreakRule(), new SpaceRule(), new RunRule(s_space)];

    // Alternatives that match the same as those written here. A quantifier that gives nothing back (?+, ++) does where what follows it could
    // not match what it would give back. Spaces and then one line break end at the last line break, as spaces and then several do.
    private static readonly (string Written, string Same)[] s_same =
    [
        ("(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", Contractions),
        ("'(?i:[sdmt]|ll|ve|re)", Contractions),
        (@"|[^\r\n\p{L}\p{N}]?+\p{L}+|", @"|[^\r\n\p{L}\p{N}]?\p{L}+|"),
        (@"| ?[^\s\p{L}\p{N}]++[\r\n]*|", @"| ?[^\s\p{L}\p{N}]+[\r\n]*|"),
        (@"|\s*[\r\n]|", @"|\s*[\r\n]+|"),
        ($"|[{CharacterRanges.BloomBreaks[2..^1]}])]", $"{CharacterRanges.BloomBreaks[1..]}]"),
    ];

    /// <summary>GPT-2's words.</summary>
    public static readonly SplitStage Gpt2 = new(
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        new ContractionRule(ignoreCase: false),
        new RunRule(CharacterSet.Of(Letter)) { Lead = s_blank },
        new RunRule(CharacterSet.Of(Number)) { Lead = s_blank },
        new RunRule(s_notSpaceLetterNumber) { Lead = s_blank },
        new SpaceRule(),
        new RunRule(s_space));

    /// <summary>Llama 3's words: numbers by up to three digits.</summary>
    public static readonly SplitStage Llama3 = Modern(3);

    /// <summary>Qwen2's words: as Llama 3's, but digits stand alone.</summary>
    public static readonly SplitStage Qwen2 = Modern(1);

    /// <summary>Qwen3.5's words: as Qwen2's, and marks belong to them.</summary>
    public static readonly SplitStage Qwen35 = Modern(1, withMarks: true);

    /// <summary>Mistral's Tekken.</summary>
    public static readonly SplitStage Tekken = Cased(1, $"{CasedWords}|{CasedCapitals}|", @"\p{N}", new CasedWordRule());

    /// <summary>GPT-4o's words.</summary>
    public static readonly SplitStage Gpt4o = Cased(3, $"{CasedWords}{Contractions}?|{CasedCapitals}{Contractions}?|", @"\p{N}{1,3}",
        new CasedWordRule(new ContractionRule(ignoreCase: true)));

    /// <summary>DeepSeek V3's words, after numbers and ideographs.</summary>
    public static readonly SplitStage DeepSeek3Words = new(
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + Spaces,
        [
            new RunRule(CharacterSet.Of(AsciiLetter)) { Lead = CharacterSet.Of(AsciiPunctuation), NeedsLead = true },
            new RunRule(CharacterSet.Of(Letter | Mark)) { Lead = CharacterSet.Not(LineBreak | Letter | Punctuation | Symbol) },
            new RunRule(CharacterSet.Of(Punctuation | Symbol)) { Lead = s_blank, Tail = s_lineBreak },
            .. s_spaces,
        ]);

    /// <summary>BLOOM's words.</summary>
    public static readonly SplitStage Bloom = new($@" ?[^(\s{CharacterRanges.BloomBreaks[1..]}]+",
        new RunRule(CharacterSet.Not(Space | BloomBreak)) { Lead = s_blank });

    /// <summary>Each line break by itself.</summary>
    public static readonly SplitStage LineBreaks = new(@"[\r\n]", new RunRule(s_lineBreak) { Maximum = 1 });

    /// <summary>Each number by itself.</summary>
    public static readonly SplitStage SingleNumbers = new(@"\p{N}", new RunRule(CharacterSet.Of(Number)) { Maximum = 1 });

    /// <summary>Up to three numbers.</summary>
    public static readonly SplitStage NumberTriples = new(@"\p{N}{1,3}", new RunRule(CharacterSet.Of(Number)) { Maximum = 3 });

    /// <summary>Runs of numbers.</summary>
    public static readonly SplitStage Numbers = new(@"\p{N}+", new RunRule(CharacterSet.Of(Number)));

    /// <summary>Three digits.</summary>
    public static readonly SplitStage DigitTriples = new("[0-9][0-9][0-9]", new RunRule(CharacterSet.Of(AsciiDigit)) { Minimum = 3, Maximum = 3 });

    /// <summary>Runs of punctuation and operators.</summary>
    public static readonly SplitStage Punctuations = new(@"[\p{P}\$\+<=>\^~\|]+", new RunRule(CharacterSet.Of(Punctuation | Operator)));

    /// <summary>Runs of punctuation, operators and backticks: Falcon's.</summary>
    public static readonly SplitStage FalconPunctuations = new(@"[\p{P}\$\+<=>\^~\|`]+", new RunRule(CharacterSet.Of(Punctuation | Operator | Backtick)));

    /// <summary>Every punctuation mark and ASCII symbol by itself.</summary>
    public static readonly SplitStage SinglePunctuations = new(@"[\p{P}!-/:-@\[-`{-~]", new RunRule(CharacterSet.Of(Punctuation | Operator | Backtick)) { Maximum = 1 });

    /// <summary>Chameleon's marks.</summary>
    public static readonly SplitStage ChameleonSentinels = new("<sentinel:[0-9]+>", new MarkRule("<sentinel:", '0', '9', int.MaxValue, '>'));

    /// <summary>Chameleon's parts of images.</summary>
    public static readonly SplitStage ChameleonImages = new("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", new MarkRule("IMGIMG", 'A', 'I', 4, 'Z'));

    /// <summary>Chameleon's tabs, lines and spaces by fours and twos.</summary>
    public static readonly SplitStage ChameleonSpaces = new(
        @"([\t\n]|    |  )",
        new RunRule(CharacterSet.Of(TabOrLineFeed)) { Maximum = 1 },
        new RunRule(s_blank) { Minimum = 4, Maximum = 4 },
        new RunRule(s_blank) { Minimum = 2, Maximum = 2 });

    /// <summary>DeepSeek LLM's words.</summary>
    public static readonly SplitStage DeepSeekLetters = Listed(@"\s?", CharacterRanges.DeepSeekLetters, DeepSeekLetter, s_space);

    /// <summary>DeepSeek LLM's punctuation.</summary>
    public static readonly SplitStage DeepSeekPunctuations = Listed(@"\s?", CharacterRanges.DeepSeekPunctuation, DeepSeekPunctuation, s_space);

    /// <summary>The ideographs and syllables of DeepSeek LLM and Coder.</summary>
    public static readonly SplitStage DeepSeekIdeographs = Listed("", CharacterRanges.DeepSeekIdeographs, DeepSeekIdeograph, null);

    /// <summary>DeepSeek V3's ideographs and kana.</summary>
    public static readonly SplitStage DeepSeekKana = Listed("", CharacterRanges.DeepSeekKana, CharacterClasses.DeepSeekKana, null);

    /// <summary>Spaces at the end.</summary>
    public static readonly SplitStage FinalSpaces = new(@"\s+$", new FinalSpaceRule());

    /// <summary>DeepSeek Coder's words.</summary>
    public static readonly SplitStage SpacedLetters = new(@"\s?\p{L}+", new RunRule(CharacterSet.Of(Letter)) { Lead = s_space });

    /// <summary>DeepSeek Coder's punctuation.</summary>
    public static readonly SplitStage SpacedPunctuations = new(@"\s?\p{P}+", new RunRule(CharacterSet.Of(Punctuation)) { Lead = s_space });

    private static readonly SplitStage[] s_all =
    [
        Gpt2, Llama3, Qwen2, Qwen35, Tekken, Gpt4o, DeepSeek3Words, Bloom, LineBreaks, SingleNumbers, NumberTriples, Numbers, DigitTriples, Punctuations,
        FalconPunctuations, DeepSeekLetters, DeepSeekPunctuations, DeepSeekIdeographs, DeepSeekKana, FinalSpaces, SpacedLetters, SpacedPunctuations,
        SinglePunctuations, ChameleonSentinels, ChameleonImages, ChameleonSpaces,
    ];

    /// <summary>The pass that does the work of a regular expression; null if it is none of these.</summary>
    public static SplitStage? Find(string pattern)
    {
        // Some files have the characters themselves where others have their escapes.
        string plain = pattern.Replace("\r", @"\r", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal).Replace("\t", @"\t", StringComparison.Ordinal);
        foreach ((string written, string same) in s_same) plain = plain.Replace(written, same, StringComparison.Ordinal);
        // Between matches of GPT-2's expression lie only spaces, so its last alternative changes nothing.
        return Array.Find(s_all, s => s.Pattern == plain || s.Pattern == plain + @"|\s+");
    }

    private static SplitStage Modern(int digits, bool withMarks = false)
    {
        CharacterClasses word = withMarks ? Letter | Mark : Letter;
        string words = withMarks ? @"[\p{L}\p{M}]" : @"\p{L}", others = withMarks ? @"[^\s\p{L}\p{M}\p{N}]" : @"[^\s\p{L}\p{N}]";
        string numbers = digits == 1 ? @"\p{N}" : $@"\p{{N}}{{1,{digits}}}";
        return new SplitStage(
            $@"{Contractions}|[^\r\n\p{{L}}\p{{N}}]?{words}+|{numbers}| ?{others}+[\r\n]*|{Spaces}",
            [
                new ContractionRule(ignoreCase: true),
                new RunRule(CharacterSet.Of(word)) { Lead = CharacterSet.Not(LineBreak | Letter | Number) },
                new RunRule(CharacterSet.Of(Number)) { Maximum = digits },
                new RunRule(CharacterSet.Not(Space | word | Number)) { Lead = s_blank, Tail = s_lineBreak },
                .. s_spaces,
            ]);
    }

    private static SplitStage Cased(int digits, string words, string numbers, CasedWordRule rule) => new(
        words + numbers + @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + Spaces,
        [
            rule,
            new RunRule(CharacterSet.Of(Number)) { Maximum = digits },
            new RunRule(s_notSpaceLetterNumber) { Lead = s_blank, Tail = CharacterSet.Of(LineBreak | Slash) },
            .. s_spaces,
        ]);

    private static SplitStage Listed(string before, string ranges, CharacterClasses listed, CharacterSet? lead) =>
        new($"{before}[{ranges}]+", new RunRule(CharacterSet.Of(listed)) { Lead = lead });
}
