namespace Ration.Tokenizers.PreTokenizers;

/// <summary>A set of characters: those of some classes, or all others.</summary>
internal readonly struct CharacterSet
{
    private readonly CharacterClasses _classes;
    private readonly bool _isNegated;

    private CharacterSet(CharacterClasses classes, bool isNegated) => (_classes, _isNegated) = (classes, isNegated);

    /// <summary>The characters of any of the classes.</summary>
    public static CharacterSet Of(CharacterClasses classes) => new(classes, false);

    /// <summary>The characters of none of the classes.</summary>
    public static CharacterSet Not(CharacterClasses classes) => new(classes | CharacterClasses.End, true);

    /// <summary>Whether a character of these classes is in it; the end of a text never is.</summary>
    public bool Contains(CharacterClasses classes) => ((classes & _classes) != 0) != _isNegated;
}
