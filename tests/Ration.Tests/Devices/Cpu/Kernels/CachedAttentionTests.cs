using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Tensors;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>Attention over keys and values as caches store them, against the formula on the numbers that are stored.</summary>
[Trait("Category", "Kernel")]
public sealed unsafe class CachedAttentionTests
{
    public static TheoryData<DType, int, int, int, int, int, int> Cases
    {
        get
        {
            TheoryData<DType, int, int, int, int, int, int> data = [];
            foreach (DType type in (DType[])[DType.F32, DType.F16, DType.BF16, DType.Q8_0])
            {
                // rows, queries, keys, heads, kvHeads, headDimension
                foreach ((int rows, int queries, int keys, int heads, int kvHeads, int d) in ((int, int, int, int, int, int)[])
                    [(1, 1, 1, 1, 1, 32), (2, 1, 300, 6, 2, 64), (1, 1, 1000, 5, 5, 32), (1, 2, 129, 3, 1, 96), (3, 4, 128, 8, 2, 128), (1, 1, 517, 7, 1, 160),
                        (2, 40, 300, 4, 2, 64), (1, 5, 700, 2, 1, 32)])
                    data.Add(type, rows, queries, keys, heads, kvHeads, d);
                if (type == DType.Q8_0) continue;
                data.Add(type, 1, 1, 200, 3, 1, 7);
                data.Add(type, 2, 3, 150, 4, 2, 20);
                data.Add(type, 1, 9, 150, 4, 2, 17);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Output_and_log_sum_exp_agree_with_the_formula(DType type, int rows, int queries, int keys, int heads, int kvHeads, int d)
    {
        foreach ((nint window, float cap, Sight sight) in ((nint, float, Sight)[])[(0, 0, Sight.Causal), (20, 0, Sight.Documents), (0, 3, Sight.LateStart)])
        {
            AttentionShape shape = Shape(rows, queries, keys, heads, kvHeads, d) with { Window = window, SoftCap = cap, KeyType = type };
            Compare(shape, keys, new AttentionCase(shape with { KeyType = DType.F32 }, sight, 1));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Keys_that_go_round_are_the_same_keys(DType type, int rows, int queries, int keys, int heads, int kvHeads, int d)
    {
        foreach (int window in (int[])[1, 64, 100])
        {
            int capacity = (window + queries - 1 + 127) / 128 * 128;
            AttentionShape straight = Shape(rows, queries, keys, heads, kvHeads, d) with { Window = window };
            Compare(straight with { Keys = capacity, KeyType = type, Ring = true }, keys, new AttentionCase(straight, Sight.Causal, 2));
        }
    }

    [Fact]
    public void A_row_does_not_depend_on_the_rows_beside_it()
    {
        AttentionShape both = Shape(2, 1, 400, 4, 2, 64) with { KeyType = DType.F16 }, one = both with { Rows = 1 };
        AttentionCase all = new(both with { KeyType = DType.F32 }, Sight.Causal, 3), first = new(one with { KeyType = DType.F32 }, Sight.Causal, 3);
        all.Ranges[1] = first.Ranges[1] = 90;
        all.Q.AsSpan(0, first.Q.Length).CopyTo(first.Q);
        all.K.AsSpan(0, first.K.Length).CopyTo(first.K);
        all.V.AsSpan(0, first.V.Length).CopyTo(first.V);
        float[] together = Compare(both, 400, all), alone = Compare(one, 400, first);
        Check.Same(alone, together.AsSpan(0, alone.Length));
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

    // The case has keys 0 … keys − 1; a cache that goes round holds the last of them.
    private static float[] Compare(AttentionShape shape, int keys, AttentionCase one)
    {
        byte[] k = Store(shape, keys, one.K), v = Store(shape, keys, one.V);
        using Guarded<float> q = new(one.Q, 1);
        using Guarded<byte> cachedKeys = new(k, 2), cachedValues = new(v, 6);
        using Guarded<int> ranges = new(one.Ranges);
        (double[] output, double[] logSumExp, _, _, _) = one.Truth();
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using WorkerPool pool = new(threads);
            using Guarded<float> y = new(one.DOutput.Length, 5), statistics = new(logSumExp.Length, 1);
            using Guarded<byte> workspace = new((nint)AttentionKernel.ForwardWorkspaceBytes(shape, threads));
            AttentionKernel.Forward(pool, q, cachedKeys, cachedValues, ranges, y, statistics, shape, workspace);
            if (first is not null)
            {
                Check.Same(first, y.Span, "another number of threads");
                continue;
            }

            first = y.ToArray();
            Check.Close(output, y.Span, 6e-6, 1, "output");
            Check.Close(logSumExp, statistics.Span, 6e-6, 1, "log-sum-exp");
        }

        return first!;
    }

    // Stores the numbers, and puts in their place what is read back by definition.
    private static byte[] Store(AttentionShape shape, int keys, float[] values)
    {
        int channels = (int)(shape.KvHeads * shape.HeadDimension), bytes = (int)shape.KeyType.Bytes(channels);
        byte[] cache = new byte[shape.Rows * shape.Keys * bytes];
        for (int row = 0; row < shape.Rows; row++)
        {
            for (int key = 0; key < keys; key++)
            {
                byte[] stored = new byte[bytes];
                int at = ((row * keys) + key) * channels;
                fixed (float* source = values)
                fixed (byte* target = stored) CacheStorage.Store(source + at, target, shape.KeyType, channels);
                double[] back = CacheStorageTests.Decode(stored, shape.KeyType);
                for (int c = 0; c < channels; c++) values[at + c] = (float)back[c];
                stored.CopyTo(cache, ((row * (int)shape.Keys) + (int)shape.Slot(key)) * bytes);
            }
        }

        return cache;
    }
}
