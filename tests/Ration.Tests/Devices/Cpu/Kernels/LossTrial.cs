using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Memory;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>How the loss goes about it.</summary>
internal sealed record LossMode(float FilterThreshold = 0, bool OrderVocabulary = false, int ChunkTokens = 0, bool KeepLogits = false, int[]? Sample = null);

/// <summary>What the kernels make of it.</summary>
internal sealed record LossOutcome(float Loss, float[] LogSumExp, float[] Hidden, float[] Weight, FilteredTiles Tiles);

/// <summary>The kernels of the loss on given numbers, in exactly the scratch that they ask for.</summary>
internal sealed unsafe class LossTrial
{
    private const byte Canary = 0xA5;
    private const int CanaryBytes = 4 << 20;

    public required int Tokens { get; init; }

    public required int Vocabulary { get; init; }

    public required int Width { get; init; }

    public required float[] Hidden { get; init; }

    public required float[] Weight { get; init; }

    public required int[] Targets { get; init; }

    public DType Type { get; init; } = DType.F32;

    public float Scale => 1f / Tokens;

    public static LossTrial Random(int tokens, int vocabulary, int width, DType type = DType.F32, float deviation = 0.1f)
    {
        CounterRandom random = new(5, 6);
        float[] hidden = new float[tokens * width], weight = new float[vocabulary * width];
        random.FillNormal(0, hidden, 1);
        random.FillNormal(1 << 22, weight, deviation);
        return new LossTrial
        {
            Tokens = tokens,
            Vocabulary = vocabulary,
            Width = width,
            Hidden = hidden,
            Weight = weight,
            Targets = [.. Enumerable.Range(0, tokens).Select(i => i % 7 == 3 ? -1 : (i * 37) % vocabulary)],
            Type = type,
        };
    }

    /// <summary>Forward and backward; fails if a byte beyond the scratch is written.</summary>
    public LossOutcome Run(LossMode mode, int threads = 2)
    {
        using WorkerPool pool = new(threads);
        byte[] head = new byte[Type.Bytes(new Shape(Vocabulary, Width))];
        TensorCodec.Encode(Type, Weight, head);
        float[] logSumExp = new float[Tokens], hiddenGradient = new float[Tokens * Width], weightGradient = new float[Vocabulary * Width];
        float[] averages = new float[Vocabulary], kept = new float[mode.KeepLogits ? Tokens * Vocabulary : 1];
        fixed (float* hidden = Hidden, lse = logSumExp, dHidden = hiddenGradient, dWeight = weightGradient, average = averages, logits = kept)
        fixed (int* targets = Targets, sample = mode.Sample)
        fixed (byte* weight = head)
        {
            LinearCrossEntropyArguments x = new()
            {
                Hidden = hidden,
                Weight = weight,
                WeightType = Type,
                Targets = targets,
                Tokens = Tokens,
                Vocabulary = Vocabulary,
                Width = Width,
                Scale = Scale,
                FilterThreshold = mode.FilterThreshold,
                ChunkTokens = mode.ChunkTokens,
                Sample = sample,
                SampleRoom = mode.Sample?.Length ?? 0,
                AverageLogits = mode.OrderVocabulary ? average : null,
                KeptLogits = mode.KeepLogits ? logits : null,
            };
            float loss = 0;
            using Guard forward = new(x.Blocks(backward: false).Bytes(threads)), backward = new(x.Blocks(backward: true).Bytes(threads));
            LinearCrossEntropyKernel.Forward(pool, x, &loss, lse, forward.Workspace);
            FilteredTiles tiles = LinearCrossEntropyKernel.Backward(pool, x, lse, dHidden, dWeight, false, backward.Workspace);
            return new LossOutcome(loss, logSumExp, hiddenGradient, weightGradient, tiles);
        }
    }

    /// <summary>The distance of two tensors as a share of the first one's norm.</summary>
    public static double Distance(float[] expected, float[] actual)
    {
        double norm = Math.Sqrt(expected.Sum(static v => (double)v * v)), error = Math.Sqrt(expected.Zip(actual, static (a, b) => Math.Pow((double)a - b, 2)).Sum());
        Assert.True(norm > 0, "there is nothing to compare with");
        return error / norm;
    }

    // Scratch between what must not be read and what must not be written.
    private sealed class Guard : IDisposable
    {
        private readonly Arena _arena;
        private readonly long _bytes;

        public Guard(long bytes)
        {
            (_arena, _bytes) = (Arena.Reserve(bytes + 64 + CanaryBytes), bytes);
            Workspace = (byte*)ByteSize.AlignUp((long)_arena.Pointer, 64);
            new Span<byte>(Workspace, (int)bytes).Fill(0xFF);
            new Span<byte>(Workspace + bytes, CanaryBytes).Fill(Canary);
        }

        public byte* Workspace { get; }

        public void Dispose()
        {
            int written = new Span<byte>(Workspace + _bytes, CanaryBytes).IndexOfAnyExcept(Canary);
            _arena.Dispose();
            Assert.Equal(-1, written);
        }
    }
}
