using Ration.Models;

namespace Ration.Files.Weights;

/// <summary>Folders differ in what they put before the published names: bare models have no <c>model.</c>, models that also see have one more.</summary>
internal static class HuggingFacePrefix
{
    private const string Head = "lm_head.";
    private static readonly string[] s_models = ["model.", "", "language_model.model.", "model.language_model."];
    private static readonly string[] s_gpt2 = ["transformer.", ""];

    /// <summary>From published names to those of a folder.</summary>
    public static Func<string, string> Find(ITensorSource source, ModelFamily family)
    {
        string[] prefixes = family == ModelFamily.Gpt2 ? s_gpt2 : s_models;
        string embedding = family == ModelFamily.Gpt2 ? "wte.weight" : "embed_tokens.weight", published = prefixes[0];
        string actual = prefixes.FirstOrDefault(p => source.Find(p + embedding) is not null) ?? published;
        string head = source.Find(Head + "weight") is null && source.Find("language_model." + Head + "weight") is not null ? "language_model." : "";
        return name => name.StartsWith(published, StringComparison.Ordinal) ? actual + name[published.Length..] : name.StartsWith(Head, StringComparison.Ordinal) ? head + name : name;
    }

    /// <summary>The published names that one with any of the prefixes can stand for.</summary>
    public static IEnumerable<string> Published(string name, ModelFamily family)
    {
        const string Language = "language_model.";
        string[] prefixes = family == ModelFamily.Gpt2 ? s_gpt2 : s_models;
        yield return name;
        foreach (string prefix in prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal)) yield return prefixes[0] + name[prefix.Length..];
        }

        if (name.StartsWith(Language + Head, StringComparison.Ordinal)) yield return name[Language.Length..];
    }
}
