using Ration.Models;
using Ration.Tensors;
using Ration.Tokenizers;

namespace Ration.Cli.Inspection;

/// <summary>A tensor in a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How it is stored.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="Bytes">Its size; 0 if that is not known.</param>
internal sealed record InspectedTensor(string Name, string Type, Shape Shape, long Bytes);

/// <summary>What was found in a file or folder, without reading any weight.</summary>
internal sealed record InspectedModel
{
    /// <summary>The file or folder.</summary>
    public required string Path { get; init; }

    /// <summary>The layout, for people: <c>GGUF version 3</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The model; null if there is none, or none that Ration can run.</summary>
    public ModelConfiguration? Configuration { get; init; }

    /// <summary>The architecture's name in the files where <see cref="Configuration"/> is null; may be null too.</summary>
    public string? Architecture { get; init; }

    /// <summary>Why the model cannot be run; null if it can, or if there is none.</summary>
    public string? Problem { get; init; }

    /// <summary>The tokenizer; null if there is none, or none that Ration can use.</summary>
    public TokenizerDescription? Tokenizer { get; init; }

    /// <summary>Why there is a tokenizer that cannot be used; null otherwise.</summary>
    public string? TokenizerProblem { get; init; }

    /// <summary>What the files say, by key; long values are shortened.</summary>
    public IReadOnlyList<(string Key, string Value)> Metadata { get; init; } = [];

    /// <summary>All tensors.</summary>
    public IReadOnlyList<InspectedTensor> Tensors { get; init; } = [];

    /// <summary>Numbers in all tensors, or the model's own count.</summary>
    public long Parameters => Configuration?.Parameters ?? Tensors.Sum(static t => t.Shape.Elements);

    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => Tensors.Sum(static t => t.Bytes);

    /// <summary>Tensors and bytes of each way of storing, the largest first.</summary>
    public IEnumerable<(string Type, int Tensors, long Bytes)> Storage() =>
        Tensors.GroupBy(static t => t.Type, StringComparer.Ordinal).Select(static g => (g.Key, g.Count(), g.Sum(static t => t.Bytes)))
            .OrderByDescending(static t => t.Item3).ThenBy(static t => t.Key, StringComparer.Ordinal);
}
