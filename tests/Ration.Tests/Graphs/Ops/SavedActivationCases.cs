using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Ops;

/// <summary>Cases of what saves activations: few bits, and MLPs over tiles.</summary>
internal static class SavedActivationCases
{
    /// <summary>All of them.</summary>
    public static IEnumerable<OpCase> All()
    {
        foreach (ActivationFunction function in Enum.GetValues<ActivationFunction>())
        {
            foreach (Shape shape in (Shape[])[new(1), new(3, 33), new(2, 5, 7), new(19, 64)])
                yield return new($"TwoBitActivation {function} {shape}", c => c.Emit(new TwoBitActivation(function), c.X("x", shape, scale: 4))) { IsSmooth = false };
        }

        foreach ((Shape shape, int group) in ((Shape, int)[])[(new(1, 5), 5), (new(7, 24), 8), (new(3, 5, 36), 12), (new(2, 41, 96), 48), (new(700, 3), 1)])
        {
            yield return new($"QuantizeActivation {shape} by {group}", c => c.Emit(
                new QuantizeActivation(group, 0.9f, 5), c.X("x", shape, scale: 2), c.State("estimates", new(2, shape[^1] / group), MemoryKind.Activations), Key(c)))
            { HasGradient = false, Once = true };
            yield return new($"DequantizeActivation {shape} by {group}", c => c.Emit(
                new DequantizeActivation(group), c.Integers("codes", shape, static i => i * 37 % 256, DType.U8), c.X("scales", new(2, shape[^1] / group))))
            { HasGradient = false };
        }

        foreach ((Shape shape, int chosen) in ((Shape, int)[])[(new(1, 3), 1), (new(9, 5), 9), (new(41, 17), 12), (new(3, 50, 8), 45), (new(19, 2), 1)])
        {
            yield return new($"WinnerTakeAllRows {chosen} of {shape}", c => c.Emit(new WinnerTakeAllRows(chosen, 3), c.X("x", shape), Key(c))) { HasGradient = false };
            yield return new($"GatherRows {chosen} of {shape}", c => c.Emit(
                new GatherRows(), c.X("x", shape), c.Integers("numbers", new(chosen), i => (int)(i * 7 % shape.Rows)), c.X("weights", new(chosen))))
            { HasGradient = false };
        }

        foreach ((int width, int rank) in ((int, int)[])[(1, 1), (7, 3), (129, 131)])
            yield return new($"GaussianProjection {width} to {rank}", c => c.Emit(new GaussianProjection(width, rank, 9), Key(c))) { HasGradient = false };
        foreach ((int rows, int tiles) in ((int, int)[])[(1, 1), (19, 2), (41, 5), (24, 3)])
        {
            foreach ((bool gated, bool biased, ActivationFunction function) in
                ((bool, bool, ActivationFunction)[])[(true, false, ActivationFunction.Silu), (false, true, ActivationFunction.Gelu),
                    (true, true, ActivationFunction.GeluTanh), (false, false, ActivationFunction.Silu)])
                yield return new($"TiledMlp {rows} rows in {tiles}, {(gated ? "gated " : "")}{(biased ? "biased " : "")}{function}",
                    c => EmitMlp(c, new(rows, 7), new(function, gated, biased, tiles)));
        }

        foreach (OpCase shortened in Shortened()) yield return shortened;
        yield return new("TiledMlp of rows", static c => EmitMlp(c, new(3, 9, 7), new(ActivationFunction.Silu, true, false, 3)));
    }

    // In fixed point, in slots, or the largest of each row.
    private static IEnumerable<OpCase> Shortened()
    {
        foreach (Shape shape in (Shape[])[new(1), new(3, 33), new(2, 5, 8), new(19, 1025)])
        {
            foreach ((int bits, int fraction, double scale) in ((int, int, double)[])[(8, 4, 5), (4, 1, 3), (8, 0, 60)])
            {
                yield return new($"ToFixedPoint {bits}.{fraction} {shape}", c => c.Emit(new ToFixedPoint(bits, fraction), c.X("x", shape, scale: scale))) { HasGradient = false };
                Shape codes = shape.WithInnermost(ToFixedPoint.RowBytes(bits, shape[^1]));
                yield return new($"FromFixedPoint {bits}.{fraction} {shape}", c => c.Emit(
                    new FromFixedPoint(bits, fraction, shape[^1]), c.Integers("codes", codes, static i => i * 37 % 256, DType.U8)))
                { HasGradient = false };
            }
        }

        foreach ((Shape shape, float[] trained) in ((Shape, float[])[])[(new(1), [1]), (new(3, 7), [0]), (new(5, 2, 9), [0, 0, 1]), (new(41, 137), [1, 1])])
            yield return new($"Slots {shape} for {trained.Length}", c => EmitSlots(c, shape, trained)) { HasGradient = false };
        foreach ((Shape shape, int count) in ((Shape, int)[])[(new(1), 1), (new(5, 7), 1), (new(3, 4, 33), 4), (new(19, 64), 64), (new(9, 301), 31)])
        {
            foreach (bool centred in (bool[])[false, true])
            {
                yield return new($"KeepLargest {count} of {shape}{(centred ? " from the mean" : "")}", c => c.Emit(
                    new KeepLargest(count), centred ? [c.X("x", shape, mean: 1), c.X("means", new(shape.Rows), mean: 1, scale: 0.1)] : [c.X("x", shape)]))
                { HasGradient = false };
                yield return new($"PlaceLargest {count} of {shape}{(centred ? " from the mean" : "")}", c => c.Emit(
                    new PlaceLargest(shape),
                        [c.X("values", new(shape.Rows, count)), c.Integers("columns", new(shape.Rows, count), i => (int)(((i % count) * (shape[^1] / count)) % shape[^1])),
                        .. centred ? [c.X("means", new(shape.Rows))] : Array.Empty<Ration.Graphs.Value>()]))
                { HasGradient = false };
            }
        }
    }

    // What is kept, what is not and what comes after, of both types, with a little room left.
    private static void EmitSlots(OpCaseBuilder c, Shape shape, float[] trained)
    {
        IReadOnlyList<Ration.Graphs.Value> empty = c.Emit(new EmptySlots((6 * shape.Elements) + 3));
        Ration.Graphs.Value[] scalars = [.. trained.Select((t, i) => c.Scalar($"trained.{i}", t))];
        Ration.Graphs.Value codes = c.Integers("codes", shape, static i => i * 37 % 256, DType.U8);
        IReadOnlyList<Ration.Graphs.Value> first = c.Emit(new StoreInSlot(0.5), [empty[0], empty[1], codes, .. scalars]);
        IReadOnlyList<Ration.Graphs.Value> second = c.Emit(new StoreInSlot(0.5), [first[0], first[1], c.X("x", shape), .. scalars]);
        IReadOnlyList<Ration.Graphs.Value> third = c.Emit(new StoreInSlot(1), second[0], second[1], c.Integers("others", shape, static i => i * 11 % 256, DType.U8), c.Scalar("always", 1));
        c.Emit(new LoadFromSlot(shape, DType.U8), third[0], empty[1], first[1]);
        c.Emit(new LoadFromSlot(shape), third[0], first[1], second[1]);
        c.Emit(new LoadFromSlot(shape), third[0], first[1], second[1], c.X("otherwise", shape));
        c.Emit(new LoadFromSlot(shape, DType.U8), third[0], second[1], third[1]);
    }

    private static void EmitMlp(OpCaseBuilder c, Shape x, TiledMlp op)
    {
        string[] names = op.IsGated ? ["gate", "up", "down"] : ["up", "down"];
        const int Hidden = 13, Output = 5;
        c.Emit(op, [
            c.X("x", x),
            .. names.Select(n => c.X(n, n == "down" ? new(Output, Hidden) : new(Hidden, x[^1]), scale: 0.4)),
            .. op.HasBiases ? names.Select(n => c.X(n + ".bias", new(n == "down" ? Output : Hidden))) : [],
        ]);
    }

    private static Ration.Graphs.Value Key(OpCaseBuilder c) => c.Integers("key", new(2), static i => i == 0 ? 12345 : 678, DType.I64);
}
