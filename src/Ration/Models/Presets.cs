namespace Ration.Models;

/// <summary>Shapes by name: small ones to learn and test with, and the published ones that people plan for.</summary>
public static class Presets
{
    private static readonly ModelConfiguration[] s_all =
    [
        Shape("nano", 256, 128, 384, 4, 4, 2, 32) with { Context = 256 },
        Shape("tiny", 32_000, 288, 768, 6, 6, 6, 48) with { Context = 256, TiedEmbeddings = true },
        Shape("small", 32_000, 768, 2048, 12, 12, 4, 64) with { Context = 1024 },
        Shape("llama-3.2-1b", 128_256, 2048, 8192, 16, 32, 8, 64) with { Context = 131_072, RopeTheta = 500_000, TiedEmbeddings = true },
        Shape("llama-2-7b", 32_000, 4096, 11_008, 32, 32, 32, 128) with { Context = 4096 },
        Shape("llama-3.1-8b", 128_256, 4096, 14_336, 32, 32, 8, 128) with { Context = 131_072, RopeTheta = 500_000 },
        Shape("llama-3.1-70b", 128_256, 8192, 28_672, 80, 64, 8, 128) with { Context = 131_072, RopeTheta = 500_000 },
    ];

    /// <summary>All presets, smallest first.</summary>
    public static IReadOnlyList<ModelConfiguration> All => s_all;

    /// <summary>The preset of this name.</summary>
    /// <exception cref="InvalidInputException">There is none; the message lists all.</exception>
    public static ModelConfiguration Get(string name) =>
        s_all.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new InvalidInputException(
            $"there is no preset '{name}'{Spelling.Suggestion(name, s_all.Select(static p => p.Name))}; presets are {string.Join(", ", s_all.Select(static p => p.Name))}");

    private static ModelConfiguration Shape(string name, int vocabulary, int width, int hidden, int layers, int heads, int kvHeads, int head) => new()
    {
        Name = name,
        Vocabulary = vocabulary,
        Width = width,
        HiddenWidth = hidden,
        Layers = layers,
        Heads = heads,
        KvHeads = kvHeads,
        HeadDimension = head,
    };
}
