using System.Runtime.InteropServices;
using Ration.Files;
using Ration.Tensors;

namespace Ration.Tests.Files;

public sealed class LlamaTwoCFileTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_layer_has_its_part_of_the_tensors_of_all_layers(bool tied)
    {
        using var folder = new TemporaryFolder();
        using LlamaTwoCFile file = LlamaTwoCFile.Open(folder.Write("a.bin", Checkpoint(tied)));
        Assert.Equal(new LlamaTwoCHeader(8, 6, 2, 4, 2, 5, 3, tied), file.Header);
        Assert.Equal(2 + (9 * 2) + (tied ? 0 : 1), file.Tensors.Count);
        Expect(file, "model.embed_tokens.weight", new Shape(5, 8), 0);
        Expect(file, "model.layers.0.input_layernorm.weight", new Shape(8), 40);
        Expect(file, "model.layers.1.input_layernorm.weight", new Shape(8), 48);
        Expect(file, "model.layers.1.self_attn.q_proj.weight", new Shape(8, 8), 120);
        Expect(file, "model.layers.1.self_attn.k_proj.weight", new Shape(4, 8), 216);
        Expect(file, "model.layers.1.self_attn.v_proj.weight", new Shape(4, 8), 280);
        Expect(file, "model.layers.1.self_attn.o_proj.weight", new Shape(8, 8), 376);
        Expect(file, "model.layers.0.post_attention_layernorm.weight", new Shape(8), 440);
        Expect(file, "model.layers.0.mlp.gate_proj.weight", new Shape(6, 8), 456);
        Expect(file, "model.layers.0.mlp.down_proj.weight", new Shape(8, 6), 552);
        Expect(file, "model.layers.0.mlp.up_proj.weight", new Shape(6, 8), 648);
        Expect(file, "model.norm.weight", new Shape(8), 744);
        if (tied) Assert.Null(file.Find("lm_head.weight"));
        else Expect(file, "lm_head.weight", new Shape(5, 8), 758);
    }

    [Fact]
    public void Every_other_length_or_number_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] good = Checkpoint(true);
        foreach (byte[] bad in (byte[][])[good[..^1], [.. good, 0], good[..27], good[..28]])
            Assert.Throws<FileFormatException>(() => LlamaTwoCFile.Open(folder.Write("a.bin", bad)));
        for (int field = 0; field < 7; field++)
        {
            foreach (int value in (int[])[0, -1, int.MinValue, int.MaxValue, 3, 1 << 14, -5])
            {
                byte[] bad = (byte[])good.Clone();
                MemoryMarshal.Cast<byte, int>(bad.AsSpan())[field] = value;
                if (bad.AsSpan().SequenceEqual(good)) continue;
                Assert.Throws<FileFormatException>(() => LlamaTwoCFile.Open(folder.Write("a.bin", bad)));
            }
        }
    }

    [Fact]
    public void A_real_checkpoint_opens()
    {
        using LlamaTwoCFile file = LlamaTwoCFile.Open(SharedData.Require("stories260K.bin"));
        Assert.Equal(new LlamaTwoCHeader(64, 172, 5, 8, 4, 512, 512, true), file.Header);
        float[] gains = new float[64];
        file.Read(file.Find("model.norm.weight")!, 0, MemoryMarshal.AsBytes(gains.AsSpan()));
        Assert.All(gains, static g => Assert.InRange(g, 0.1f, 20f));
    }

    private static void Expect(LlamaTwoCFile file, string name, Shape shape, int first)
    {
        StoredTensor tensor = file.Find(name)!;
        Assert.Equal((DType.F32, shape), (tensor.DType, tensor.Shape));
        float[] values = new float[shape.Elements];
        file.Read(tensor, 0, MemoryMarshal.AsBytes(values.AsSpan()));
        Assert.Equal(Enumerable.Range(first, values.Length).Select(static i => (float)i), values);
    }

    // Element i of the file is the number i.
    internal static byte[] Checkpoint(bool tied)
    {
        int[] header = [8, 6, 2, 4, 2, tied ? 5 : -5, 3];
        float[] values = [.. Enumerable.Range(0, 758 + (tied ? 0 : 40)).Select(static i => (float)i)];
        return [.. MemoryMarshal.AsBytes(header.AsSpan()), .. MemoryMarshal.AsBytes(values.AsSpan())];
    }
}
