using Ration.Tokenizers.Normalization;

namespace Ration.Tokenizers.Unigram;

/// <summary>What a <see cref="UnigramTokenizer"/> does to text before it is cut.</summary>
internal sealed record UnigramSettings
{
    /// <summary>The first thing done; null for nothing.</summary>
    public ITextNormalizer? Normalizer { get; init; }

    /// <summary>Whether runs of spaces become one and those at the end go (<c>remove_extra_whitespaces</c>).</summary>
    public bool CollapseSpaces { get; init; } = true;

    /// <summary>Whether every kind of white space counts as a space in that, and U+2581 does not (Metaspace after WhitespaceSplit).</summary>
    public bool CutAtWhiteSpace { get; init; }

    /// <summary>Whether every space begins a word of its own (Metaspace with <c>split</c>).</summary>
    public bool SeparateSpaces { get; init; }

    /// <summary>Whether a text is read as if a space stood before it (<c>add_dummy_prefix</c>).</summary>
    public SpacePrefix Prefix { get; init; } = SpacePrefix.Always;
}
