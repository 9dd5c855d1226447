using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class AttentionKernelTests
{
    public static TheoryData<int, int, int, int, int, int, Sight> Cases
    {
        get
        {
            // rows, queries, keys, heads, kvHeads, headDimension, sight
            TheoryData<int, int, int, int, int, int, Sight> data = new()
            {
                { 1, 1, 1, 1, 1, 1, Sight.Causal }, { 2, 1, 100, 4, 2, 16, Sight.Causal }, { 1, 3, 300, 6, 2, 24, Sight.Causal },
                { 2, 4, 9, 2, 1, 8, Sight.LateStart }, { 2, 5, 5, 2, 2, 7, Sight.Causal }, { 3, 33, 33, 3, 1, 33, Sight.Documents },
                { 1, 64, 64, 8, 1, 16, Sight.Causal }, { 1, 97, 97, 4, 4, 64, Sight.Everything },
                { 2, 130, 130, 9, 3, 64, Sight.Documents },
                { 1, 250, 250, 2, 1, 20, Sight.Causal }, { 1, 500, 500, 2, 2, 32, Sight.Causal }, { 1, 241, 600, 7, 1, 12, Sight.Causal },
                { 1, 300, 300, 2, 1, 128, Sight.LateStart }, { 1, 20, 700, 3, 3, 40, Sight.Everything },
                { 1, 600, 600, 2, 2, 8, Sight.Documents },
            };
            for (int queries = 6; queries <= 35; queries++) data.Add(1, queries, queries + (queries % 3), 2, 1, queries % 2 == 0 ? 6 : 17,
                Sight.Causal);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Output_and_log_sum_exp_agree_with_the_formula(int rows, int queries, int keys, int heads, int kvHeads, int d, Sight sight)
    {
        foreach ((nint window, float cap) in ((nint, float)[])[(0, 0), (20, 0), (0, 3)])
            CompareForward(new(Shape(rows, queries, keys, heads, kvHeads, d) with { Window = window, SoftCap = cap }, sight, 1));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_agree_with_the_formula(int rows, int queries, int keys, int heads, int kvHeads, int d, Sight sight)
    {
        foreach ((nint window, float cap) in ((nint, float)[])[(0, 0), (20, 0), (0, 3)])
            CompareBackward(new(Shape(rows, queries, keys, heads, kvHeads, d) with { Window = window, SoftCap = cap }, sight, 1));
    }

    [Fact]
    public void Gradients_of_columns_of_wider_matrices_leave_the_other_columns_alone() =>
        CompareBackward(new(Shape(2, 40, 50, 4, 2, 16) with { QStride = 100, KStride = 77 }, Sight.Causal, 1));

    [Fact]
    public void Queries_and_keys_may_be_columns_of_wider_matrices()
    {
        CompareForward(new(Shape(2, 40, 50, 4, 2, 16) with { QStride = 100, KStride = 77 }, Sight.Causal, 1));
        CompareForward(new(Shape(2, 1, 50, 4, 2, 16) with { QStride = 100, KStride = 77 }, Sight.Causal, 1));
    }

    [Fact]
    public void Large_scores_do_not_overflow()
    {
        AttentionCase one = new(Shape(1, 300, 300, 2, 1, 16), Sight.Causal, 1);
        for (int i = 0; i < one.Q.Length; i++) one.Q[i] *= 100;
        CompareForward(one, 2e-4);
    }

    [Fact]
    public void Keys_that_nobody_sees_may_hold_anything()
    {
        AttentionCase one = new(Shape(1, 40, 90, 2, 1, 16), Sight.Causal, 1);
        for (int i = 0; i < one.Ranges.Length; i++) one.Ranges[i] = i % 2 == 0 ? 0 : 10 + (i / 2);
        for (int i = 50 * 16; i < one.K.Length; i++) one.K[i] = one.V[i] = float.NaN;
        CompareForward(one);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        using WorkerPool pool = new(1);
        Assert.Throws<ArgumentException>(() => AttentionKernel.Forward(pool, null, null, null, null, null, null, Shape(1, 8, 8, 3, 2, 4),
            null));
    }

    private static AttentionShape Shape(int rows, int queries, int keys, int heads, int kvHeads, int d) => new()
    {
        Rows = rows,
        Queries = queries,
        Keys = keys,
        Heads = heads,
        KvHeads = kvHeads,
        HeadDimension = d,
        Scale = 1 / MathF.Sqrt(d),
    };

    private static void CompareForward(AttentionCase one, double tolerance = 5e-6)
    {
        AttentionShape shape = one.Shape;
        using Guarded<float> q = new(one.Q, 1), k = new(one.K, 3), v = new(one.V, 2);
        using Guarded<int> ranges = new(one.Ranges);
        (double[] output, double[] logSumExp, _, _, _) = one.Truth();
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using WorkerPool pool = new(threads);
            using Guarded<float> y = new(one.DOutput.Length, 5), statistics = new(logSumExp.Length, 1);
            using Guarded<byte> workspace = new((nint)AttentionKernel.ForwardWorkspaceBytes(shape, threads));
            AttentionKernel.Forward(pool, q, k, v, ranges, y, statistics, shape, workspace);
            if (first is not null)
            {
                Check.Same(first, y.Span, "another number of threads");
                continue;
            }

            first = y.ToArray();
            Check.Close(output, y.Span, tolerance, 1, "output");
            Check.Close(logSumExp, statistics.Span, tolerance, 1, "log-sum-exp");
        }
    }

    private static void CompareBackward(AttentionCase one)
    {
        AttentionShape shape = one.Shape;
        using Guarded<float> q = new(one.Q, 1), k = new(one.K, 3), v = new(one.V, 2), dy = new(one.DOutput, 1);
        using Guarded<float> y = new(one.DOutput.Length), statistics = new(shape.Rows * shape.Heads * shape.Queries);
        using Guarded<int> ranges = new(one.Ranges);
        (_, _, double[] wantDq, double[] wantDk, double[] wantDv) = one.Truth();
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using WorkerPool pool = new(threads);
            using Guarded<float> dq = new(one.Q.Length, 5), dk = new(one.K.Length, 1), dv = new(one.K.Length, 2);
            using Guarded<byte> forward = new((nint)AttentionKernel.ForwardWorkspaceBytes(shape, threads));
            using Guarded<byte> backward = new((nint)AttentionKernel.BackwardWorkspaceBytes(shape, threads));
            AttentionKernel.Forward(pool, q, k, v, ranges, y, statistics, shape, forward);
            AttentionKernel.Backward(pool, dy, q, k, v, y, statistics, ranges, dq, dk, dv, shape, backward);
            float[] all = [.. dq.Span, .. dk.Span, .. dv.Span];
            if (first is not null)
            {
                Check.Same(first, all, "another number of threads");
                continue;
            }

            first = all;
            Gap(dq.Span, shape.QueryStep, shape.Heads * shape.HeadDimension);
            Gap(dk.Span, shape.KeyStep, shape.KvHeads * shape.HeadDimension);
            Gap(dv.Span, shape.KeyStep, shape.KvHeads * shape.HeadDimension);
            Check.Close(wantDv, dv.Span, 1e-5, 1, "dv");
            Check.Close(wantDq, dq.Span, 1e-5, 1, "dq");
            Check.Close(wantDk, dk.Span, 1e-5, 1, "dk");
        }
    }

    // Columns that belong to others still hold the canary; they are zeroed to compare as the truth has them.
    private static void Gap(Span<float> values, nint step, nint width)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (i % step < width) continue;
            Assert.Equal(0xA5A5A5A5, BitConverter.SingleToUInt32Bits(values[i]));
            values[i] = 0;
        }
    }
}
