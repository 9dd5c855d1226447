using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Devices.Cpu.Kernels;

namespace Ration.Tests.Tensors.Formats;

[Trait("Category", "Kernel")]
public unsafe class BitsAndBytesGoldenTests
{
    [Theory]
    [InlineData(DType.NF4, "codes.nf4")]
    [InlineData(DType.FP4, "codes.fp4")]
    public void The_same_floats_give_the_same_codes_and_scales(DType type, string name)
    {
        float[] input = QuantizationGolden.Read<float>("input"), scales = QuantizationGolden.Read<float>("scales"), kept = new float[scales.Length];
        byte[] expected = QuantizationGolden.Read<byte>(name), codes = new byte[expected.Length], blocks = new byte[type.Bytes((long)input.Length)];
        FourBitBlocks.Encode(type, input, 64, codes, kept);
        Assert.Equal(expected, codes);
        Assert.Equal(scales, kept);

        TensorCodec.Encode(type, input, blocks);
        for (int i = 0; i < scales.Length; i++)
        {
            Assert.Equal(scales[i], BitConverter.ToSingle(blocks, i * 36));
            Assert.Equal(expected.AsSpan(i * 32, 32), blocks.AsSpan((i * 36) + 4, 32));
        }
    }

    [Fact]
    public void Values_of_codes_are_those_of_the_publication()
    {
        float[] normal =
        [
            -1, -0.69619280f, -0.52507305f, -0.39491749f, -0.28444138f, -0.18477343f, -0.091050036f, 0,
            0.0795803f, 0.1609302f, 0.2461123f, 0.33791524f, 0.44070983f, 0.562617f, 0.72295684f, 1,
        ];
        Assert.Equal(normal, new ReadOnlySpan<float>(NormalFloatCode.Values, 16).ToArray());
        for (int i = 0; i < 16; i++)
        {
            float twelfths = (float[])[0, 0.0625f, 8, 12, 4, 6, 2, 3] is var each ? each[i & 7] : 0;
            Assert.Equal((i < 8 ? twelfths : -twelfths) / 12, FourBitFloatCode.Values[i]);
        }
    }

    [Theory]
    [InlineData(DType.NF4, 64)]
    [InlineData(DType.NF4, 32)]
    [InlineData(DType.FP4, 256)]
    [InlineData(DType.FP4, 4096)]
    public void Codes_and_scales_apart_decode_to_their_products(DType type, int block)
    {
        float[] input = Check.Random(5 * 416, 3), target = new float[input.Length], scales = new float[(input.Length + block - 1) / block];
        byte[] codes = new byte[input.Length / 2];
        FourBitBlocks.Encode(type, input, block, codes, scales);
        FourBitBlocks.Decode(type, codes, scales, block, target);
        float* values = type == DType.NF4 ? NormalFloatCode.Values : FourBitFloatCode.Values;
        for (int i = 0; i < input.Length; i++)
        {
            int code = i % 2 == 0 ? codes[i / 2] >> 4 : codes[i / 2] & 15;
            Assert.Equal(values[code] * scales[i / block], target[i]);
            float nearest = Enumerable.Range(0, 16).Min(c => Math.Abs((values[c] * scales[i / block]) - input[i]));
            Assert.True(Math.Abs(target[i] - input[i]) <= nearest + (1e-5f * scales[i / block]), $"{input[i]} became {target[i]}");
        }
    }

    [Fact]
    public void The_dynamic_code_has_the_same_values() => Assert.Equal(QuantizationGolden.Read<float>("map"), DynamicMap.Values.ToArray());

    [Fact]
    public void Every_value_of_the_dynamic_code_is_nearest_to_itself()
    {
        for (int i = 0; i < 256; i++) Assert.Equal(i, DynamicMap.Nearest(DynamicMap.Values[i]));
        Assert.Equal(0, DynamicMap.Nearest(-2));
        Assert.Equal(255, DynamicMap.Nearest(2));
        Assert.Equal(0, DynamicMap.Value(DynamicMap.Nearest(float.NaN)));
    }

    [Fact]
    public void Scales_quantized_in_turn_are_the_same()
    {
        float[] scales = QuantizationGolden.Read<float>("nested.scales"), absmax = QuantizationGolden.Read<float>("nested.absmax");
        byte[] expected = QuantizationGolden.Read<byte>("nested.codes"), codes = new byte[expected.Length];
        float mean = QuantizationGolden.Read<float>("nested.mean")[0];
        fixed (float* from = scales)
        fixed (byte* to = codes)
        {
            Assert.Equal(absmax[0], DoubleQuantization.EncodeScales(from, 256, mean, to));
            Assert.Equal(absmax[1], DoubleQuantization.EncodeScales(from + 256, scales.Length - 256, mean, to + 256));
        }

        Assert.Equal(expected, codes);
        float[] decoded = new float[scales.Length];
        FourBitBlocks.DecodeScales(codes, absmax, mean, decoded);
        Assert.Equal(QuantizationGolden.Read<float>("nested.decoded"), decoded);
    }
}
