namespace Ration.Tokenizers.ChatTemplates.Jinja;

/// <summary>What a template may use: templates come from files that anyone may have written.</summary>
internal static class Limits
{
    /// <summary>Longest template, in UTF-16 units.</summary>
    public const int Source = 4 << 20;

    /// <summary>Longest text that a template may make, in UTF-16 units.</summary>
    public const int Text = 16 << 20;

    /// <summary>Evaluated nodes of the tree, plus the work of long texts and lists (see <see cref="Budget"/>).</summary>
    public const long Steps = 10_000_000;

    /// <summary>Brackets, tags and prefix operators inside one another.</summary>
    public const int Nesting = 100;

    /// <summary>Evaluations inside one another, macros that call macros included.</summary>
    public const int Depth = 600;

    /// <summary>Lists in lists in values.</summary>
    public const int ValueDepth = 200;

    /// <summary>Numbers of one range, as in Jinja's sandbox.</summary>
    public const int Range = 100_000;
}
