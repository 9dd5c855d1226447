namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>What has no value: prints as nothing, is false and empty; all else that is done with it fails.</summary>
/// <param name="why">Why there is no value, as a clause.</param>
internal sealed class Undefined(string why)
{
    /// <summary>The fault of using it.</summary>
    public TemplateFault Fault() => new(why);
}
