using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.MatrixProduct;

/// <summary>One product with random factors in guarded memory, its float64 truth, and a result framed by canaries.</summary>
internal sealed unsafe class ProductCase : IDisposable
{
    private const float Canary = 12345f;
    private const int Frame = 19;
    private readonly GuardedBuffer _a;
    private readonly GuardedBuffer _b;
    private readonly float[] _initial;
    private readonly double[] _truth;
    private readonly double[] _magnitude;

    public ProductCase(nint m, nint n, nint k, DType aType, bool aTransposed, DType bType, bool bTransposed, int pad = 0, int seed = 1)
    {
        (M, N, K) = (m, n, k);
        var random = new Random(seed);
        _a = Fill(aTransposed ? k : m, aTransposed ? m : k, pad, aType, random);
        _b = Fill(bTransposed ? n : k, bTransposed ? k : n, pad, bType, random);
        A = new MatrixOperand(_a.Data, aType, (aTransposed ? m : k) + pad, aTransposed);
        B = new MatrixOperand(_b.Data, bType, (bTransposed ? k : n) + pad, bTransposed);
        CStride = n + pad;
        _initial = new float[m * n];
        foreach (ref float value in _initial.AsSpan()) value = random.NextSingle() - 0.5f;
        (_truth, _magnitude) = Reference();
    }

    public nint M { get; }

    public nint N { get; }

    public nint K { get; }

    public nint CStride { get; }

    public MatrixOperand A { get; }

    public MatrixOperand B { get; }

    /// <summary>Runs the product and checks result, canaries and workspace; returns the result's bits.</summary>
    public float[] Check(WorkerPool pool, bool accumulate)
    {
        long bytes = Gemm.WorkspaceBytes(M, N, K, pool.Threads);
        byte* workspace = (byte*)NativeMemory.AlignedAlloc((nuint)bytes + 64, 64);
        new Span<byte>(workspace, checked((int)bytes + 64)).Fill(0xFF);
        try
        {
            float[] result = Check(accumulate, c => Gemm.Multiply(pool, A, B, c, CStride, M, N, K, accumulate, workspace));
            Assert.False(new Span<byte>(workspace + bytes, 64).ContainsAnyExcept((byte)0xFF), "wrote past the workspace");
            return result;
        }
        finally
        {
            NativeMemory.AlignedFree(workspace);
        }
    }

    /// <summary>Packs and multiplies on this thread, as other kernels do.</summary>
    public float[] CheckBlock(bool accumulate, nint split)
    {
        using var packedA = new GuardedBuffer(GemmBlock.PackedABytes(M, split) + GemmBlock.PackedABytes(M, K - split));
        using var packedB = new GuardedBuffer(GemmBlock.PackedBBytes(split, N) + GemmBlock.PackedBBytes(K - split, N));
        nint secondA = GemmBlock.PackedABytes(M, split), secondB = GemmBlock.PackedBBytes(split, N);
        return Check(accumulate, c =>
        {
            float* a = (float*)packedA.Data, b = (float*)packedB.Data;
            GemmBlock.PackA(A, 0, M, 0, split, a);
            GemmBlock.PackB(B, 0, split, 0, N, b);
            GemmBlock.Multiply(a, b, c, CStride, M, N, split, accumulate);
            GemmBlock.PackA(A, 0, M, split, K - split, (float*)(packedA.Data + secondA));
            GemmBlock.PackB(B, split, K - split, 0, N, (float*)(packedB.Data + secondB));
            GemmBlock.Multiply((float*)(packedA.Data + secondA), (float*)(packedB.Data + secondB), c, CStride, M, N, K - split, true);
        });
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    private delegate void Product(float* c);

    private float[] Check(bool accumulate, Product product)
    {
        var framed = new float[(2 * Frame) + (M * CStride)];
        Array.Fill(framed, Canary);
        for (nint i = 0; i < M; i++)
            for (nint j = 0; j < N; j++) framed[Frame + (i * CStride) + j] = accumulate ? _initial[(i * N) + j] : float.NaN;
        fixed (float* start = framed) product(start + Frame);
        var result = new float[M * N];
        for (nint i = 0; i < M; i++)
            for (nint j = 0; j < N; j++)
            {
                ref float value = ref framed[Frame + (i * CStride) + j];
                nint at = (i * N) + j;
                double truth = _truth[at] + (accumulate ? _initial[at] : 0);
                double allowed = double.ScaleB(8 + (2 * Math.Sqrt(K)), -24) * (_magnitude[at] + (accumulate ? Math.Abs(_initial[at]) : 0));
                Assert.True(Math.Abs(value - truth) <= allowed, $"[{M},{N},{K}] at {i},{j}: {value}, want {truth} ± {allowed}");
                result[at] = value;
                value = Canary;
            }

        Assert.False(framed.AsSpan().ContainsAnyExcept(Canary), $"[{M},{N},{K}]: wrote outside the result");
        return result;
    }

    private static GuardedBuffer Fill(nint rows, nint columns, int pad, DType type, Random random)
    {
        nint count = rows == 0 || columns == 0 ? 0 : ((rows - 1) * (columns + pad)) + columns;
        var buffer = new GuardedBuffer(count * type.Bytes());
        for (nint i = 0; i < count; i++)
        {
            float value = (random.NextSingle() * 2) - 1;
            if (i % (columns + pad) >= columns) value = float.NaN;
            if (type == DType.F32) ((float*)buffer.Data)[i] = value;
            else if (type == DType.F16) ((Half*)buffer.Data)[i] = (Half)value;
            else ((ushort*)buffer.Data)[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        }

        return buffer;
    }

    private static double Read(in MatrixOperand operand, nint row, nint column)
    {
        nint at = operand.Transposed ? (column * operand.RowStride) + row : (row * operand.RowStride) + column;
        return operand.Type switch
        {
            DType.F32 => ((float*)operand.Data)[at],
            DType.F16 => (double)((Half*)operand.Data)[at],
            _ => BitConverter.UInt32BitsToSingle((uint)((ushort*)operand.Data)[at] << 16),
        };
    }

    private (double[] Truth, double[] Magnitude) Reference()
    {
        var truth = new double[M * N];
        var magnitude = new double[M * N];
        for (nint i = 0; i < M; i++)
            for (nint d = 0; d < K; d++)
            {
                double a = Read(A, i, d);
                for (nint j = 0; j < N; j++)
                {
                    double product = a * Read(B, d, j);
                    truth[(i * N) + j] += product;
                    magnitude[(i * N) + j] += Math.Abs(product);
                }
            }

        return (truth, magnitude);
    }
}
