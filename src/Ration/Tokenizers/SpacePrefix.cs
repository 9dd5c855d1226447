namespace Ration.Tokenizers;

/// <summary>Where a space goes before a text that has none there.</summary>
internal enum SpacePrefix
{
    /// <summary>Nowhere.</summary>
    Never,

    /// <summary>Before every stretch of text, also one that begins with a space (SentencePiece's dummy prefix).</summary>
    Always,

    /// <summary>Before every stretch that does not begin with a space (Metaspace, <c>prepend_scheme</c> "always").</summary>
    WhereMissing,

    /// <summary>Before a text that does not begin with a space, and not after an added token ("first").</summary>
    FirstWhereMissing,
}
