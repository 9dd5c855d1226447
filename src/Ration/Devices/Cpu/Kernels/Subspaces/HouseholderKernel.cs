using System.Runtime.InteropServices;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Orthonormal bases by blocked Householder reflections (Schreiber and Van Loan 1989): the reflections of a panel of columns are one
/// product I − V·T·Vᵀ, so nearly all work is matrix products. Reflections are orthogonal whatever they reflect, so a matrix of low
/// rank, or of zeros, still gives an orthonormal basis.
/// </summary>
internal static unsafe class HouseholderKernel
{
    /// <summary>Columns of a panel.</summary>
    private const nint Panel = 32;

    /// <summary>Bytes of workspace for <see cref="Orthonormalize"/>.</summary>
    public static long WorkspaceBytes(nint rows, nint columns, int threads)
    {
        long product = 0;
        for (nint first = 0; first < columns; first += Panel)
        {
            nint width = nint.Min(Panel, columns - first), height = rows - first, rest = columns - first - width, formed = columns - first;
            foreach ((nint m, nint n, nint k) in ((nint, nint, nint)[])
                [(rest, width, height), (rest, width, width), (rest, height, width), (width, formed, height), (width, formed, width), (height, formed, width)])
                product = long.Max(product, Gemm.WorkspaceBytes(m, n, k, threads));
        }

        return Aligned(Floats(rows, columns)) * sizeof(float) + product;
    }

    /// <summary>q = the columns of a, orthonormal. q may be a.</summary>
    public static void Orthonormalize(
        WorkerPool pool, float* a /*[rows, columns]*/, float* q /*[rows, columns] overwritten*/, nint rows, nint columns, byte* workspace)
    {
        Factors f = new(pool, rows, columns, (float*)workspace);
        TransposeWork transpose = new() { A = a, Columns = f.Vectors, Rows = rows, Count = columns };
        pool.Run(ref transpose, checked((int)columns));
        for (nint first = 0; first < columns; first += Panel)
        {
            f.FactorPanel(first);
            f.ReflectRest(first);
        }

        NativeMemory.Clear(q, (nuint)(rows * columns) * sizeof(float));
        for (nint column = 0; column < columns; column++) q[(column * columns) + column] = f.Signs[column];
        for (nint first = (columns - 1) / Panel * Panel; first >= 0; first -= Panel) f.ReflectBasis(first, q);
    }

    private static long Floats(nint rows, nint columns) => ((long)rows * columns) + (3 * (long)Panel * columns) + columns;

    private static long Aligned(long floats) => (floats + 15) / 16 * 16;

    // Columns lie as rows: a reflection is then a dot product and a sum along contiguous memory.
    private readonly struct Factors(WorkerPool pool, nint rows, nint columns, float* memory)
    {
        /// <summary>[columns, rows]: what is still to be reflected, and the vectors V of what is done.</summary>
        public readonly float* Vectors = memory;

        /// <summary>[columns]: the sign of R's diagonal.</summary>
        public readonly float* Signs = memory + (rows * columns);

        // [panels, Panel, Panel]: −T.
        private readonly float* _factors = memory + (rows * columns) + columns;
        private readonly float* _product = memory + (rows * columns) + columns + (Panel * columns);
        private readonly float* _scaled = memory + (rows * columns) + columns + (2 * Panel * columns);
        private readonly byte* _workspace = (byte*)(memory + Aligned(Floats(rows, columns)));

        /// <summary>Turns the columns of a panel into reflections, one after another.</summary>
        public void FactorPanel(nint first)
        {
            nint width = Width(first);
            float* t = _factors + (first * Panel);
            for (nint j = 0; j < width; j++)
            {
                nint column = first + j;
                float* v = Vectors + (column * rows);
                float tau = Reflection(v, rows, column, out Signs[column]);
                ReflectWork reflect = new() { V = v + column, Next = v + rows + column, Stride = rows, Count = rows - column, Tau = tau };
                reflect.Run(pool, checked((int)(width - j - 1)));

                // The last column of −T: −T·Vᵀ·v of the columns before, and −τ (LAPACK's larft).
                for (nint i = 0; i < j; i++) _product[i] = ReductionLoops.Dot(Vectors + ((first + i) * rows) + column, v + column, rows - column);
                for (nint i = 0; i < width; i++) t[(i * width) + j] = i == j ? -tau : 0;
                for (nint i = 0; i < j; i++) t[(i * width) + j] = -tau * ReductionLoops.Dot(t + (i * width), _product, j);
            }
        }

        /// <summary>Columns after a panel: A −= V·Tᵀ·Vᵀ·A.</summary>
        public void ReflectRest(nint first)
        {
            nint width = Width(first), rest = columns - first - width, height = rows - first;
            float* v = Vectors + (first * rows) + first, a = v + (width * rows);
            Multiply(Matrix(a, rows), Matrix(v, rows, transposed: true), _product, width, rest, width, height, accumulate: false);
            Multiply(Matrix(_product, width), Matrix(_factors + (first * Panel), width), _scaled, width, rest, width, width, accumulate: false);
            Multiply(Matrix(_scaled, width), Matrix(v, rows), a, rows, rest, height, width, accumulate: true);
        }

        /// <summary>Q −= V·T·Vᵀ·Q.</summary>
        public void ReflectBasis(nint first, float* q)
        {
            nint width = Width(first), formed = columns - first, height = rows - first;
            float* v = Vectors + (first * rows) + first, basis = q + (first * columns) + first;
            Multiply(Matrix(v, rows), Matrix(basis, columns), _product, formed, width, formed, height, accumulate: false);
            Multiply(Matrix(_factors + (first * Panel), width), Matrix(_product, formed), _scaled, formed, width, formed, width, accumulate: false);
            Multiply(Matrix(v, rows, transposed: true), Matrix(_scaled, formed), basis, columns, height, formed, width, accumulate: true);
        }

        private static MatrixOperand Matrix(float* data, nint stride, bool transposed = false) => new(data, DType.F32, stride, transposed);

        private void Multiply(in MatrixOperand a, in MatrixOperand b, float* c, nint stride, nint m, nint n, nint k, bool accumulate) =>
            Gemm.Multiply(pool, a, b, c, stride, m, n, k, accumulate, _workspace);

        private nint Width(nint first) => nint.Min(Panel, columns - first);
    }

    // v becomes (0 … 0, 1, …) with (I − τ·v·vᵀ) taking the column to a multiple of a unit vector; τ = 0 where nothing is left of it.
    private static float Reflection(float* v, nint rows, nint column, out float sign)
    {
        const float Nothing = 1e-30f;
        float head = v[column], tail = ReductionLoops.SumOfSquares(v + column + 1, rows - column - 1);
        float norm = MathF.Sqrt((head * head) + tail), tau = 0, scale = 0;
        sign = head < 0 ? -1 : 1;
        if (!(tail <= Nothing))
        {
            sign = -sign;
            tau = 1 + (MathF.Abs(head) / norm);
            scale = 1 / (head - (sign * norm));
        }

        ElementwiseLoops.BinaryScalar<Multiply>(v + column + 1, scale, v + column + 1, rows - column - 1);
        new Span<float>(v, (int)column).Clear();
        v[column] = 1;
        return tau;
    }

    // Each column scaled by a power of two to about one, which changes no direction: squares of small gradients would be lost.
    private struct TransposeWork : IParallelWork
    {
        public float* A;
        public float* Columns;
        public nint Rows;
        public nint Count;

        public readonly void Execute(int item, int worker)
        {
            float* column = Columns + (item * Rows);
            for (nint row = 0; row < Rows; row++) column[row] = A[(row * Count) + item];
            float greatest = ReductionLoops.MaxOf<Absolute>(column, Rows);
            if (!(greatest > 0)) return;
            float scale = MathF.ScaleB(1, int.Clamp(-MathF.ILogB(greatest), -126, 126));
            ElementwiseLoops.BinaryScalar<Multiply>(column, scale, column, Rows);
        }
    }

    // Reflects the later columns of a panel.
    private struct ReflectWork : IParallelWork
    {
        // Below this many numbers waking the other workers costs more than they save.
        private const nint Sequential = 1 << 15;

        public float* V;
        public float* Next;
        public nint Stride;
        public nint Count;
        public float Tau;

        public void Run(WorkerPool pool, int columns)
        {
            if (columns * Count > Sequential) pool.Run(ref this, columns);
            else for (int item = 0; item < columns; item++) Execute(item, 0);
        }

        public readonly void Execute(int item, int worker)
        {
            float* x = Next + (item * Stride);
            ReductionLoops.Axpy(-Tau * ReductionLoops.Dot(V, x, Count), V, x, Count);
        }
    }
}
