using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.MatrixProduct;

[Trait("Category", "Kernel")]
public sealed class GemmTests : IDisposable
{
    private readonly WorkerPool _pool = new(2);

    public static TheoryData<DType, bool, DType, bool> Operands
    {
        get
        {
            var data = new TheoryData<DType, bool, DType, bool>();
            foreach (DType a in (DType[])[DType.F32, DType.BF16, DType.F16])
                foreach (DType b in (DType[])[DType.F32, DType.BF16, DType.F16])
                    for (int form = 0; form < 4; form++) data.Add(a, (form & 1) != 0, b, (form & 2) != 0);
            return data;
        }
    }

    public void Dispose() => _pool.Dispose();

    [Theory]
    [MemberData(nameof(Operands))]
    public void Every_form_and_type_agrees_with_float64(DType aType, bool aTransposed, DType bType, bool bTransposed)
    {
        (nint M, nint N, nint K)[] sizes = [(1, 1, 1), (3, 37, 19), (13, 33, 17), (25, 67, 70), (97, 101, 35), (5, 8, 300)];
        foreach ((nint m, nint n, nint k) in sizes)
            foreach (int pad in (int[])[0, 3])
            {
                using var product = new ProductCase(m, n, k, aType, aTransposed, bType, bTransposed, pad);
                product.Check(_pool, accumulate: false);
                product.Check(_pool, accumulate: true);
                product.CheckBlock(accumulate: false, split: k / 3);
                product.CheckBlock(accumulate: true, split: k);
            }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Every_small_size_agrees_with_float64(bool aTransposed, bool bTransposed)
    {
        for (nint m = 0; m <= 33; m++)
            for (nint n = 0; n <= 33; n += m % 3 == 0 ? 1 : 4)
            {
                nint k = ((m * 7) + (n * 5)) % 34;
                using var product = new ProductCase(m, n, k, DType.F32, aTransposed, DType.F32, bTransposed, pad: (int)(n & 1));
                product.Check(_pool, accumulate: (m & 1) != 0);
            }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Products_of_several_blocks_agree_with_float64(int form)
    {
        // More than one block in each direction in turn, with ragged last blocks.
        (nint M, nint N, nint K)[] sizes = [(1100, 35, 9), (19, 2310, 11), (50, 70, 1030), (540, 100, 530)];
        foreach ((nint m, nint n, nint k) in sizes)
        {
            using var product = new ProductCase(m, n, k, DType.F32, (form & 1) != 0, DType.BF16, (form & 2) != 0, pad: 1);
            product.Check(_pool, accumulate: form > 1);
        }
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        (nint M, nint N, nint K)[] sizes = [(301, 283, 555), (1101, 65, 260), (2, 1030, 700), (4, 515, 1111)];
        using var one = new WorkerPool(1);
        using var three = new WorkerPool(3);
        foreach ((nint m, nint n, nint k) in sizes)
        {
            using var product = new ProductCase(m, n, k, DType.F32, false, DType.F32, true);
            float[] expected = product.Check(one, accumulate: true);
            Assert.Equal(expected, product.Check(_pool, accumulate: true));
            Assert.Equal(expected, product.Check(three, accumulate: true));
        }
    }

    [Fact]
    public unsafe void Half_precision_specials_survive_packing()
    {
        ushort[] bits = new ushort[65536];
        for (int i = 0; i < bits.Length; i++) bits[i] = (ushort)i;
        using var packed = new GuardedBuffer(GemmBlock.PackedBBytes(1, bits.Length));
        fixed (ushort* data = bits)
            GemmBlock.PackB(new MatrixOperand(data, DType.F16, bits.Length, transposed: false), 0, 1, 0, bits.Length, (float*)packed.Data);
        for (int i = 0; i < bits.Length; i++)
        {
            float want = (float)BitConverter.UInt16BitsToHalf((ushort)i), got = ((float*)packed.Data)[i];
            Assert.True(want.Equals(got) && float.IsNegative(want) == float.IsNegative(got), $"{i:X4}: {got}, want {want}");
        }
    }

    [Fact]
    public unsafe void Nothing_to_sum_keeps_or_clears_the_result()
    {
        float[] c = [1, 2, 3, 4];
        fixed (float* start = c)
        {
            var none = new MatrixOperand(null, DType.F32, 0, transposed: false);
            Gemm.Multiply(_pool, none, none, start, 2, 2, 1, 0, accumulate: true, null);
            Assert.Equal([1, 2, 3, 4], c);
            Gemm.Multiply(_pool, none, none, start, 2, 2, 1, 0, accumulate: false, null);
            Assert.Equal([0, 2, 0, 4], c);
            Gemm.Multiply(_pool, none, none, start, 2, 0, 1, 5, accumulate: false, null);
            Assert.Equal([0, 2, 0, 4], c);
        }
    }

    [Fact]
    public unsafe void Factors_that_are_not_floating_are_refused()
    {
        Assert.Throws<NotSupportedException>(() => Gemm.Multiply(
            _pool, new MatrixOperand(null, DType.I32, 1, false), new MatrixOperand(null, DType.F32, 1, false), null, 1, 1, 1, 1, false, null));
    }

    [Fact]
    public void Workspace_stays_small()
    {
        Assert.InRange(Gemm.WorkspaceBytes(100_000, 100_000, 100_000, 64), 1, 6 << 20);
        Assert.InRange(Gemm.WorkspaceBytes(10, 10, 10, 2), 1, 64 << 10);
        Assert.Equal(0, Gemm.WorkspaceBytes(0, 10, 10, 2));
    }

    [Fact]
    public unsafe void A_product_allocates_nothing()
    {
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)Gemm.WorkspaceBytes(64, 64, 64, 2) + (3 * 64 * 64 * 4), 64);
        float* a = (float*)memory, b = a + (64 * 64), c = b + (64 * 64);
        new Span<float>(a, 3 * 64 * 64).Clear();
        // A collection on another thread may end this thread's share of the heap, which counts as allocated; not in every run.
        long least = long.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Gemm.Multiply(_pool, new(a, DType.F32, 64, false), new(b, DType.F32, 64, true), c, 64, 64, 64, 64, false, (byte*)(c + (64 * 64)));
            least = long.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        NativeMemory.AlignedFree(memory);
    }
}
