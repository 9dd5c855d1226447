using Ration.Tensors;

namespace Ration.Inference;

/// <summary>How the memory of a generation is arranged.</summary>
/// <param name="Chunk">Tokens of a prompt at once.</param>
/// <param name="CacheType">How keys and values are stored.</param>
/// <param name="WeightType">How matrices are stored, where their rows are whole blocks and it is smaller; null for as in the files.</param>
/// <param name="Context">Tokens of a text for which there is room.</param>
/// <param name="StreamedBlocks">Blocks of the model whose matrices are not kept in memory but read from the files for each chunk and token.</param>
public sealed record GenerationChoices(int Chunk, DType CacheType, DType? WeightType, int Context, int StreamedBlocks = 0)
{
    // Of the blocks of very deep models not every number is tried.
    private const int StreamedShares = 32;

    /// <summary>The numbers of blocks that may be left in the files, none first: as few as can be.</summary>
    internal static IEnumerable<int> BlocksInFiles(GenerationOptions options) =>
        Enumerable.Range(0, StreamedShares + 1).Select(share => ((options.Model.Layers * share) + StreamedShares - 1) / StreamedShares).Distinct();

    /// <summary>
    /// Every arrangement that options allow with so many blocks in the files, best first: what gives way first is the chunk, then the cache's
    /// storage, then that of the weights, then the context.
    /// </summary>
    internal static IEnumerable<GenerationChoices> Of(GenerationOptions options, int streamedBlocks)
    {
        foreach (int context in Contexts(options))
        {
            foreach (DType? weights in WeightTypes(options))
            {
                foreach (DType cache in CacheTypes(options))
                {
                    foreach (int chunk in GenerationPrograms.Sizes(options.PromptTokens > 0 ? options.PromptTokens : context, options.Chunk))
                        yield return new GenerationChoices(chunk, cache, weights, context, streamedBlocks);
                }
            }
        }
    }

    /// <summary>
    /// The arrangements with so many blocks in the files of which one takes least: weights in the fewest bits, or as they are stored where that is
    /// fewer already, or what reads them takes more than they save.
    /// </summary>
    internal static GenerationChoices[] Least(GenerationOptions options, int streamedBlocks)
    {
        GenerationChoices last = Of(options, streamedBlocks).Last();
        return last.WeightType == options.WeightType ? [last] : [last with { WeightType = options.WeightType }, last];
    }

    /// <summary>The step that computes so.</summary>
    internal GenerationStep Step(GenerationOptions options) => new(options.Model, options.Rows, Context, CacheType, Chunk, WeightTypeOf(options), StreamedBlocks);

    /// <summary>How each weight is stored: matrices as chosen, what is no matrix and what would not become smaller as in the files.</summary>
    internal Func<string, Shape, DType>? WeightTypeOf(GenerationOptions options)
    {
        if (WeightType is not { } chosen) return options.StoredType;
        bool pinned = options.WeightType is not null;
        return (name, shape) =>
        {
            DType stored = options.StoredType?.Invoke(name, shape) ?? DType.F32;
            bool usable = shape.Rank >= 2 && chosen.CanStore(shape);
            return usable && (pinned || chosen.Bytes(shape) < stored.Bytes(shape)) ? chosen : stored;
        };
    }

    private static IEnumerable<int> Contexts(GenerationOptions options)
    {
        int least = options.LeastContext;
        for (int context = options.Context ?? least; context > least; context = Math.Max(least, context / 2)) yield return context;
        yield return least;
    }

    private static DType?[] WeightTypes(GenerationOptions options)
    {
        if (options.WeightType is { } pinned) return [pinned];
        return options.Quality switch
        {
            GenerationQuality.Exact => [null],
            GenerationQuality.High => [null, DType.Q8_0],
            _ => [null, DType.Q8_0, DType.Q4_0],
        };
    }

    private static DType[] CacheTypes(GenerationOptions options)
    {
        if (options.CacheType is { } pinned) return [pinned];
        if (options.Quality == GenerationQuality.Exact) return [DType.F32, DType.F16];
        return options.CanCache(DType.Q8_0) ? [DType.F16, DType.Q8_0] : [DType.F16];
    }
}
