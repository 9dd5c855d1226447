using System.Runtime.CompilerServices;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Sums over whole tensors and over the rows of matrices, in orders that depend on the sizes alone.</summary>
internal static unsafe class ReductionKernel
{
    /// <summary>Elements of one partial sum.</summary>
    private const nint Block = 64 << 10;

    // A partial sum's own parts, so that what f32 adds up stays short.
    private const nint Part = 4096;

    /// <summary>Bytes of workspace for <see cref="Sum"/> and <see cref="SumOfSquares"/>.</summary>
    public static long WorkspaceBytes(nint elements) => (elements + Block - 1) / Block * sizeof(double);

    /// <summary>*result = Σ x² of numbers as they are stored; of a format of blocks, whole ones.</summary>
    public static void SumOfSquares(WorkerPool pool, byte* x /*[elements]*/, DType type, nint elements, float* result, byte* workspace) =>
        Reduce(pool, x, type, elements, result, workspace, squares: true);

    /// <summary>*result = Σ x.</summary>
    public static void Sum(WorkerPool pool, float* x /*[elements]*/, nint elements, float* result, byte* workspace) =>
        Reduce(pool, (byte*)x, DType.F32, elements, result, workspace, squares: false);

    /// <summary>y = x + bias for each row. y may be x.</summary>
    public static void AddBias(
        WorkerPool pool, float* x /*[rows, columns]*/, float* bias /*[columns]*/, float* y /*[rows, columns] overwritten*/, nint rows,
        nint columns)
    {
        RowWork work = new() { X = x, Other = bias, Y = y, Rows = rows, Columns = columns };
        pool.Run(ref work, RowBlocks.Count(rows));
    }

    /// <summary>result = (accumulate ? result : 0) + Σ of the rows, or of their squares: the gradient of a bias.</summary>
    public static void ColumnSum(
        WorkerPool pool, float* x /*[rows, columns]*/, float* result /*[columns]*/, nint rows, nint columns, bool accumulate, bool squares,
        byte* workspace /*ColumnSumBytes*/)
    {
        RowWork work = new() { X = x, Other = (float*)workspace, Rows = rows, Columns = columns, Squares = squares };
        pool.Run(ref work, RowBlocks.Count(rows));
        RowBlocks.Add(pool, (float*)workspace, RowBlocks.Count(rows), columns, result, accumulate);
    }

    /// <summary>result = Σ of each row, or of its squares.</summary>
    public static void RowSum(WorkerPool pool, float* x /*[rows, columns]*/, float* result /*[rows] overwritten*/, nint rows, nint columns, bool squares)
    {
        RowSumWork work = new() { X = x, Result = result, Rows = rows, Columns = columns, Squares = squares };
        pool.Run(ref work, RowBlocks.Count(rows));
    }

    /// <summary>Bytes of workspace for <see cref="ColumnSum"/>.</summary>
    public static long ColumnSumBytes(nint rows, nint columns) => RowBlocks.PartialsBytes(rows, columns);

    private static void Reduce(WorkerPool pool, byte* x, DType type, nint elements, float* result, byte* workspace, bool squares)
    {
        int blocks = checked((int)((elements + Block - 1) / Block));
        SumWork work = new() { X = x, Type = type, Partials = (double*)workspace, Elements = elements, Squares = squares };
        pool.Run(ref work, blocks);
        double total = 0;
        for (int block = 0; block < blocks; block++) total += ((double*)workspace)[block];
        *result = (float)total;
    }

    private struct SumWork : IParallelWork
    {
        public byte* X;
        public DType Type;
        public double* Partials;
        public nint Elements;
        public bool Squares;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* decoded = stackalloc float[(int)Part];
            nint end = nint.Min(Elements, (item + (nint)1) * Block);
            double sum = 0;
            for (nint i = item * Block; i < end; i += Part)
            {
                nint count = nint.Min(Part, end - i);
                float* x = Type == DType.F32 ? (float*)X + i : decoded;
                if (x == decoded) TensorCodec.Load(X, Type, i, decoded, count);
                sum += Squares ? ReductionLoops.SumOfSquares(x, count) : ReductionLoops.Sum(x, count);
            }

            Partials[item] = sum;
        }
    }

    private struct RowSumWork : IParallelWork
    {
        public float* X;
        public float* Result;
        public nint Rows;
        public nint Columns;
        public bool Squares;

        public readonly void Execute(int item, int worker)
        {
            nint size = RowBlocks.RowsOfBlock(Rows), end = nint.Min(Rows, (item + (nint)1) * size);
            for (nint row = item * size; row < end; row++)
            {
                double sum = 0;
                for (nint i = 0; i < Columns; i += Part)
                {
                    float* x = X + (row * Columns) + i;
                    nint count = nint.Min(Part, Columns - i);
                    sum += Squares ? ReductionLoops.SumOfSquares(x, count) : ReductionLoops.Sum(x, count);
                }

                Result[row] = (float)sum;
            }
        }
    }

    private struct RowWork : IParallelWork
    {
        public float* X;
        public float* Other;
        public float* Y;
        public nint Rows;
        public nint Columns;
        public bool Squares;

        public readonly void Execute(int item, int worker)
        {
            nint size = RowBlocks.RowsOfBlock(Rows), end = nint.Min(Rows, (item + (nint)1) * size);
            float* partial = Other + (item * Columns);
            if (Y == null) new Span<float>(partial, checked((int)Columns)).Clear();
            for (nint row = item * size; row < end; row++)
            {
                float* x = X + (row * Columns);
                if (Y == null && Squares) ElementwiseLoops.Ternary<MultiplyAdd>(x, x, partial, partial, Columns);
                else if (Y == null) ElementwiseLoops.Binary<Add>(partial, x, partial, Columns);
                else ElementwiseLoops.Binary<Add>(x, Other, Y + (row * Columns), Columns);
            }
        }
    }
}
