namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary>Something that has a value.</summary>
/// <param name="line">Its line in the template, from 1.</param>
internal abstract class Expression(int line)
{
    /// <summary>Its line in the template, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>Computes the value. Others call <see cref="Rendering.Evaluate"/>, which counts and guards.</summary>
    public abstract object? Evaluate(Rendering rendering);
}
