namespace Ration.Tokenizers.PreTokenizers;

/// <summary>What a character is, as pre-tokenizers ask: parts of Unicode's general categories, and sets that one family of models uses.</summary>
[Flags]
internal enum CharacterClasses : uint
{
    None = 0,

    /// <summary>Lu and Lt.</summary>
    Upper = 1 << 0,

    /// <summary>Ll.</summary>
    Lower = 1 << 1,

    /// <summary>Lm and Lo.</summary>
    Caseless = 1 << 2,

    /// <summary>L.</summary>
    Letter = Upper | Lower | Caseless,

    /// <summary>M.</summary>
    Mark = 1 << 3,

    /// <summary>N.</summary>
    Number = 1 << 4,

    /// <summary>P.</summary>
    Punctuation = 1 << 5,

    /// <summary>S.</summary>
    Symbol = 1 << 6,

    /// <summary>White_Space: <c>\s</c>.</summary>
    Space = 1 << 7,

    /// <summary>Carriage return and line feed.</summary>
    LineBreak = 1 << 8,

    /// <summary>U+0020.</summary>
    Blank = 1 << 9,

    /// <summary>/</summary>
    Slash = 1 << 10,

    /// <summary>0-9</summary>
    AsciiDigit = 1 << 11,

    /// <summary>A-Za-z</summary>
    AsciiLetter = 1 << 12,

    /// <summary>Printable ASCII that is neither.</summary>
    AsciiPunctuation = 1 << 13,

    /// <summary>The symbols that Falcon and its kin take for punctuation.</summary>
    Operator = 1 << 14,

    /// <summary>`</summary>
    Backtick = 1 << 15,

    /// <summary>What ends a word of BLOOM's, besides spaces.</summary>
    BloomBreak = 1 << 16,

    /// <summary>DeepSeek LLM's letters.</summary>
    DeepSeekLetter = 1 << 17,

    /// <summary>DeepSeek LLM's punctuation.</summary>
    DeepSeekPunctuation = 1 << 18,

    /// <summary>DeepSeek's characters of languages that do not space words.</summary>
    DeepSeekIdeograph = 1 << 19,

    /// <summary>DeepSeek V3's ideographs and kana.</summary>
    DeepSeekKana = 1 << 20,

    /// <summary>Tab and line feed.</summary>
    TabOrLineFeed = 1 << 21,

    /// <summary>No character: the end of the text.</summary>
    End = 1u << 31,
}
