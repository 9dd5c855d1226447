using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Ops;

/// <summary>Cases of mixtures of experts.</summary>
internal static class RoutingCases
{
    /// <summary>All of them.</summary>
    public static IEnumerable<OpCase> All()
    {
        (int Tokens, int Experts, int Chosen, bool Normalize)[] routes =
            [(1, 1, 1, false), (1, 5, 2, true), (7, 8, 3, false), (19, 3, 3, true), (33, 17, 1, false), (5, 9, 1, true)];
        foreach (var r in routes)
        {
            string name = $"{r.Tokens} tokens to {r.Chosen} of {r.Experts}{(r.Normalize ? ", normalized" : "")}";
            yield return new($"RouteTokens {name}", c => c.Emit(new RouteTokens(r.Chosen, r.Normalize), c.X("logits", new(r.Tokens, r.Experts), scale: 2)));
            yield return new($"CopyToExperts {name}", c => c.Emit(new CopyToExperts(), c.X("x", new(r.Tokens, 19)), Places(c, r.Tokens, r.Chosen)));
            yield return new($"SumFromExperts {name}", c => c.Emit(new SumFromExperts(), c.X("y", new(r.Tokens * r.Chosen, 19)), Places(c, r.Tokens, r.Chosen)));
        }

        yield return new("RouteTokens of rows", static c => c.Emit(new RouteTokens(2, false), c.X("logits", new(2, 3, 5), scale: 2)));
        yield return new("RouteTokens by one expert", static c => c.Emit(new RouteTokens(1, false), c.X("logits", new(4, 3), scale: 30)));
        yield return new("CopyToExperts of rows", static c => c.Emit(new CopyToExperts(), c.X("x", new(2, 3, 5)), c.Integers("places", new(2, 3, 2), static i => (i * 5 + 3) % 12)));
        yield return new("SumFromExperts of rows", static c => c.Emit(new SumFromExperts(), c.X("y", new(12, 5)), c.Integers("places", new(2, 3, 2), static i => (i * 5 + 3) % 12)));
        foreach (Shape x in (Shape[])[new(1, 1), new(7, 33), new(2, 3, 5)])
            yield return new($"ScaleRows {x}", c => c.Emit(new ScaleRows(), c.X("x", x), c.X("factors", x.WithInnermost(1))));
        foreach (OpCase @case in Products()) yield return @case;
    }

    private static IEnumerable<OpCase> Products()
    {
        (string Name, int[] Starts, int N, int K)[] products =
        [
            ("one row of one", [0, 1], 1, 1), ("an expert without rows", [0, 2, 2, 7], 5, 9), ("all rows of the last", [0, 0, 0, 9], 17, 3),
            ("none but the first", [0, 6, 6], 3, 21), ("many rows", [0, 13, 50, 51, 90], 7, 6), ("more rows than a product takes", [0, 700, 703], 2, 3),
        ];
        foreach (var p in products)
        {
            foreach (bool transposed in (bool[])[true, false])
            {
                yield return new($"ExpertMatMul {p.Name}{(transposed ? " T" : "")}", c => c.Emit(
                    new ExpertMatMul(transposed), c.X("rows", new(p.Starts[^1], p.K)),
                    c.X("weights", transposed ? new(p.Starts.Length - 1, p.N, p.K) : new(p.Starts.Length - 1, p.K, p.N)), Starts(c, p.Starts)));
            }
        }

        yield return new("ExpertMatMul onto a sum", static c => c.Emit(
            new ExpertMatMul(true, true), c.X("rows", new(8, 5)), c.X("weights", new(3, 7, 5)), Starts(c, [0, 3, 4, 8]), c.X("sum", new(8, 7))));
        yield return new("ExpertMatMul with BF16 weights", static c => c.Emit(
            new ExpertMatMul(true), c.X("rows", new(8, 5)), c.X("weights", new(3, 7, 5), DType.BF16), Starts(c, [0, 3, 4, 8])));
    }

    private static Value Starts(OpCaseBuilder c, int[] starts) => c.Integers("starts", new(starts.Length), i => starts[i]);

    // Any order of rows.
    private static Value Places(OpCaseBuilder c, int tokens, int chosen)
    {
        int[] order = [.. Enumerable.Range(0, tokens * chosen)];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = c.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return c.Integers("places", new(tokens, chosen), i => order[i]);
    }
}
