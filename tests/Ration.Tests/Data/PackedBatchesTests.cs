using Ration.Data;
using Ration.Memory;
using Ration.Tests.Files;
using Ration.Tokenizers;

namespace Ration.Tests.Data;

public sealed class PackedBatchesTests
{
    [Fact]
    public void In_every_epoch_each_training_token_is_an_input_once_but_for_less_than_a_row()
    {
        foreach ((int count, int sequence) in ((int, int)[])[(2, 1), (100, 1), (101, 7), (98, 7), (1000, 33), (34, 33), (2000, 999)])
        {
            var batches = new PackedBatches(Source(count, documentLength: count), sequence, seed: 3, heldOut: 0);
            Assert.Equal(count / sequence, batches.RowsPerEpoch);
            var cuts = new HashSet<string>();
            for (int epoch = 0; epoch < 5; epoch++)
            {
                var seen = new HashSet<int>();
                for (int i = 0; i < batches.RowsPerEpoch; i++)
                {
                    Row row = Train(batches, (epoch * batches.RowsPerEpoch) + i);
                    foreach (int token in row.Inputs) Assert.True(seen.Add(token));
                    if (i == 0) cuts.Add(string.Join(' ', row.Inputs));
                }

                Assert.InRange(count - seen.Count, 0, sequence - 1);
            }

            if (count > 50) Assert.True(cuts.Count > 1, $"{count} tokens in rows of {sequence}: every epoch begins alike");
        }
    }

    [Fact]
    public void Nothing_of_the_tail_is_ever_trained_on_and_all_of_it_is_evaluated_in_order()
    {
        foreach (double heldOut in (double[])[0.05, 0.1, 0.5])
        {
            foreach (int sequence in (int[])[1, 8, 13, 40])
            {
                var batches = new PackedBatches(Source(997, documentLength: 997), sequence, seed: 1, heldOut);
                Assert.Equal((long)(997 * heldOut), batches.EvaluationTokens);
                Assert.Equal(997, batches.TrainingTokens + batches.EvaluationTokens);
                for (long i = 0; i < 4 * batches.RowsPerEpoch; i++)
                {
                    Row row = Train(batches, i);
                    Assert.All(row.Inputs.Concat(row.Targets), t => Assert.True(t < batches.TrainingTokens));
                }

                var rows = Enumerable.Range(0, (int)batches.EvaluationRows).Select(i => Evaluate(batches, i)).ToList();
                int first = (int)batches.TrainingTokens;
                Assert.Equal(Enumerable.Range(first + 1, 996 - first), rows.SelectMany(r => r.Targets).Where(t => t >= 0));
                Assert.Equal(Enumerable.Range(first, 996 - first), rows.SelectMany(r => r.Inputs.Where((_, t) => r.Targets[t] >= 0)));
                Assert.Equal(996 - first, rows.Sum(r => r.Valid));
            }
        }
    }

    [Fact]
    public void Targets_positions_and_key_ranges_follow_the_documents()
    {
        var random = new Random(11);
        for (int round = 0; round < 60; round++)
        {
            int count = random.Next(40, 400);
            bool[] starts = [.. Enumerable.Range(0, count).Select(i => i == 0 || random.Next(6) == 0)];
            var source = new MarkedSource(starts);
            var batches = new PackedBatches(source, random.Next(1, 20), (ulong)round, heldOut: 0.3);
            for (int i = 0; i < 2 * batches.RowsPerEpoch; i++) Check(Train(batches, i), starts, (int)batches.TrainingTokens, isRing: true);
            for (int i = 0; i < batches.EvaluationRows; i++) Check(Evaluate(batches, i), starts, count, isRing: false);
        }
    }

    [Fact]
    public void A_row_depends_on_its_number_and_the_seed_alone()
    {
        MarkedSource source = Source(5000, documentLength: 37);
        var one = new PackedBatches(source, 64, seed: 9);
        var same = new PackedBatches(source, 64, seed: 9);
        var other = new PackedBatches(source, 64, seed: 10);
        Row[] forwards = [.. Enumerable.Range(0, 200).Select(i => Train(one, i))];
        int different = 0;
        for (int i = 199; i >= 0; i--)
        {
            Assert.Equal(forwards[i].Inputs, Train(same, i).Inputs);
            different += forwards[i].Inputs.SequenceEqual(Train(other, i).Inputs) ? 0 : 1;
        }

        Assert.InRange(different, 190, 200);
    }

    [Fact]
    public void Rows_come_in_another_order_than_the_text()
    {
        var batches = new PackedBatches(Source(64_001, documentLength: 64_001), 64, seed: 2, heldOut: 0);
        int[] firsts = [.. Enumerable.Range(0, 1000).Select(i => Train(batches, i).Inputs[0])];
        int ascending = firsts.Zip(firsts.Skip(1)).Count(p => p.Second > p.First);
        Assert.InRange(ascending, 400, 600);
    }

    [Fact]
    public void A_padded_row_ignores_its_padding()
    {
        var batches = new PackedBatches(Source(25, documentLength: 25), 10, seed: 1, heldOut: 1);
        Assert.Equal((0, 3), (batches.RowsPerEpoch, batches.EvaluationRows));
        Row last = Evaluate(batches, 2);
        Assert.Equal([20, 21, 22, 23, 24, 0, 0, 0, 0, 0], last.Inputs);
        Assert.Equal([21, 22, 23, 24, -1, -1, -1, -1, -1, -1], last.Targets);
        Assert.Equal([0, 1, 2, 3, 4, 0, 0, 0, 0, 0], last.Positions);
        Assert.Equal([0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9], last.KeyRanges);
        Assert.Equal(4, last.Valid);
        Assert.Throws<ArgumentOutOfRangeException>(() => Evaluate(batches, 3));
        Assert.Throws<InvalidOperationException>(() => Train(batches, 0));
    }

    [Fact]
    public void Too_few_tokens_are_an_input_error_that_names_both_numbers()
    {
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => new PackedBatches(Source(300, 300), 512, seed: 1));
        Assert.Contains("512", error.Message, StringComparison.Ordinal);
        Assert.Contains("270", error.Message, StringComparison.Ordinal);
        Assert.Contains("at most 269", error.Message, StringComparison.Ordinal);
        Assert.NotNull(new PackedBatches(Source(300, 300), 269, seed: 1));
        Assert.Throws<InvalidInputException>(() => new PackedBatches(Source(300, 300), 270, seed: 1));
        Assert.Throws<InvalidInputException>(() => new PackedBatches(Source(1, 1), 1, seed: 1, heldOut: 0));
        Assert.Throws<InvalidInputException>(() => new PackedBatches(Source(0, 1), 1, seed: 1));
        Assert.Throws<InvalidInputException>(() => new PackedBatches(Source(1, 1), 1, seed: 1, heldOut: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PackedBatches(Source(300, 300), 8, seed: 1, heldOut: double.NaN));
        Assert.Equal(0, new PackedBatches(Source(15, 15), 4, seed: 1).EvaluationRows);
    }

    [Fact]
    public void Spans_of_another_length_are_refused()
    {
        var batches = new PackedBatches(Source(300, 300), 8, seed: 1);
        Assert.Throws<ArgumentException>(() => batches.Fill(0, new int[7], new int[8], new int[8], new int[16]));
        Assert.Throws<ArgumentException>(() => batches.Fill(0, new int[8], new int[9], new int[8], new int[16]));
        Assert.Throws<ArgumentException>(() => batches.Fill(0, new int[8], new int[8], new int[8], new int[8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => batches.Fill(-1, new int[8], new int[8], new int[8], new int[16]));
    }

    [Fact]
    public void Trillions_of_tokens_take_no_memory_and_no_time()
    {
        var batches = new PackedBatches(new EndlessSource(5_000_000_000_000), 1024, seed: 4);
        int[] inputs = new int[1024], targets = new int[1024], positions = new int[1024], keyRanges = new int[2048];
        for (long i = 0; i < 2000; i++) batches.Fill(i * 1_000_003, inputs, targets, positions, keyRanges);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int valid = 0;
        for (long i = 0; i < 1000; i++)
        {
            valid += batches.Fill(i * 1_000_003, inputs, targets, positions, keyRanges);
            valid += batches.FillEvaluation(i * 1_000_003 % batches.EvaluationRows, inputs, targets, positions, keyRanges);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(valid, 2000 * 1023, 2000 * 1024);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public void Rows_of_a_store_allocate_nothing(long limit)
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.txt", new string('x', 50_000));
        using var store = TokenStore.Create(TextCorpus.Open(folder.Path), new ByteTokenizer(), new ByteSize(limit),
            cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(limit == 0, store.IsSpooled);
        var batches = new PackedBatches(store, 128, seed: 4);
        int[] inputs = new int[128], targets = new int[128], positions = new int[128], keyRanges = new int[256];
        for (int i = 0; i < 100; i++) batches.Fill(i, inputs, targets, positions, keyRanges);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) batches.Fill(i, inputs, targets, positions, keyRanges);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // Tokens are their own indices, so a row tells where it was cut.
    private static void Check(Row row, bool[] starts, int end, bool isRing)
    {
        int valid = 0;
        int first = 0;
        for (int t = 0; t < row.Inputs.Length; t++)
        {
            int index = row.Inputs[t];
            bool isPadding = t > 0 && index == 0 && !isRing;
            if (starts[index] || isPadding) first = t;
            int next = index + 1 == end ? (isRing ? 0 : -1) : index + 1;
            bool hasTarget = !isPadding && next >= 0 && !starts[next];
            if (t + 1 < row.Inputs.Length && hasTarget) Assert.Equal(next, row.Inputs[t + 1]);
            Assert.Equal(hasTarget ? next : PackedBatches.IgnoredTarget, row.Targets[t]);
            Assert.Equal(t - first, row.Positions[t]);
            Assert.Equal((first, t), (row.KeyRanges[2 * t], row.KeyRanges[(2 * t) + 1]));
            valid += hasTarget ? 1 : 0;
        }

        Assert.Equal(valid, row.Valid);
    }

    private static MarkedSource Source(int count, int documentLength) =>
        new([.. Enumerable.Range(0, count).Select(i => i % documentLength == 0)]);

    private static Row Train(PackedBatches batches, long row) => Make(batches.Sequence, (i, t, p, k) => batches.Fill(row, i, t, p, k));

    private static Row Evaluate(PackedBatches batches, long row) =>
        Make(batches.Sequence, (i, t, p, k) => batches.FillEvaluation(row, i, t, p, k));

    private static Row Make(int sequence, Func<int[], int[], int[], int[], int> fill)
    {
        var row = new Row(new int[sequence], new int[sequence], new int[sequence], new int[2 * sequence], 0);
        foreach (int[] array in (int[][])[row.Inputs, row.Targets, row.Positions, row.KeyRanges]) Array.Fill(array, -999);
        return row with { Valid = fill(row.Inputs, row.Targets, row.Positions, row.KeyRanges) };
    }

    private sealed record Row(int[] Inputs, int[] Targets, int[] Positions, int[] KeyRanges, int Valid);

    private sealed class MarkedSource(bool[] starts) : ITokenSource
    {
        public long Count => starts.Length;

        public void Read(long start, Span<int> tokens)
        {
            for (int i = 0; i < tokens.Length; i++)
            {
                long index = start + i;
                tokens[i] = (int)index | (starts[index] ? ITokenSource.DocumentStart : 0);
            }
        }
    }

    private sealed class EndlessSource(long count) : ITokenSource
    {
        public long Count => count;

        public void Read(long start, Span<int> tokens)
        {
            if (start < 0 || start > count - tokens.Length) throw new ArgumentOutOfRangeException(nameof(start));
            tokens.Fill(7);
        }
    }
}
