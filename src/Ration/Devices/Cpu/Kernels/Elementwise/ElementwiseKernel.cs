namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Elementwise operators over whole tensors, in blocks shared out among the workers. Aliasing as in <see cref="ElementwiseLoops"/>.
/// </summary>
internal static unsafe class ElementwiseKernel
{
    /// <summary>Elements of one item of work: 64 KiB of each operand.</summary>
    public const nint Block = 16 << 10;

    /// <summary>y = f(x).</summary>
    public static void Unary<TOperator>(WorkerPool pool, float* x /*[elements]*/, float* y /*[elements] overwritten*/, nint elements)
        where TOperator : struct, IUnaryOperator
    {
        UnaryWork<TOperator> work = new() { X = x, Y = y, Elements = elements };
        pool.Run(ref work, Items(elements));
    }

    /// <summary>z = f(x, y).</summary>
    public static void Binary<TOperator>(WorkerPool pool, float* x /*[elements]*/, float* y /*[elements]*/,
        float* z /*[elements] overwritten*/, nint elements)
        where TOperator : struct, IBinaryOperator
    {
        BinaryWork<TOperator> work = new() { X = x, Y = y, Z = z, Elements = elements };
        pool.Run(ref work, Items(elements));
    }

    /// <summary>z = f(x, scalar).</summary>
    public static void BinaryScalar<TOperator>(WorkerPool pool, float* x /*[elements]*/, float scalar,
        float* z /*[elements] overwritten*/, nint elements)
        where TOperator : struct, IBinaryOperator
    {
        BinaryScalarWork<TOperator> work = new() { X = x, Scalar = scalar, Z = z, Elements = elements };
        pool.Run(ref work, Items(elements));
    }

    /// <summary>w = f(x, y, z).</summary>
    public static void Ternary<TOperator>(
        WorkerPool pool, float* x /*[elements]*/, float* y /*[elements]*/, float* z /*[elements]*/, float* w /*[elements] overwritten*/,
        nint elements)
        where TOperator : struct, ITernaryOperator
    {
        TernaryWork<TOperator> work = new() { X = x, Y = y, Z = z, W = w, Elements = elements };
        pool.Run(ref work, Items(elements));
    }

    /// <summary>w = f(x, y, scalar).</summary>
    public static void TernaryScalar<TOperator>(
        WorkerPool pool, float* x /*[elements]*/, float* y /*[elements]*/, float scalar, float* w /*[elements] overwritten*/, nint elements)
        where TOperator : struct, ITernaryOperator
    {
        TernaryScalarWork<TOperator> work = new() { X = x, Y = y, Scalar = scalar, W = w, Elements = elements };
        pool.Run(ref work, Items(elements));
    }

    /// <summary>How many blocks hold so many elements.</summary>
    public static int Items(nint elements) => checked((int)((elements + Block - 1) / Block));

    private struct UnaryWork<TOperator> : IParallelWork
        where TOperator : struct, IUnaryOperator
    {
        public float* X;
        public float* Y;
        public nint Elements;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * Block;
            ElementwiseLoops.Unary<TOperator>(X + start, Y + start, nint.Min(Block, Elements - start));
        }
    }

    private struct BinaryWork<TOperator> : IParallelWork
        where TOperator : struct, IBinaryOperator
    {
        public float* X;
        public float* Y;
        public float* Z;
        public nint Elements;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * Block;
            ElementwiseLoops.Binary<TOperator>(X + start, Y + start, Z + start, nint.Min(Block, Elements - start));
        }
    }

    private struct BinaryScalarWork<TOperator> : IParallelWork
        where TOperator : struct, IBinaryOperator
    {
        public float* X;
        public float* Z;
        public nint Elements;
        public float Scalar;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * Block;
            ElementwiseLoops.BinaryScalar<TOperator>(X + start, Scalar, Z + start, nint.Min(Block, Elements - start));
        }
    }

    private struct TernaryWork<TOperator> : IParallelWork
        where TOperator : struct, ITernaryOperator
    {
        public float* X;
        public float* Y;
        public float* Z;
        public float* W;
        public nint Elements;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * Block;
            ElementwiseLoops.Ternary<TOperator>(X + start, Y + start, Z + start, W + start, nint.Min(Block, Elements - start));
        }
    }

    private struct TernaryScalarWork<TOperator> : IParallelWork
        where TOperator : struct, ITernaryOperator
    {
        public float* X;
        public float* Y;
        public float* W;
        public nint Elements;
        public float Scalar;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * Block;
            ElementwiseLoops.TernaryScalar<TOperator>(X + start, Y + start, Scalar, W + start, nint.Min(Block, Elements - start));
        }
    }
}
