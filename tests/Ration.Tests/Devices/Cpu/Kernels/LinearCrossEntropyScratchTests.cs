using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;
using Ration.Memory;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public sealed unsafe class LinearCrossEntropyScratchTests
{
    private const byte Canary = 0xA5;
    private const int CanaryBytes = 4 << 20;

    [Theory]
    [InlineData(2560, 4096, 288, DType.F32)]
    [InlineData(3072, 4096, 640, DType.F32)]
    [InlineData(2049, 2600, 33, DType.F32)]
    [InlineData(512, 2048 + 520, 64, DType.F32)]
    [InlineData(1024, 4096, 288, DType.Q8_0)]
    [InlineData(1024, 2100, 960, DType.Q8_0)]
    [InlineData(300, 2100, 320, DType.NF4)]
    public void No_block_writes_beyond_the_scratch_that_was_asked_for(int tokens, int vocabulary, int width, DType type)
    {
        using WorkerPool pool = new(2);
        long scratch = LinearCrossEntropyKernel.WorkspaceBytes(tokens, vocabulary, width, 2, type);
        long floats = ((long)tokens * width * 2) + ((long)vocabulary * width * 2) + (2L * tokens) + 16;
        using Arena arena = Arena.Reserve((floats * sizeof(float)) + 64 + scratch + CanaryBytes);
        float* hidden = (float*)arena.Pointer, weight = hidden + (tokens * width), dHidden = weight + (vocabulary * width);
        float* dWeight = dHidden + (tokens * width), logSumExp = dWeight + (vocabulary * width), loss = logSumExp + tokens;
        int* targets = (int*)(loss + 16);
        byte* workspace = (byte*)ByteSize.AlignUp((long)(targets + tokens), 64);
        new Span<byte>(workspace + scratch, CanaryBytes).Fill(Canary);
        CounterRandom random = new(5, 6);
        random.FillNormal(0, new Span<float>(hidden, tokens * width), 1);
        random.FillNormal(1 << 22, new Span<float>(weight, vocabulary * width), 0.1f);
        byte[] stored = new byte[type.Bytes(new Shape(vocabulary, width))];
        TensorCodec.Encode(type, new ReadOnlySpan<float>(weight, vocabulary * width), stored);
        stored.CopyTo(new Span<byte>(weight, stored.Length));
        for (int i = 0; i < tokens; i++) targets[i] = (i * 37) % vocabulary;
        foreach (float threshold in (ReadOnlySpan<float>)[0, 1e-30f])
        {
            LinearCrossEntropyArguments x = new()
            {
                Hidden = hidden,
                Weight = (byte*)weight,
                WeightType = type,
                Targets = targets,
                Tokens = tokens,
                Vocabulary = vocabulary,
                Width = width,
                Scale = 1f / tokens,
                FilterThreshold = threshold,
            };
            LinearCrossEntropyKernel.Forward(pool, x, loss, logSumExp, workspace);
            LinearCrossEntropyKernel.Backward(pool, x, logSumExp, dHidden, dWeight, false, workspace);
        }

        Assert.True(float.IsFinite(*loss) && *loss > 0);
        Assert.Equal(-1, new Span<byte>(workspace + scratch, CanaryBytes).IndexOfAnyExcept(Canary));
    }
}
