using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Ops;

/// <summary>Cases of the ops that find bases of subspaces.</summary>
internal static class SubspaceCases
{
    /// <summary>All of them.</summary>
    public static IEnumerable<OpCase> All()
    {
        foreach ((int rows, int columns) in ((int, int)[])[(1, 1), (7, 1), (13, 5), (65, 31), (97, 32), (150, 67), (203, 96)])
            yield return new($"Orthonormalize {rows} x {columns}", c => c.Emit(new Orthonormalize(), c.X("x", new(rows, columns)))) { HasGradient = false };
        yield return new("Orthonormalize columns that are nearly one", static c => c.Emit(new Orthonormalize(), c.X("x", new(41, 4), scale: 0.05, mean: 1))) { HasGradient = false, Tolerance = 1e-4 };
        yield return new("Orthonormalize tiny numbers", static c => c.Emit(new Orthonormalize(), c.X("x", new(41, 9), scale: 1e-30))) { HasGradient = false };
        foreach (int size in (int[])[1, 2, 7, 33, 100])
        {
            yield return new($"CosineColumns of all {size}", c => c.Emit(new CosineColumns(size))) { HasGradient = false };
            yield return new($"CosineColumns of some of {size}", c => c.Emit(new CosineColumns(size), c.Integers("columns", new(5), i => (3 * i) % size, DType.F32))) { HasGradient = false };
        }

        foreach ((int elements, int count) in ((int, int)[])[(1, 1), (17, 5), (300, 299), (64, 64)])
            yield return new($"SelectLargest {count} of {elements}", c => c.Emit(new SelectLargest(count), c.X("x", new(elements)))) { HasGradient = false };
        foreach (int row in (int[])[0, 2, 7])
        {
            yield return new($"AssignRow {row}", c =>
            {
                Value rows = c.State("rows", new(3, 35), MemoryKind.OptimizerState);
                c.Graph.AssignRow(rows, c.X("x", new(5, 7)), c.Scalar("row", row));
                c.Results.Add(rows);
            })
            { HasGradient = false, Once = true };
            yield return new($"InverseColumn {row}", c =>
            {
                Value x = c.X("x", new(4, 6));
                c.Emit(new InverseColumn(0.5f), c.Graph.MatMul(x, x, false, true), c.Scalar("column", row));
            })
            { HasGradient = false };
        }

        yield return new("InverseColumn of one", static c => c.Emit(new InverseColumn(2), c.X("gram", new(1, 1), scale: 0.1), c.Scalar("column", 0))) { HasGradient = false };
        yield return new("Reshape", static c => c.Emit(new Reshape(new(3, 10)), c.X("x", new(5, 6))));
        yield return new("SelectLargest of equals", static c => c.Emit(new SelectLargest(8), c.Integers("x", new(29), i => -(i % 3), DType.F32))) { HasGradient = false };
        foreach ((int rows, int columns, int count) in ((int, int, int)[])[(1, 1, 1), (7, 33, 5), (130, 61, 61), (3, 9001, 6000)])
        {
            yield return new($"SelectColumns {count} of {rows} x {columns}", c => c.Emit(new SelectColumns(), c.X("x", new(rows, columns)), Numbers(c, columns, count))) { HasGradient = false };
            yield return new($"ReplaceColumns {count} of {rows} x {columns}",
                c => c.Emit(new ReplaceColumns(), c.X("x", new(rows, columns)), c.X("y", new(rows, count)), Numbers(c, columns, count)))
            { HasGradient = false };
        }

        // Different numbers, out of order.
        static Value Numbers(OpCaseBuilder c, int columns, int count) =>
            c.Integers("numbers", new(count), i => (int)((columns - 1 - i) * 7L % columns), DType.F32);
    }
}
