namespace Ration.Tokenizers.PreTokenizers;

/// <summary>One alternative of a pre-tokenizer's expression.</summary>
internal abstract class SplitRule
{
    /// <summary>Where a match that starts at <paramref name="at"/> (not the end) ends; −1 if there is none.</summary>
    public abstract int Match(ref TextCursor text, int at);
}
