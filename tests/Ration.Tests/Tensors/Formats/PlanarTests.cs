using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Devices.Cpu.Kernels;

namespace Ration.Tests.Tensors.Formats;

[Trait("Category", "Kernel")]
public unsafe class PlanarTests
{
    [Theory]
    [InlineData(DType.NF4Double, DType.NF4)]
    [InlineData(DType.FP4Double, DType.FP4)]
    public void Double_quantization_keeps_the_codes_and_nearly_the_scales(DType type, DType plain)
    {
        // 301 blocks: a second block of scales, and an odd count.
        float[] x = Check.Random(301 * 64, 1), once = new float[x.Length], twice = new float[x.Length];
        for (int i = 0; i < x.Length; i++) x[i] *= 1 + (i / 64 % 7);
        byte[] simple = new byte[plain.Bytes((long)x.Length)], stored = new byte[type.Bytes((long)x.Length)];
        Assert.Equal((x.Length / 2) + (2 * 4) + 4 + 301, stored.Length);
        TensorCodec.Encode(plain, x, simple);
        TensorCodec.Encode(type, x, stored);
        TensorCodec.Decode(plain, simple, once);
        TensorCodec.Decode(type, stored, twice);
        double mean = Enumerable.Range(0, 301).Average(b => (double)BitConverter.ToSingle(simple, b * 36));
        Assert.Equal(mean, BitConverter.ToSingle(stored, (x.Length / 2) + 8), 1e-6 * mean);
        for (int block = 0; block < 301; block++)
        {
            Assert.Equal(simple.AsSpan((block * 36) + 4, 32), stored.AsSpan(block * 32, 32));

            // Neighbours in the dynamic code are at most 0.9 / 64 apart.
            float allowed = BitConverter.ToSingle(stored, (x.Length / 2) + (block / 256 * 4)) * 0.9f / 128;
            for (int i = block * 64; i < (block + 1) * 64; i++)
                Assert.True(Math.Abs(once[i] - twice[i]) <= allowed * 1.001f, $"element {i}: {once[i]:R} and {twice[i]:R}");
        }
    }

    [Theory]
    [InlineData(DType.NF4Double)]
    [InlineData(DType.Q4_K)]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.F8E5M2)]
    public void Any_part_decodes_as_it_does_in_the_whole(DType type)
    {
        int block = Math.Max(64, type.BlockElements()), blocks = type == DType.NF4Double ? 300 : 7;
        using Guarded<float> x = new(Check.Random(blocks * block, 2));
        using Guarded<byte> stored = new((nint)type.Bytes((long)x.Count), 1);
        float[] whole = new float[x.Count];
        TensorCodec.Encode(type, x, stored, x.Count);
        TensorCodec.Decode(type, stored.Span, whole);
        foreach ((int first, int count) in (ReadOnlySpan<(int, int)>)[(0, 1), (1, 3), (blocks - 1, 1), (blocks - 5, 5), (blocks, 0)])
        {
            using Guarded<float> part = new(count * block, 1);
            TensorCodec.DecodeAt(type, stored, x.Count, first * block, part, part.Count);
            Check.Same(whole.AsSpan(first * block, count * block), part.Span, $"{type} from {first}");
        }
    }

    [Fact]
    public void Only_whole_tensors_of_planar_types_have_bytes()
    {
        Assert.Equal(DType.NF4Double.Bytes(640), DType.NF4Double.Bytes(new Shape(5, 128)));
        Assert.Throws<ArgumentOutOfRangeException>(static () => DType.NF4Double.BlockBytes());
        Assert.Throws<ArgumentException>(static () => DType.FP4Double.Bytes(new Shape(4, 96)));
        Assert.Throws<ArgumentException>(static () => DType.FP4Double.Bytes(63));
        Assert.Equal(4, DType.NF4Double.Bytes(0));
        Assert.True(DType.FP4Double.IsReal() && DType.FP4Double.IsQuantized());
    }
}
