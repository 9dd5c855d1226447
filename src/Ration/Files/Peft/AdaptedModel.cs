using Ration.Files.Weights;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.Peft;

/// <summary>What a base model becomes with a low-rank adapter.</summary>
/// <param name="Configuration">The merged model, under the conventions of Hugging Face folders.</param>
/// <param name="Weights">Its parameters.</param>
internal sealed record AdaptedModel(ModelConfiguration Configuration, AdaptedWeights Weights)
{
    private const string Head = "lm_head.weight", Embedding = "model.embed_tokens.weight", Mend = "check that the adapter belongs to this base model", BaseLayer = ".base_layer.";

    /// <summary>Puts them together.</summary>
    /// <exception cref="FileFormatException">The adapter does not fit the base, or is of a kind that is not supported.</exception>
    public static AdaptedModel Of(PeftAdapter adapter, ModelConfiguration baseModel, WeightSource baseWeights)
    {
        if (adapter.Config.WeightDecomposed)
            throw Fault(adapter, "use_dora is true: it scales the merged matrices to stored lengths", "such adapters are not supported; merge it with the software that made it");
        ModelConfiguration conventional = HuggingFaceFolder.Conventional(baseModel) with { Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(adapter.Path))) };
        WeightNames names = WeightNames.HuggingFace(conventional.Family);
        // With a head of its own, so that an adapter may change it though the base is tied.
        HashSet<string> known = new(new WeightMap(names, TransformerModel.ParameterShapes(conventional with { TiedEmbeddings = false })).Tensors.Select(static t => t.Name), StringComparer.Ordinal);
        Dictionary<string, PeftModule> modules = new(StringComparer.Ordinal);
        foreach (PeftModule module in adapter.Modules)
        {
            if (!modules.TryAdd(Locate(module.Name + ".weight"), module)) throw Fault(adapter, $"it changes {InvalidInputException.Quote(module.Name)} twice", Mend);
        }

        Dictionary<string, StoredTensor> saved = new(StringComparer.Ordinal);
        foreach ((string name, StoredTensor tensor) in adapter.Saved)
        {
            if (!saved.TryAdd(Locate(name.Replace(BaseLayer, ".", StringComparison.Ordinal)), tensor)) throw Fault(adapter, $"it holds {InvalidInputException.Quote(name)} twice", Mend);
        }

        string embedding = Template(names, Embedding), head = Template(names, Head);
        bool changesEmbedding = modules.ContainsKey(embedding) || saved.ContainsKey(embedding), changesHead = modules.ContainsKey(head) || saved.ContainsKey(head);
        if (adapter.Config.KeepsTies && conventional.TiedEmbeddings && changesEmbedding != changesHead)
            throw Fault(adapter, "ensure_weight_tying is true, and it changes one of embedding and head for both", "such adapters are not supported; merge it with the software that made it");
        bool tied = conventional.TiedEmbeddings && !changesEmbedding && !changesHead;
        ModelConfiguration merged = conventional with { TiedEmbeddings = tied, Vocabulary = VocabularyOf(adapter, conventional, saved.GetValueOrDefault(embedding), saved.GetValueOrDefault(head)) };
        merged.Validate();
        ParameterShape[] parameters = [.. TransformerModel.ParameterShapes(merged)];
        WeightMap map = new(names, parameters);
        foreach ((string tensor, PeftModule module) in modules) RequireFit(adapter, map, tensor, module);
        HashSet<string> savedParameters = new(saved.Keys.SelectMany(map.LinksInto).Select(static l => l.Parameter), StringComparer.Ordinal);
        StoredWeights? replaced = saved.Count == 0 ? null
            : new StoredWeights(adapter.Tensors, new WeightMap(names, parameters.Where(p => savedParameters.Contains(p.Name))),
                tensor => saved.TryGetValue(tensor, out StoredTensor? found) ? found.Name : tensor);
        WeightSource source = ConventionChange.Of(baseWeights, baseModel, HuggingFaceFolder.Conventional(baseModel));
        return new AdaptedModel(merged, new AdaptedWeights(source, conventional.TiedEmbeddings && !tied, map, adapter.Tensors, modules, replaced, savedParameters));

        string Locate(string name) => HuggingFacePrefix.Published(name, conventional.Family).FirstOrDefault(known.Contains)
            ?? throw Fault(adapter, $"it changes {InvalidInputException.Quote(name)}, which the base model does not have", Mend);
    }

    // Tokens that were added come with whole tables of both ends.
    private static int VocabularyOf(PeftAdapter adapter, ModelConfiguration model, StoredTensor? embedding, StoredTensor? head)
    {
        long rows = embedding?.Shape.Rank == 2 ? embedding.Shape[0] : model.Vocabulary;
        long headRows = head?.Shape.Rank == 2 ? head.Shape[0] : model.Vocabulary;
        if (rows == headRows && rows is > 0 and <= int.MaxValue) return (int)rows;
        throw Fault(adapter, $"it has an embedding of {rows} tokens and a head of {headRows}", "export the adapter again with both of them saved (modules_to_save: embed_tokens and lm_head)");
    }

    private static void RequireFit(PeftAdapter adapter, WeightMap map, string tensor, PeftModule module)
    {
        IReadOnlyList<WeightLink> links = map.LinksInto(tensor);
        Shape shape = map.Parameters[links[0].Parameter];
        if (shape.Rank < 2) throw Fault(adapter, $"it changes {InvalidInputException.Quote(module.Name)}, which is no matrix", Mend);
        long outputs = links.Sum(static l => l.Rows), inputs = WeightMap.ColumnsOf(shape);
        (long own, long ownInputs) = module.IsEmbedding ? (module.A.Shape[1], module.B.Shape[0]) : (module.B.Shape[0], module.A.Shape[1]);
        if (own != outputs || ownInputs != inputs)
            throw Fault(adapter, $"the factors of module {InvalidInputException.Quote(module.Name)} make a matrix of {own} × {ownInputs}, where the base has {outputs} × {inputs}", Mend);
    }

    private static string Template(WeightNames names, string parameter) => names.RuleOf(parameter).Template;

    private static FileFormatException Fault(PeftAdapter adapter, string what, string howToMend) => new(adapter.Path, what, howToMend);
}
