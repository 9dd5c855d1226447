using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Ops;

/// <summary>Every op on a few odd shapes. A new op is added here, and nowhere else, to be compared, differentiated and costed.</summary>
internal static class OpCases
{
    // Relative error of a rounded number: an angle of so many turns is known no better.
    private const double Rounding = 1.0 / (1 << 23);

    private static readonly OpCase[] s_all =
    [
        .. Products(), .. Bytes(), .. Sums(), .. Formulas(), .. Activations(), .. Norms(), .. Tokens(), .. Caches(), .. Attentions(), .. RoutingCases.All(), .. LossCases.All(), .. SubspaceCases.All(),
        .. SavedActivationCases.All(),
    ];

    /// <summary>All cases by name.</summary>
    public static IReadOnlyDictionary<string, OpCase> All { get; } = s_all.ToDictionary(static c => c.Name);

    private static IEnumerable<OpCase> Products()
    {
        foreach ((int m, int n, int k) in ((int, int, int)[])[(1, 1, 1), (3, 5, 7), (1, 33, 17), (13, 31, 9), (29, 1, 64)])
        {
            foreach ((bool a, bool b) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
            {
                yield return new($"MatMul {m}x{n}x{k} {(a ? "T" : "N")}{(b ? "T" : "N")}", c =>
                    c.Emit(new MatMul(a, b), c.X("a", a ? new(k, m) : new(m, k)), c.X("b", b ? new(n, k) : new(k, n))));
            }
        }

        yield return new("MatMul of rows in two dimensions", static c => c.Emit(new MatMul(false, true), c.X("x", new(2, 3, 5)), c.X("w", new(7, 5))));
        yield return new("MatMul of rows in three dimensions", static c => c.Emit(new MatMul(false, true), c.X("x", new(2, 3, 2, 5)), c.X("w", new(7, 5))));
        yield return new("MatMul onto a sum", static c => c.Emit(new MatMul(false, false, true), c.X("a", new(5, 9)), c.X("b", new(9, 3)), c.X("sum", new(5, 3))));
        yield return new("MatMul of a matrix with itself", static c => c.Emit(new MatMul(false, true), c.X("x", new(7, 5)), c.X("x", new(7, 5))));
        yield return new("MatMul with a BF16 weight", static c => c.Emit(new MatMul(false, true), c.X("x", new(6, 19)), c.X("w", new(11, 19), DType.BF16)));
        yield return new("MatMul with an F16 weight", static c => c.Emit(new MatMul(false, false), c.X("x", new(6, 19)), c.X("w", new(19, 11), DType.F16)));
    }

    private static IEnumerable<OpCase> Bytes()
    {
        foreach ((int rows, int columns) in ((int, int)[])[(32, 32), (64, 32), (96, 288), (288, 160), (32, 1056)])
        {
            foreach (DType type in (DType[])[DType.F32, DType.BF16])
            {
                foreach (bool transpose in (bool[])[false, true])
                {
                    yield return new($"QuantizeMatrix {type} {rows}x{columns}{(transpose ? " transposed" : "")}", c =>
                        c.Emit(new QuantizeMatrix(transpose), c.X("w", new(rows, columns), type)))
                    { HasGradient = false };
                }
            }

            yield return new($"MatMul with bytes {rows}x{columns}", c => c.Emit(
                new MatMul(false, true), c.X("x", new(5, columns)), c.Emit(new QuantizeMatrix(false), c.X("w", new(rows, columns)))[0]))
            { HasGradient = false };
            yield return new($"MatMul with transposed bytes {rows}x{columns} onto a sum", c => c.Emit(
                new MatMul(false, true, true), c.X("x", new(37, rows)), c.Emit(new QuantizeMatrix(true), c.X("w", new(rows, columns)))[0], c.X("sum", new(37, columns))))
            { HasGradient = false };
        }
    }

    private static IEnumerable<OpCase> Sums()
    {
        foreach (Shape shape in (Shape[])[new(1), new(17), new(3, 33), new(2, 5, 7)])
        {
            yield return new($"Add {shape}", c => c.Emit(new Add(), c.X("a", shape), c.X("b", shape)));
            yield return new($"AddBias {shape}", c => c.Emit(new AddBias(), c.X("x", shape), c.X("bias", new(shape[^1]))));
            yield return new($"SumOfSquares {shape}", c => c.Emit(new SumOfSquares(), c.X("x", shape))) { HasGradient = false };
            yield return new($"ColumnSum {shape}", c => c.Emit(new ColumnSum(false), c.X("x", shape))) { HasGradient = false };
            yield return new($"ColumnSum of squares {shape}", c => c.Emit(new ColumnSum(false, Squares: true), c.X("x", shape))) { HasGradient = false };
            yield return new($"Sum {shape}", c => c.Emit(new Sum(), c.X("x", shape))) { HasGradient = false };
            yield return new($"RowSum {shape}", c => c.Emit(new RowSum(false), c.X("x", shape))) { HasGradient = false };
            yield return new($"RowSum of squares {shape}", c => c.Emit(new RowSum(true), c.X("x", shape))) { HasGradient = false };
        }

        yield return new("RowSum of long rows", static c => c.Emit(new RowSum(true), c.X("x", new(3, 9001)))) { HasGradient = false };
        foreach ((int rows, int columns) in ((int, int)[])[(1, 1), (3, 33), (65, 129)])
            yield return new($"RandomMatrix {rows}x{columns}", c => c.Emit(new RandomMatrix(rows, columns, 0.3f, 5, ulong.MaxValue), c.Scalar("epoch", columns))) { HasGradient = false };
        yield return new("Add of a tensor to itself", static c => c.Emit(new Add(), c.X("x", new(5, 3)), c.X("x", new(5, 3))));
        yield return new("Sum of many", static c => c.Emit(new Sum(), c.X("x", new(173, 211)))) { HasGradient = false };
        yield return new("SumOfSquares of many", static c => c.Emit(new SumOfSquares(), c.X("x", new(173, 211)))) { HasGradient = false };
        yield return new("ColumnSum of many rows onto a sum", static c => c.Emit(new ColumnSum(true), c.X("x", new(301, 37)), c.X("sum", new(37)))) { HasGradient = false };
        yield return new("Fill", static c => c.Emit(new Fill(0.25f), c.State("sum", new(3, 7), MemoryKind.Gradients))) { HasGradient = false, Once = true };
        foreach (DType from in (DType[])[DType.F32, DType.BF16, DType.F16])
        {
            foreach (DType to in (DType[])[DType.F32, DType.BF16, DType.F16])
                yield return new($"Cast {from} to {to}", c => c.Emit(new Cast(to), c.X("x", new(3, 35), from))) { IsSmooth = to == DType.F32 };
        }
    }

    private static IEnumerable<OpCase> Formulas()
    {
        yield return Formula("arithmetic", static (a, b, s) => ((a + b) * s) - (a / (b + 3f)) + (-a * 0.5f));
        yield return Formula("roots and signs", static (a, b, s) => (Expression.SquareRoot((a * a) + 1f) * Expression.Absolute(b)) + (Expression.Sign(a) * b * s));
        yield return Formula("functions", static (a, b, s) =>
            (new Unary(UnaryFunction.Exp, a * s) * new Unary(UnaryFunction.Tanh, b)) + (new Unary(UnaryFunction.Sigmoid, a) * new Unary(UnaryFunction.Reciprocal, (b * b) + 1f)));
        yield return Formula("logarithm", static (a, b, s) => new Unary(UnaryFunction.Log, (a * a) + 0.5f) * (b - s));
        yield return Formula("a shared part", static (a, b, s) => ((a * b) + s) * ((a * b) + s));
        yield return Formula("extremes", static (a, b, s) => Expression.Maximum(Expression.Minimum(a, b), s * 0.1f)) with { HasGradient = false };
        foreach (Shape shape in (Shape[])[new(1, 1), new(5, 13), new(37, 211), new(2, 3, 7), new(19)])
        {
            yield return new($"FusedElementwise of rows and columns {shape}", c =>
            {
                ElementwiseProgram program = ElementwiseProgram.Compile(
                    [(null, (new Load(c.X("x", shape)) * Expression.OfRow(c.X("row", new(shape.Rows)))) + Expression.OfColumn(c.X("column", new(shape[^1]), DType.BF16)))]);
                c.Emit(new FusedElementwise(program), program.Inputs);
            })
            { HasGradient = false };
        }

        yield return new("FusedElementwise assignments see old values", static c =>
        {
            Load p = new(c.State("p", new(5, 13), MemoryKind.OptimizerState)), m = new(c.State("m", new(5, 13), MemoryKind.OptimizerState)), s = new(c.Scalar("s", 0.3f));
            Expression mean = Expression.Lerp(m, p, 0.1f);
            c.Graph.Assign([(p.Value, p - (s * mean / (Expression.SquareRoot(p * p) + 1e-3f))), (m.Value, mean)]);
            c.Results.AddRange([p.Value, m.Value]);
        })
        { HasGradient = false, Once = true };
        yield return new("FusedElementwise assignment to BF16", static c =>
        {
            Load p = new(c.State("p", new(3, 37), MemoryKind.OptimizerState, DType.BF16)), x = new(c.X("x", new(3, 37)));
            c.Graph.Assign([(p.Value, p + (x * 0.01f))]);
            c.Results.Add(p.Value);
        })
        { HasGradient = false, Once = true };

        static OpCase Formula(string name, Func<Expression, Expression, Expression, Expression> formula) => new($"FusedElementwise {name}", c =>
        {
            Expression a = new Load(c.X("a", new(7, 37))), b = new Load(c.X("b", new(7, 37), scale: 0.5)), s = new Load(c.Scalar("s", 0.7f));
            ElementwiseProgram program = ElementwiseProgram.Compile([(null, formula(a, b, s))]);
            c.Emit(new FusedElementwise(program), program.Inputs);
        });
    }

    private static IEnumerable<OpCase> Activations()
    {
        foreach (ActivationFunction f in Enum.GetValues<ActivationFunction>())
        {
            yield return new($"Activation {f}", c => c.Emit(new Activation(f), c.X("x", new(3, 37), scale: 2)));
            yield return new($"Activation {f} far out", c => c.Emit(new Activation(f), c.X("x", new(21), scale: 30)));
            yield return new($"GatedActivation {f}", c => c.Emit(new GatedActivation(f), c.X("gate", new(5, 19), scale: 2), c.X("up", new(5, 19))));
            yield return new($"GatedActivation {f} of one tensor", c => c.Emit(new GatedActivation(f), c.X("x", new(1, 3)), c.X("x", new(1, 3))));
        }
    }

    private static IEnumerable<OpCase> Norms()
    {
        yield return new("NormalizeRows of heads", static c => c.Emit(new NormalizeRows(1e-3f, 7, false), c.X("x", new(2, 5, 3 * 7)))) { HasGradient = false };
        yield return new("ScaleColumns of heads", static c => c.Emit(new ScaleColumns(1), c.X("x", new(2, 5, 3 * 7)), c.X("gain", new(7)))) { HasGradient = false };
        yield return new("RmsNorm of heads", static c => c.Emit(new RmsNorm(1e-3f), c.X("x", new(2, 5, 3 * 7)), c.X("gain", new(7), mean: 1)));
        yield return new("RmsNorm with a gain offset", static c => c.Emit(new RmsNorm(1e-3f, 1), c.X("x", new(13, 19)), c.X("gain", new(19))));
        yield return new("RmsNorm of heads with a gain offset", static c => c.Emit(new RmsNorm(1e-3f, 0.75f), c.X("x", new(3, 4 * 5)), c.X("gain", new(5))));
        foreach (Shape shape in (Shape[])[new(1, 1), new(1, 37), new(5, 3), new(67, 33), new(2, 3, 17)])
        {
            yield return new($"RmsNorm {shape}", c => c.Emit(new RmsNorm(1e-3f), c.X("x", shape), c.X("gain", new(shape[^1]), mean: 1)));
            long width = shape[^1], rows = shape.Elements / width;
            foreach (bool centred in (bool[])[false, true])
                yield return new($"NormalizeRows {shape}{(centred ? " centred" : "")}", c => c.Emit(new NormalizeRows(1e-3f, width, centred), c.X("x", shape, mean: 0.5))) { HasGradient = false };
            yield return new($"ScaleColumns {shape}", c => c.Emit(new ScaleColumns(0.5f), c.X("x", shape), c.X("gain", new(width)))) { HasGradient = false };
            yield return new($"ScaleColumns {shape} with a bias", c => c.Emit(new ScaleColumns(), c.X("x", shape), c.X("gain", new(width)), c.X("bias", new(width)))) { HasGradient = false };
            yield return new($"RmsNormGradient by the output {shape}", c => c.Emit(
                new RmsNormGradient(true, true, true, 0.5f, FromOutput: true), c.X("dy", shape), c.X("n", shape), c.X("gain", new(width)),
                    c.X("root", new(rows), mean: 4, scale: 0.3), c.X("dx", shape), c.X("dgain", new(width))))
            { HasGradient = false };
            yield return new($"LayerNormGradient by the output {shape}", c => c.Emit(
                new LayerNormGradient(FromOutput: true), c.X("dy", shape), c.X("n", shape), c.X("gain", new(width)), c.X("root", new(rows), mean: 4, scale: 0.3)))
            { HasGradient = false };
            yield return new($"LayerNorm {shape}", c =>
                c.Emit(new LayerNorm(1e-3f), c.X("x", shape, mean: 0.5), c.X("gain", new(shape[^1]), mean: 1), c.X("bias", new(shape[^1]))));
        }
    }

    private static IEnumerable<OpCase> Tokens()
    {
        foreach (Shape ids in (Shape[])[new(1), new(11), new(3, 7)])
            yield return new($"Embedding {ids}", c => c.Emit(new Embedding(), c.X("table", new(5, 33)), c.Integers("ids", ids, _ => c.Next(5))));
        yield return new("Embedding of a BF16 table", static c => c.Emit(new Embedding(), c.X("table", new(5, 33), DType.BF16), c.Integers("ids", new(9), _ => c.Next(5))));
        foreach (RotaryPairing pairing in Enum.GetValues<RotaryPairing>())
        {
            foreach ((int d, int heads, bool inverse) in ((int, int, bool)[])[(2, 1, false), (6, 3, false), (34, 2, true), (64, 1, false)])
            {
                yield return new($"RotaryEmbedding {pairing} d{d} h{heads}{(inverse ? " inverse" : "")}", c => c.Emit(
                    new RotaryEmbedding(d, RotaryFrequencies.Geometric(10_000, d), pairing, inverse), c.X("x", new(2, 5, heads * d)), c.Integers("positions", new(2, 5), i => i * 3 % 17)));
            }

            yield return new($"RotaryEmbedding {pairing} of some channels, with a factor", c => c.Emit(
                new RotaryEmbedding(11, new RotaryFrequencies([0.7f, 1.3f, 0.01f, 0.2f], 1.25f), pairing), c.X("x", new(2, 5, 33)), c.Integers("positions", new(2, 5), i => i * 3 % 17)));
            yield return new($"RotaryEmbedding {pairing} far out", c => c.Emit(
                new RotaryEmbedding(34, RotaryFrequencies.Geometric(10_000, 34), pairing), c.X("x", new(3, 34)), c.Integers("positions", new(3), i => i * 4095)))
            { Tolerance = 8190 * Rounding };
        }

        foreach (float probability in (float[])[0, 0.3f, 0.9f])
        {
            yield return new($"Dropout {probability}", c =>
                c.Emit(new Dropout(probability, 3), c.X("x", new(7, 41)), c.Integers("key", new(2), i => i == 0 ? 12345 : 678, DType.I64)));
            yield return new($"Dropout {probability} of rows", c =>
                c.Emit(new Dropout(probability, 3), c.X("x", new(3, 5, 29)), c.Integers("key", new(2), i => i == 0 ? 12345 : 678, DType.I64)));
        }
    }

    private static IEnumerable<OpCase> Caches()
    {
        foreach ((int first, int tokens, int rows, bool ring) in ((int, int, int, bool)[])[(0, 1, 1, false), (2, 3, 1, false), (4, 3, 2, false), (-1, 3, 2, false), (16, 4, 3, true)])
        {
            yield return new($"AppendToCache {tokens} tokens of {rows} rows from {first}{(ring ? " round" : "")}", c => c.Emit(
                new AppendToCache(ring), c.State("cache", new(rows, 6, 5), MemoryKind.KvCache), c.X("tokens", new(rows, tokens, 5)),
                c.Integers("places", new(rows, tokens), i => first + (i % tokens) + (i / tokens))))
            { HasGradient = false, Once = true };
        }

        foreach (int token in (int[])[0, 2])
            yield return new($"SelectToken {token}", c => c.Emit(new SelectToken(), c.X("x", new(2, 3, 17)), c.Integers("token", new(2), i => i == 0 ? token : 1))) { HasGradient = false };
    }

    private static IEnumerable<OpCase> Attentions()
    {
        (string Name, int Rows, int Queries, int Keys, int Heads, int KvHeads, int D, int Window, float Cap)[] cases =
        [
            ("one token", 1, 1, 1, 1, 1, 2, 0, 0), ("grouped", 2, 13, 13, 4, 2, 6, 0, 0), ("all heads share", 1, 17, 17, 3, 1, 5, 0, 0),
            ("windowed", 2, 19, 19, 2, 2, 8, 4, 0), ("capped", 1, 11, 11, 2, 1, 4, 0, 1.5f), ("capped and windowed", 1, 15, 15, 2, 1, 7, 5, 2),
            ("longer than a tile", 1, 141, 141, 1, 1, 4, 0, 0), ("a long window", 1, 131, 131, 1, 1, 2, 70, 0), ("more keys than queries", 1, 3, 23, 2, 1, 6, 0, 0),
        ];
        foreach (var a in cases)
        {
            yield return new($"Attention {a.Name}", c =>
            {
                Value ranges = c.Integers("ranges", new(a.Rows, a.Queries, 2), i => KeyRange(i / 2 % a.Queries, i / 2 / a.Queries, a.Queries, a.Keys, i % 2 == 0));
                c.Emit(new Attention(a.Heads, a.KvHeads, 1 / MathF.Sqrt(a.D), a.Window, a.Cap), c.X("q", new(a.Rows, a.Queries, a.Heads * a.D)),
                    c.X("k", new(a.Rows, a.Keys, a.KvHeads * a.D)), c.X("v", new(a.Rows, a.Keys, a.KvHeads * a.D)), ranges);
            });
        }

        yield return new("Attention over ranges of any kind", static c =>
        {
            int first = 0;
            Value ranges = c.Integers("ranges", new(2, 17, 2), i => i % 2 == 0 ? first = c.Next(23) : first + c.Next(23 - first));
            c.Emit(new Attention(4, 2, 0.5f), c.X("q", new(2, 17, 12)), c.X("k", new(2, 23, 6)), c.X("v", new(2, 23, 6)), ranges);
        });

        // Packed documents: a new one begins a third into each row, another two tokens later in odd rows. The last query is the last key.
        static int KeyRange(int query, int row, int queries, int keys, bool isFirst)
        {
            int at = query + keys - queries, start = queries / 3, second = row % 2 == 1 ? start + 2 : int.MaxValue;
            if (!isFirst) return at;
            return query >= second ? second + keys - queries : query >= start ? start + keys - queries : 0;
        }
    }
}
