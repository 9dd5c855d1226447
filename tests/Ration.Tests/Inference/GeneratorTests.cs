using Ration.Inference;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Inference;

/// <summary>However a text is fed, the model says the same.</summary>
public sealed class GeneratorTests
{
    public static TheoryData<DType, int, double> Caches => new()
    {
        // Cache, window, how far F32 without a window is from it at the most.
        { DType.F32, 0, 1e-5 }, { DType.F16, 0, 1e-3 }, { DType.BF16, 0, 8e-3 }, { DType.Q8_0, 0, 1e-2 },
        { DType.F32, 40, 1e-5 }, { DType.F16, 40, 1e-3 }, { DType.Q8_0, 40, 1e-2 },
    };

    [Theory]
    [MemberData(nameof(Caches))]
    public void Single_tokens_and_chunks_agree_in_every_format(DType cache, int window, double tolerance)
    {
        ModelConfiguration model = SmallModels.Model(window);
        int[] text = SmallModels.Text(307);
        float[] exact = Feed(SmallModels.Options(model, 307), text, 307);
        float[] single = Feed(SmallModels.Options(model, 307, cache, chunk: 1), text, 1);
        Assert.True(SmallModels.Distance(single, exact) <= tolerance, $"{cache} is {SmallModels.Distance(single, exact)} from F32");
        foreach ((int chunk, int piece) in ((int, int)[])[(512, 307), (128, 307), (32, 50), (8, 3), (512, 7)])
        {
            float[] chunked = Feed(SmallModels.Options(model, 307, cache, chunk: chunk), text, piece);

            // Which way a last bit falls can move a stored number by a whole step.
            double allowed = cache == DType.F32 ? 1e-5 : tolerance / 4;
            Assert.True(SmallModels.Distance(chunked, single) <= allowed, $"{cache} in chunks of {chunk}: {SmallModels.Distance(chunked, single)}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(33)]
    public void Every_text_of_a_batch_equals_its_single_run(int window)
    {
        ModelConfiguration model = SmallModels.Model(window);
        int[] lengths = [5, 290, 64, 1];
        using Generator batch = SmallModels.Open(SmallModels.Options(model, 300, rows: 4));
        batch.PutAll([.. lengths.Select(static (n, row) => SmallModels.Text(n, row))]);
        for (int step = 0; step < 3; step++)
        {
            for (int row = 0; row < 4; row++)
            {
                Assert.Equal(lengths[row] + Fed(row, step), batch.PositionOf(row));
                using Generator alone = SmallModels.Open(SmallModels.Options(model, 300));
                float[] expected = alone.Put([.. SmallModels.Text(lengths[row], row), .. Enumerable.Repeat(17 + row, Fed(row, step))]).ToArray();
                double distance = SmallModels.Distance(batch.LogitsOf(row), expected);
                Assert.True(distance <= 1e-5, $"text {row}, step {step}: {distance}");
            }

            // The third text waits every other time.
            batch.PutAll([.. Enumerable.Range(0, 4).Select(row => row == 2 && step % 2 == 0 ? Array.Empty<int>() : [17 + row])]);
        }

        static int Fed(int row, int step) => row == 2 ? step / 2 : step;
    }

    [Fact]
    public void A_batch_is_the_same_for_any_number_of_threads()
    {
        ModelConfiguration model = SmallModels.Model(40);
        float[][] all = new float[3][];
        for (int threads = 1; threads <= 3; threads++)
        {
            using Generator generator = SmallModels.Open(SmallModels.Options(model, 300, DType.F16, rows: 2), threads);
            generator.PutAll(SmallModels.Text(290, 1), SmallModels.Text(150, 2));
            generator.PutAll(SmallModels.Text(1, 1), SmallModels.Text(2, 2));
            all[threads - 1] = [.. generator.LogitsOf(0), .. generator.LogitsOf(1)];
        }

        Assert.Equal(all[0], all[1]);
        Assert.Equal(all[0], all[2]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    public void The_next_turn_computes_only_what_is_new(int window)
    {
        ModelConfiguration model = SmallModels.Model(window);
        int[] text = SmallModels.Text(400);
        using Generator chat = SmallModels.Open(SmallModels.Options(model, 500));
        _ = chat.Put(text.AsSpan(0, 200));
        int[] changed = [.. text[..180], .. SmallModels.Text(100, 9)];
        float[] expected = Feed(SmallModels.Options(model, 500), changed, 280);
        float[] actual = chat.GoOn(changed).ToArray();
        Assert.Equal(280, chat.Position);
        Assert.Equal(changed, chat.TextOf(0).ToArray());
        Assert.True(SmallModels.Distance(actual, expected) <= 1e-5);

        // The whole text again: only its last token is computed.
        Assert.True(SmallModels.Distance(chat.GoOn(changed), expected) <= 1e-5);

        // Far back, where a window's cache has gone round.
        int[] early = [.. text[..5], .. SmallModels.Text(60, 10)];
        Assert.True(SmallModels.Distance(chat.GoOn(early), Feed(SmallModels.Options(model, 500), early, 65)) <= 1e-5);
    }

    [Fact]
    public void A_cache_that_went_round_says_what_is_lost()
    {
        using Generator generator = SmallModels.Open(SmallModels.Options(SmallModels.Model(30), 1000, chunk: 8));
        _ = generator.Put(SmallModels.Text(900));
        Assert.True(generator.Plan.Programs.Single.Graph.Persistent.Where(static v => v.Kind == Ration.Memory.MemoryKind.KvCache).All(static v => v.Shape[1] == 128));
        Assert.Equal(850, generator.Truncate(0, 850));
        Assert.Equal(0, generator.Truncate(0, 700));
    }

    [Fact]
    public void A_reset_forgets_everything()
    {
        using Generator generator = SmallModels.Open(SmallModels.Options(SmallModels.Model(20), 400));
        float[] first = generator.Put(SmallModels.Text(350)).ToArray();
        generator.Reset();
        Assert.Equal(0, generator.Position);
        Assert.Equal(first, generator.Put(SmallModels.Text(350)).ToArray());
    }

    [Fact]
    public void Feeding_can_be_cancelled_between_chunks_and_goes_on_where_it_was()
    {
        using Generator generator = SmallModels.Open(SmallModels.Options(SmallModels.Model(), 100, chunk: 8));
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => generator.Feed(SmallModels.Text(50), source.Token));
        Assert.Equal(0, generator.Position);
        int[] text = SmallModels.Text(50);
        float[] logits = generator.GoOn(text).ToArray();
        Assert.True(SmallModels.Distance(logits, Feed(SmallModels.Options(SmallModels.Model(), 100), text, 50)) <= 1e-5);
    }

    [Fact]
    public void What_does_not_fit_the_cache_is_refused_and_changes_nothing()
    {
        using Generator generator = SmallModels.Open(SmallModels.Options(SmallModels.Model(), 10));
        _ = generator.Put(SmallModels.Text(7));
        Assert.Throws<InvalidOperationException>(() => generator.Put(SmallModels.Text(4)));
        Assert.Throws<InvalidOperationException>(() => generator.Put([]));
        Assert.Throws<InvalidOperationException>(() => generator.Put([61]));
        Assert.Throws<InvalidOperationException>(() => generator.Put([-1]));
        Assert.Throws<InvalidOperationException>(() => generator.GoOn(SmallModels.Text(11)));
        Assert.Throws<ArgumentOutOfRangeException>(() => generator.Truncate(0, 8));
        Assert.Equal(7, generator.Position);
        _ = generator.Put(SmallModels.Text(3));
    }

    [Fact]
    public void Feeding_allocates_nothing()
    {
        using Generator generator = SmallModels.Open(SmallModels.Options(SmallModels.Model(), 2000, DType.F16));
        int[] text = SmallModels.Text(45);
        for (int i = 0; i < 3; i++)
        {
            _ = generator.Put(text);
            _ = generator.Put(text.AsSpan(0, 1));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = generator.Put(text);
        for (int i = 0; i < 10; i++) _ = generator.Put(text.AsSpan(0, 1));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Weights_may_be_stored_in_other_formats()
    {
        ModelConfiguration model = SmallModels.Model();
        int[] text = SmallModels.Text(40);
        float[] exact = Feed(SmallModels.Options(model, 50), text, 40);
        using Generator half = new(GenerationPlan.Create(SmallModels.Options(model, 50) with { WeightType = DType.BF16 }, new Ration.Devices.Cpu.CpuDevice(2)));
        using Generator full = SmallModels.Open(SmallModels.Options(model, 50));
        Dictionary<string, Ration.Graphs.Value> sources = full.Weights.ToDictionary(static w => w.Name);
        foreach (Ration.Graphs.Value weight in half.Weights)
        {
            byte[] bytes = new byte[sources[weight.Name].Bytes];
            full.Executor.ReadPersistent(sources[weight.Name], 0, bytes);
            Assert.Equal(weight.Shape.Rank >= 2 ? DType.BF16 : DType.F32, weight.DType);
            if (weight.DType == DType.BF16) bytes = Graphs.Reference.Storage.Encode(Graphs.Reference.Storage.Decode(bytes, DType.F32), DType.BF16);
            half.Executor.WritePersistent(weight, 0, bytes);
        }

        double distance = SmallModels.Distance(half.Put(text), exact);
        Assert.InRange(distance, 1e-6, 1e-2);
    }

    private static float[] Feed(GenerationOptions options, int[] text, int piece)
    {
        using Generator generator = SmallModels.Open(options);
        for (int start = 0; start < text.Length; start += piece) _ = generator.Put(text.AsSpan(start, Math.Min(piece, text.Length - start)));
        return generator.LogitsOf(0).ToArray();
    }
}
