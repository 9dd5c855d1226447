namespace Ration.Tokenizers.Special;

/// <summary>A token that is found in a text before anything else is.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">How it is written; not empty.</param>
/// <param name="IsSpecial">Whether it is found only when asked for, as marks of a chat are; else always.</param>
/// <param name="TakesSpacesBefore">Whether spaces before it belong to it (<c>lstrip</c>).</param>
/// <param name="TakesSpacesAfter">Whether spaces after it belong to it (<c>rstrip</c>).</param>
public sealed record AddedToken(int Id, byte[] Text, bool IsSpecial, bool TakesSpacesBefore = false, bool TakesSpacesAfter = false);
