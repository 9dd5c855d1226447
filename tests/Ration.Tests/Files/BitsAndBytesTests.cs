using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Ration.Files;
using Ration.Files.Safetensors;
using Ration.Files.Weights;
using Ration.Models;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Files;

/// <summary>Checkpoints in the layout in which bitsandbytes saves 4-bit weights.</summary>
public sealed class BitsAndBytesTests
{
    private const int Width = 64, Hidden = 128, Vocabulary = 9;
    private const string Config = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":2,"vocab_size":9,
         "tie_word_embeddings":true,"quantization_config":{"quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_quant_type":"nf4","bnb_4bit_use_double_quant":true}}
        """;

    private readonly Dictionary<string, float[]> _expected = new(StringComparer.Ordinal);
    private readonly List<(string Name, DType Type, Shape Shape, byte[] Bytes)> _tensors = [];

    [Theory]
    [InlineData(DType.NF4, false)]
    [InlineData(DType.NF4, true)]
    [InlineData(DType.FP4, true)]
    public void Four_bit_weights_are_decoded_and_copied(DType type, bool nested)
    {
        using TemporaryFolder folder = new();
        Write(folder, type, nested, Config);
        using StoredModel model = StoredModel.Open(folder.Path);
        Assert.Equal(type, model.ElementType);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration)) Assert.Equal(_expected[parameter.Name], StoredModelTests.Numbers(model, parameter));
        ParameterShape down = TransformerModel.ParameterShapes(model.Configuration).First(static p => p.Name.EndsWith("down_proj.weight", StringComparison.Ordinal));
        byte[] rows = new byte[type.Bytes(5L * Hidden)];
        Assert.True(model.Weights.TryCopy(down.Name, down.Shape, 7, type, rows));
        float[] numbers = new float[5 * Hidden];
        TensorCodec.Decode(type, rows, numbers);
        Assert.Equal(_expected[down.Name].AsSpan(7 * (int)WeightMap.ColumnsOf(down.Shape), numbers.Length).ToArray(), numbers);
    }

    [Theory]
    [InlineData("\"blocksize\":64", "\"blocksize\":128", "blocks of another size")]
    [InlineData("\"shape\":[64,64]", "\"shape\":[64,65]", "no whole blocks")]
    [InlineData("\"shape\":[64,64]", "\"shape\":[64,128]", "it has 2048 bytes, not 4096")]
    [InlineData("\"nested_blocksize\":256", "\"nested_blocksize\":512", "another size than 256")]
    [InlineData("{", "[", "not valid JSON")]
    public void Descriptions_that_do_not_fit_are_refused(string old, string changed, string fault)
    {
        using TemporaryFolder folder = new();
        Write(folder, DType.NF4, true, Config, state => state.Replace(old, changed, StringComparison.Ordinal));
        Assert.Contains(fault, Assert.Throws<FileFormatException>(() => StoredModel.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"load_in_4bit\":true", "\"load_in_4bit\":false,\"load_in_8bit\":true", "'bitsandbytes'")]
    [InlineData("\"quant_method\":\"bitsandbytes\"", "\"quant_method\":\"awq\"", "'awq'")]
    public void Other_quantizations_are_refused(string old, string changed, string fault)
    {
        using TemporaryFolder folder = new();
        Write(folder, DType.NF4, true, Config.Replace(old, changed, StringComparison.Ordinal));
        Assert.Contains(fault, Assert.Throws<FileFormatException>(() => StoredModel.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    private void Write(TemporaryFolder folder, DType type, bool nested, string config, Func<string, string>? change = null)
    {
        folder.Write("config.json", config);
        const string Layer = "model.layers.0.";
        foreach ((string name, long[] sizes) in new (string, long[])[]
        {
            ("model.embed_tokens.weight", [Vocabulary, Width]), ("model.norm.weight", [Width]), (Layer + "input_layernorm.weight", [Width]), (Layer + "post_attention_layernorm.weight", [Width]),
        }) AddPlain(name, new Shape(sizes));
        foreach (string name in (string[])["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]) AddQuantized($"{Layer}{name}.weight",
            new Shape(Width, Width), type, nested, change);
        AddQuantized(Layer + "mlp.gate_proj.weight", new Shape(Hidden, Width), type, nested, null);
        AddQuantized(Layer + "mlp.up_proj.weight", new Shape(Hidden, Width), type, nested, null);
        AddQuantized(Layer + "mlp.down_proj.weight", new Shape(Width, Hidden), type, nested, null);
        SafetensorsWriter writer = new(checksums: false);
        foreach ((string name, DType kind, Shape shape, _) in _tensors) writer.Declare(name, kind, shape);
        writer.Save(folder["model.safetensors"], output =>
        {
            foreach ((string name, _, _, byte[] bytes) in _tensors) output.Write(name, bytes);
        });
    }

    private static float[] Random(string name, long count, float deviation)
    {
        float[] numbers = new float[count];
        new CounterRandom(3, (ulong)name.Sum(static c => (long)c * c)).FillNormal(0, numbers, deviation);
        return numbers;
    }

    private void AddPlain(string name, Shape shape)
    {
        _expected[name] = Random(name, shape.Elements, 1);
        _tensors.Add((name, DType.F32, shape, MemoryMarshal.AsBytes(_expected[name].AsSpan()).ToArray()));
    }

    private void AddQuantized(string name, Shape shape, DType type, bool nested, Func<string, string>? change)
    {
        int blocks = (int)(shape.Elements / 64), block = type.BlockBytes();
        byte[] whole = new byte[type.Bytes(shape)], codes = new byte[blocks * 32], scaleCodes = new byte[blocks];
        TensorCodec.Encode(type, Random(name, shape.Elements, 0.1f), whole);
        float[] map = [.. Random("map", 256, 1)], greatest = Random("greatest" + name, (blocks + 255) / 256, 0.2f), scales = new float[blocks];
        for (int i = 0; i < blocks; i++)
        {
            scaleCodes[i] = (byte)(37 * i);
            scales[i] = nested ? (map[scaleCodes[i]] * greatest[i / 256]) + 0.25f : BinaryPrimitives.ReadSingleLittleEndian(whole.AsSpan(i * block));
            BinaryPrimitives.WriteSingleLittleEndian(whole.AsSpan(i * block), scales[i]);
            whole.AsSpan((i * block) + 4, 32).CopyTo(codes.AsSpan(i * 32));
        }

        _expected[name] = new float[shape.Elements];
        TensorCodec.Decode(type, whole, _expected[name]);
        string kind = type == DType.NF4 ? "nf4" : "fp4";
        string state = $"{{\"quant_type\":\"{kind}\",\"blocksize\":64,\"dtype\":\"bfloat16\",\"shape\":[{shape[0]},{shape[1]}]"
            + $"{(nested ? ",\"nested_blocksize\":256,\"nested_dtype\":\"float32\",\"nested_offset\":0.25" : "")}}}";
        byte[] text = Encoding.UTF8.GetBytes(change is null ? state : change(state));
        _tensors.Add((name, DType.U8, new Shape(shape.Elements / 2, 1), codes));
        _tensors.Add((name + ".absmax", nested ? DType.U8 : DType.F32, new Shape(blocks), nested ? scaleCodes : MemoryMarshal.AsBytes(scales.AsSpan()).ToArray()));
        _tensors.Add((name + ".quant_map", DType.F32, new Shape(16), new byte[64]));
        _tensors.Add(($"{name}.quant_state.bitsandbytes__{kind}", DType.U8, new Shape(text.Length), text));
        if (!nested) return;
        _tensors.Add((name + ".nested_absmax", DType.F32, new Shape(greatest.Length), MemoryMarshal.AsBytes(greatest.AsSpan()).ToArray()));
        _tensors.Add((name + ".nested_quant_map", DType.F32, new Shape(256), MemoryMarshal.AsBytes(map.AsSpan()).ToArray()));
    }
}
