namespace Ration.Tokenizers.ChatTemplates.Jinja;

/// <summary>A template cannot be read or rendered; becomes an <see cref="InvalidInputException"/> with the line where that was found.</summary>
/// <param name="what">What is wrong, as a clause.</param>
/// <param name="line">Line of the template from 1, or 0 where the one who throws does not know it.</param>
/// <param name="refused">Whether the template itself refused, by <c>raise_exception</c>.</param>
internal sealed class TemplateFault(string what, int line = 0, bool refused = false) : Exception(what)
{
    /// <summary>Line of the template from 1, or 0 where unknown.</summary>
    public int Line { get; } = line;

    /// <summary>Whether the template itself refused the conversation.</summary>
    public bool Refused { get; } = refused;
}
