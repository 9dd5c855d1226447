using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Training;

/// <summary>Documents that share a row know nothing of each other, and rows weigh what their targets weigh.</summary>
public sealed class PackingTests
{
    private const int First = 7, Second = 9, Third = 3, Sequence = First + Second + Third;

    private static readonly MemoryChoices s_one = new(1, default, false);

    public static TheoryData<string> Kinds => ["rotary", "learned", "windowed"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_token_of_one_document_changes_neither_loss_nor_gradients_of_another(string kind)
    {
        // Only the second document is learned: what changes in the others must not change a bit of any weight.
        (double loss, IDictionary<string, float[]> state) = Train(kind, Only(Packed(Tokens()), First, Second));
        Assert.True(loss > 0);
        foreach (int place in (int[])[0, First - 1, First + Second, Sequence - 1])
        {
            (double other, IDictionary<string, float[]> otherState) = Train(kind, Only(Packed(Changed(place)), First, Second));
            Assert.Equal(loss, other);
            foreach ((string name, float[] elements) in state) Assert.True(elements.AsSpan().SequenceEqual(otherState[name]), $"the token at {place} changes the gradient of {name}");
        }

        // What is not learned of it must matter: the document's own first token.
        Assert.NotEqual(
            Train(kind, Only(Packed(Tokens()), First + 3, Second - 3)).Loss, Train(kind, Only(Packed(Changed(First)), First + 3, Second - 3)).Loss);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_document_has_the_same_loss_wherever_it_lies_in_a_row(string kind)
    {
        int[] tokens = Tokens();
        double packed = Train(kind, Only(Packed(tokens), First, Second)).Loss;
        int[] moved = [.. tokens[First..(First + Second)], .. tokens[..First], .. tokens[(First + Second)..]];
        double atFirst = Train(kind, Only(Packed(moved, Second, First, Third), 0, Second)).Loss;
        Assert.Equal(packed, atFirst, 1e-6 * packed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Micro_batches_of_unequally_many_targets_add_up_to_the_mean_over_targets(int rows)
    {
        TrainingOptions options = TrainingSamples.Options("sgd") with { Steps = 4 };
        PackedBatches data = new(new UnevenTokens(options.Sequence), options.Sequence, options.Seed, heldOut: 0);
        int[] valid = [.. Enumerable.Range(0, options.Rows).Select(
            row => data.Fill(row, new int[options.Sequence], new int[options.Sequence], new int[options.Sequence], new int[2 * options.Sequence]))];
        Assert.True(valid.Min() < valid.Max() / 2, $"rows have {string.Join(", ", valid)} targets");
        float[] whole = Losses(options, data, options.Rows), parts = Losses(options, data, rows);
        for (int i = 0; i < whole.Length; i++) Assert.Equal(whole[i], parts[i], 2e-6 * whole[i]);
    }

    private static float[] Losses(TrainingOptions options, PackedBatches data, int rows)
    {
        using CpuDevice device = new(2);
        using Trainer trainer = new(TrainingSamples.Plan(options, device, choices: new MemoryChoices(rows, default, false)), data);
        trainer.Initialize();
        return [.. Enumerable.Range(0, (int)options.Steps).Select(_ => trainer.Step())];
    }

    private static (double Loss, IDictionary<string, float[]> State) Train(string kind, Batch batch)
    {
        ModelConfiguration model = TrainingSamples.Model with
        {
            Context = 64,
            Positions = kind == "learned" ? PositionKind.Learned : PositionKind.Rotary,
            SlidingWindow = kind == "windowed" ? 4 : 0,
        };
        using CpuDevice device = new(2);
        using StepRunner runner = new(new TrainingStep(model, 1, Sequence, new Sgd(0)), s_one, device);
        return (runner.Step(batch, 0.1), runner.State());
    }

    private static int[] Tokens() => [.. Enumerable.Range(0, Sequence).Select(static i => (i * 31 + 5) % 300)];

    private static int[] Changed(int place)
    {
        int[] tokens = Tokens();
        tokens[place] = 299 - tokens[place];
        return tokens;
    }

    private static Batch Packed(int[] tokens) => Packed(tokens, First, Second, Third);

    private static Batch Packed(int[] tokens, params int[] lengths)
    {
        int[] marked = [.. tokens];
        for (int at = 0, i = 0; i < lengths.Length; at += lengths[i++]) marked[at] |= ITokenSource.DocumentStart;
        PackedBatches data = new(new GivenTokens(marked), Sequence, seed: 1, heldOut: 1);
        Batch batch = new(1, Sequence, new int[Sequence], new int[Sequence], new int[Sequence], new int[2 * Sequence]);
        data.FillEvaluation(0, batch.Tokens, batch.Targets, batch.Positions, batch.KeyRanges);
        Assert.Equal(Sequence - lengths.Length, batch.Valid);
        return batch;
    }

    private static Batch Only(Batch batch, int start, int count)
    {
        for (int i = 0; i < Sequence; i++)
        {
            if (i < start || i >= start + count) batch.Targets[i] = PackedBatches.IgnoredTarget;
        }

        return batch;
    }

    private sealed class GivenTokens(int[] tokens) : ITokenSource
    {
        public long Count => tokens.Length;

        public void Read(long start, Span<int> target) => tokens.AsSpan((int)start, target.Length).CopyTo(target);
    }

    // Rows of one long document, and rows of documents of a few tokens each.
    private sealed class UnevenTokens(int sequence) : ITokenSource
    {
        public long Count => 40L * sequence;

        public void Read(long start, Span<int> target)
        {
            for (int i = 0; i < target.Length; i++)
            {
                long place = start + i;
                bool starts = place / sequence % 3 == 0 ? place % sequence == 0 : place / sequence % 3 == 1 || place % 2 == 0;
                target[i] = (int)(place * 7 % 300) | (starts ? ITokenSource.DocumentStart : 0);
            }
        }
    }
}
