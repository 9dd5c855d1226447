using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Tensors.Formats;

[Trait("Category", "Kernel")]
public class GgmlGoldenTests
{
    public static TheoryData<DType> Types =>
        [DType.Q8_0, DType.Q4_0, DType.Q4_1, DType.Q5_0, DType.Q5_1, DType.Q2_K, DType.Q3_K, DType.Q4_K, DType.Q5_K, DType.Q6_K];

    [Theory]
    [MemberData(nameof(Types))]
    public void The_same_floats_give_the_same_bytes_as_ggml(DType type)
    {
        byte[] expected = QuantizationGolden.Read<byte>("encoded." + Name(type));
        byte[] encoded = new byte[expected.Length];
        TensorCodec.Encode(type, QuantizationGolden.Read<float>("input"), encoded);
        int bytes = type.BlockBytes();
        for (int i = 0; i < expected.Length; i++)
            if (expected[i] != encoded[i]) Assert.Fail($"byte {i % bytes} of block {i / bytes}: expected {expected[i]:X2}, got {encoded[i]:X2}");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Any_bytes_give_the_same_floats_as_ggml(DType type)
    {
        float[] expected = QuantizationGolden.Read<float>("decoded." + Name(type));
        float[] decoded = new float[expected.Length];
        TensorCodec.Decode(type, QuantizationGolden.Read<byte>("blocks." + Name(type)), decoded);
        for (int i = 0; i < expected.Length; i++)
        {
            if (float.IsNaN(expected[i]) && float.IsNaN(decoded[i])) continue;
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(decoded[i]))
                Assert.Fail($"element {i}: expected {expected[i]:R}, got {decoded[i]:R}");
        }
    }

    private static string Name(DType type) => type.ToString().Replace('Q', 'q');
}
