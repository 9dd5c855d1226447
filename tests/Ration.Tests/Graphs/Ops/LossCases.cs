using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Ops;

/// <summary>Cases of the vocabulary head and its loss.</summary>
internal static class LossCases
{
    // No tile of these sizes is so small: what a filter leaves out is tested by itself, its tiles and its order here.
    private const float Nothing = 1e-30f;

    /// <summary>All of them.</summary>
    public static IEnumerable<OpCase> All()
    {
        (string Name, int Tokens, int Vocabulary, int Width, LinearCrossEntropy Op)[] cases =
        [
            ("one token", 1, 2, 1, new()), ("plain", 7, 61, 5, new()), ("smoothed", 9, 33, 17, new(LabelSmoothing: 0.1f)), ("with z-loss", 9, 35, 4, new(ZLoss: 0.01f)),
            ("with both", 13, 129, 3, new(0.2f, 0.05f)), ("wider than a block", 3, 2300, 2, new(0.1f, 0.001f)), ("of many tokens", 300, 5, 3, new()),
            ("capped", 7, 61, 5, new(SoftCap: 2)), ("capped, with all", 5, 1300, 3, new(0.1f, 0.01f, SoftCap: 1.5f)),
            ("filtered", 150, 300, 3, new(FilterThreshold: Nothing)), ("ordered", 150, 300, 3, new(FilterThreshold: Nothing, OrderVocabulary: true)),
            ("ordered, wider than a block", 3, 2300, 2, new(0.1f, 0.001f, Nothing, OrderVocabulary: true)),
            ("ordered, capped", 9, 61, 5, new(0.1f, 0.01f, Nothing, 2, OrderVocabulary: true)),
            ("ordered, in chunks", 9, 61, 5, new(FilterThreshold: Nothing, OrderVocabulary: true, ChunkTokens: 4)),
            ("in chunks", 11, 61, 5, new(ChunkTokens: 4)), ("in chunks, with all", 9, 35, 4, new(0.2f, 0.05f, SoftCap: 2, ChunkTokens: 1)),
            ("in one chunk", 7, 1300, 5, new(ChunkTokens: 8)), ("of kept logits", 7, 61, 5, new(KeepLogits: true)),
            ("of kept logits, wider than a block", 3, 2300, 2, new(0.1f, 0.001f, SoftCap: 2, KeepLogits: true)),
            ("of kept logits, in chunks", 9, 35, 4, new(ZLoss: 0.01f, ChunkTokens: 4, KeepLogits: true)),
            ("of kept logits, filtered", 9, 300, 4, new(FilterThreshold: Nothing, KeepLogits: true)),
        ];
        foreach (var l in cases)
        {
            yield return new($"LinearCrossEntropy {l.Name}", c => c.EmitLoss(
                l.Op, c.X("h", new(l.Tokens, l.Width)), c.X("w", new(l.Vocabulary, l.Width)), Targets(c, l.Tokens, l.Vocabulary), c.Scalar("scale", 1f / l.Tokens)));
        }

        foreach (OpCase @case in Samples().Concat(Others())) yield return @case;
    }

    private static IEnumerable<OpCase> Samples()
    {
        (string Name, int Tokens, int Vocabulary, int Width, int Room, int Count, LinearCrossEntropy Op)[] cases =
        [
            ("one class", 3, 7, 5, 1, 1, new()), ("a few", 9, 61, 5, 13, 13, new()), ("a few in more room", 9, 61, 5, 33, 13, new(0.1f, 0.01f)),
            ("all", 9, 61, 5, 61, 61, new()), ("wider than a block", 3, 5000, 2, 2500, 2300, new(SoftCap: 2)), ("less than a block in more", 3, 5000, 2, 4500, 1999, new()),
            ("in chunks", 9, 61, 5, 33, 13, new(ChunkTokens: 4)), ("filtered", 150, 900, 3, 400, 300, new(FilterThreshold: Nothing)),
        ];
        foreach (var l in cases)
        {
            yield return new($"LinearCrossEntropy of a sample, {l.Name}", c =>
            {
                int Id(int i) => i < l.Count ? (int)((long)(i + 1) * l.Vocabulary / l.Count) - 1 : -1;
                Value sample = c.Integers("sample", new(l.Room), Id), targets = c.Integers("targets", new(l.Tokens), i => i % 4 == 1 ? -1 : Id(c.Next(l.Count)));
                c.EmitLoss(l.Op, c.X("h", new(l.Tokens, l.Width)), c.X("w", new(l.Vocabulary, l.Width)), targets, c.Scalar("scale", 1f / l.Tokens), sample);
            });
        }

        yield return new("LinearCrossEntropy of a sample of a BF16 head", static c => c.EmitLoss(
            new LinearCrossEntropy(), c.X("h", new(6, 9)), c.X("w", new(21, 9), DType.BF16), c.Integers("targets", new(6), static i => 4 * (i % 3)), c.Scalar("scale", 0.2f),
            c.Integers("sample", new(7), static i => i < 6 ? 4 * i : -1)));
    }

    private static IEnumerable<OpCase> Others()
    {
        yield return new("LinearCrossEntropy of a BF16 head", static c => c.EmitLoss(
            new LinearCrossEntropy(), c.X("h", new(6, 9)), c.X("w", new(21, 9), DType.BF16), Targets(c, 6, 21), c.Scalar("scale", 0.2f)));
        yield return new("LinearCrossEntropy ordered, of a BF16 head", static c => c.EmitLoss(
            new LinearCrossEntropy(FilterThreshold: Nothing, OrderVocabulary: true), c.X("h", new(6, 9)), c.X("w", new(21, 9), DType.BF16), Targets(c, 6, 21), c.Scalar("scale", 0.2f)));
        yield return new("LinearCrossEntropy two losses of one head", static c =>
        {
            c.EmitLoss(new LinearCrossEntropy(), c.X("h", new(6, 9)), c.X("w", new(21, 9)), Targets(c, 6, 21), c.Scalar("scale", 0.2f));
            c.EmitLoss(new LinearCrossEntropy(0.1f), c.X("other", new(6, 9)), c.X("w", new(21, 9)), Targets(c, 6, 21), c.Scalar("scale", 0.2f));
        });

        LinearCrossEntropy[] modes = [new(0.1f, 0.01f), new(FilterThreshold: 1f / 4096, OrderVocabulary: true), new(ChunkTokens: 2), new(KeepLogits: true)];
        foreach (LinearCrossEntropy op in modes)
        {
            yield return new($"LinearCrossEntropy without a target, {op}", c => c.EmitLoss(
                op, c.X("h", new(5, 4)), c.X("w", new(33, 4)), c.Integers("targets", new(5), static _ => -1), c.Scalar("scale", 0.2f)));
        }

        yield return new("LinearCrossEntropy of a sample without a target", static c => c.EmitLoss(
            new LinearCrossEntropy(), c.X("h", new(5, 4)), c.X("w", new(33, 4)), c.Integers("targets", new(5), static _ => -1), c.Scalar("scale", 0.2f),
            c.Integers("sample", new(9), static i => i < 7 ? 4 * i : -1)));
    }

    private static Value Targets(OpCaseBuilder c, int tokens, int vocabulary) =>
        c.Integers("targets", new(tokens), i => tokens > 1 && i % 4 == 1 ? -1 : c.Next(vocabulary));
}
