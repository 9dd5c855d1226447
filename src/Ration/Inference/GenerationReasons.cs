using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;
using Ration.Training;

namespace Ration.Inference;

/// <summary>Why a generation is arranged as it is.</summary>
internal static class GenerationReasons
{
    /// <summary>A reason for each choice.</summary>
    public static IReadOnlyList<PlanReason> Explain(GenerationPlan plan) =>
        [Chunk(plan), Cache(plan), Weights(plan), Context(plan), .. Blocks(plan)];

    private static PlanReason Chunk(GenerationPlan plan)
    {
        int chunk = plan.Choices.Chunk;
        string choice = $"{chunk} token{(chunk == 1 ? "" : "s")}";
        if (plan.Options.Chunk is not null) return new("chunk", choice, "as asked for");
        int largest = GenerationPrograms.Sizes(plan.Options.PromptTokens > 0 ? plan.Options.PromptTokens : plan.Choices.Context)[0];
        return new("chunk", choice, chunk == largest ? "as many tokens of the prompt at once as are of use" : $"{largest} at once would not fit");
    }

    private static PlanReason Cache(GenerationPlan plan)
    {
        DType type = plan.Choices.CacheType;
        string why = plan.Options.CacheType is not null ? "as asked for" : type switch
        {
            DType.F32 => "there is room for exact keys and values",
            DType.F16 when plan.Options.Quality == GenerationQuality.Exact => "F32 would not fit",
            DType.F16 => "half the bytes of F32, with errors far below those of sampling",
            _ => "F16 would not fit",
        };
        return new("keys and values", type.ToString(), why);
    }

    private static PlanReason Weights(GenerationPlan plan)
    {
        if (plan.Choices.WeightType is not { } type) return new("weights", "as stored", "nothing is lost");
        long others = plan.Programs.Single.Graph.Persistent.Where(v => v.Kind == MemoryKind.Weights && v.Shape.Rank >= 2 && v.DType != type).Sum(static v => v.Bytes);
        string except = others == 0 ? "" : $"; {new ByteSize(others)} stay as stored, because their rows are no whole blocks of {type.BlockElements()} or {type} takes no less";
        return new("weights", type.ToString(), (plan.Options.WeightType is not null ? "as asked for" : "matrices as they are stored would not fit") + except);
    }

    private static IEnumerable<PlanReason> Blocks(GenerationPlan plan)
    {
        if (plan.Choices.StreamedBlocks is not (> 0 and var blocks)) yield break;
        long bytes = plan.Programs.Single.Graph.Nodes.Where(static n => n.Op is ReadWeight).Sum(static n => n.Output.Bytes);
        yield return new("in the files", $"weights of {blocks} of {plan.Options.Model.Layers} blocks",
            $"they would not fit; {new ByteSize(bytes)} are read for each chunk of the prompt and each token"
            + (plan.WeightTypeThatFits is { } type ? $"; --quality any would keep all in memory, in {type}" : ""));
    }

    private static PlanReason Context(GenerationPlan plan)
    {
        int context = plan.Choices.Context;
        string why = context == (plan.Options.Context ?? plan.Options.LeastContext)
            ? plan.Options.Context is null ? "the prompt and what may be generated" : "as asked for"
            : $"{plan.Options.Context} would not fit";
        return new("context", $"{context} token{(context == 1 ? "" : "s")}", why);
    }
}
