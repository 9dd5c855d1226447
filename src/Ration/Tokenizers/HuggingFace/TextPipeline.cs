using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.PreTokenizers;
using Ration.Tokenizers.Special;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>What the <c>normalizer</c> and the <c>pre_tokenizer</c> of a <c>tokenizer.json</c> do to text, put together.</summary>
internal sealed class TextPipeline
{
    /// <summary>What rewrites the text, in order.</summary>
    public List<ITextNormalizer> Normalizers { get; } = [];

    /// <summary>What cuts it, in order.</summary>
    public List<SplitStage> Stages { get; } = [];

    /// <summary>Whether spaces are written U+2581 in the vocabulary.</summary>
    public bool MarksSpaces { get; set; }

    /// <summary>Where a text is read as if a space stood before it.</summary>
    public SpacePrefix Prefix { get; set; }

    /// <summary>Whether runs of spaces become one.</summary>
    public bool CollapsesSpaces { get; set; }

    /// <summary>Whether they do because words are cut at every kind of white space, of which nothing is left.</summary>
    public bool CutsAtWhiteSpace { get; set; }

    /// <summary>Whether spaces at the end, or at both ends, go.</summary>
    public bool Strips { get; set; }

    /// <summary>Whether every space begins a word.</summary>
    public bool SeparatesSpaces { get; set; }

    /// <summary>Whether tokens are written in the letters of the byte-level alphabet.</summary>
    public bool IsByteLevel { get; set; }

    /// <summary>Whether words are cut as BERT does.</summary>
    public bool IsBert { get; set; }

    /// <summary>Whether an added token that is looked for in normalized text is found elsewhere than in the text as it is. Only the normalizer
    /// counts, so this is asked before the pre-tokenizer is read.</summary>
    /// <param name="token">How the token is written.</param>
    public bool MovesAdded(ReadOnlySpan<byte> token)
    {
        // What goes before a text would go before the token too, and only both together would be found.
        if (Prefix != SpacePrefix.Never) return true;
        bool hasSpace = token.Contains((byte)' ') || token.IndexOf("\u2581"u8) >= 0;
        if (hasSpace && (MarksSpaces || CollapsesSpaces)) return true;
        if (Strips && WhiteSpace.TrimStart(WhiteSpace.TrimEnd(token)).Length != token.Length) return true;
        if (Normalizers.Count == 0) return false;
        // Other rules make the token of other texts, as of capitals; these do so only where it has characters that can be taken apart.
        return !Normalizers.TrueForAll(static n => n is UnicodeNormalizer { Form: UnicodeForm.Nfc or UnicodeForm.Nfd })
            || Changes(UnicodeForm.Nfc, token) || Changes(UnicodeForm.Nfd, token);
    }

    /// <summary>The normalizers as one; null if there is none.</summary>
    public ITextNormalizer? Normalizer => Normalizers.Count switch
    {
        0 => null,
        1 => Normalizers[0],
        _ => new NormalizerSequence(Normalizers),
    };

    private static bool Changes(UnicodeForm form, ReadOnlySpan<byte> text)
    {
        var normalized = new NormalizedText(text.Length);
        new UnicodeNormalizer(form).Normalize(text, normalized);
        return !normalized.WrittenSpan.SequenceEqual(text);
    }
}
