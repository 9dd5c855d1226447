using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Ration.Files;
using Ration.Files.Safetensors;
using Ration.Inference;
using Ration.Models;
using Ration.Tensors;
using Ration.Tensors.Formats;
using Ration.Tests.Inference;

namespace Ration.Tests.Files;

/// <summary>Folders whose matrices are stored in 4 bits, as bitsandbytes saves them, and in 8-bit floats.</summary>
public sealed class FolderFormatTests
{
    private const string Down = "model.layers.1.mlp.down_proj.weight", Embedding = "model.embed_tokens.weight", Head = "lm_head.weight", Norm = "model.layers.1.input_layernorm.weight";
    private static readonly ModelConfiguration s_model = TinyModel.Configuration with { HiddenWidth = 320 };

    [Theory]
    [InlineData(DType.NF4)]
    [InlineData(DType.FP4)]
    public void Four_bit_blocks_come_back_byte_for_byte(DType type)
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work), converted = Convert(work, model, type);
        Assert.Equal(type, converted.ElementType);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration))
        {
            float[] numbers = StoredModelTests.Numbers(model, parameter);
            bool isOfLayer = parameter.Name.StartsWith("model.layers.", StringComparison.Ordinal) && parameter.Shape.Rank == 2;
            Assert.Equal(isOfLayer ? type : DType.F32, converted.TypeOf(parameter.Name));
            if (!isOfLayer)
            {
                Assert.Equal(numbers, StoredModelTests.Numbers(converted, parameter));
                continue;
            }

            byte[] expected = new byte[type.Bytes(parameter.Shape)], actual = new byte[expected.Length];
            TensorCodec.Encode(type, numbers, expected);
            Assert.True(converted.Weights.TryCopy(parameter.Name, parameter.Shape, 0, type, actual));
            Assert.Equal(expected, actual);
        }

        // What is in 4 bits already stays as it is.
        Conversion.ToHuggingFace(converted, work["again"]);
        Assert.Equal(File.ReadAllBytes(Path.Combine(work["converted"], "model.safetensors")), File.ReadAllBytes(Path.Combine(work["again"], "model.safetensors")));
    }

    [Theory]
    [InlineData(DType.NF4Double)]
    [InlineData(DType.FP4Double)]
    public void Scales_that_are_quantized_in_turn_come_back_with_the_numbers_of_the_codec(DType type)
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work), converted = Convert(work, model, type);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration).Where(static p => p.Shape.Rank == 2 && p.Name.Contains(".layers.", StringComparison.Ordinal)))
        {
            float[] numbers = StoredModelTests.Numbers(model, parameter);
            byte[] bytes = new byte[type.Bytes(parameter.Shape)];
            TensorCodec.Encode(type, numbers, bytes);
            TensorCodec.Decode(type, bytes, numbers);
            Assert.Equal(numbers, StoredModelTests.Numbers(converted, parameter));
        }
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.NF4)]
    [InlineData(DType.FP4Double)]
    public void Damage_is_found_and_not_carried_over(DType type)
    {
        using TemporaryFolder work = new();
        using (StoredModel model = Model(work)) Convert(work, model, type).Dispose();
        string weights = Path.Combine(work["converted"], "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(weights, bytes);
        using StoredModel damaged = StoredModel.Open(work["converted"]);
        Assert.Contains("checksum", Assert.Throws<FileFormatException>(() => Conversion.ToHuggingFace(damaged, work["copy"])).Message, StringComparison.Ordinal);
        Assert.Contains("checksum", Assert.Throws<FileFormatException>(() => Conversion.ToGguf(damaged, work["copy.gguf"])).Message, StringComparison.Ordinal);
        Assert.Contains("checksum",
            Assert.Throws<FileFormatException>(() => LanguageModel.Load(work["converted"], new LanguageModelOptions { Threads = 1, Context = 8 })).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(work["copy"]) || File.Exists(work["copy.gguf"]));
    }

    [Theory]
    [InlineData(DType.NF4, "nf4", false)]
    [InlineData(DType.FP4Double, "fp4", true)]
    public void The_layout_is_that_of_bitsandbytes(DType type, string kind, bool nested)
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work), converted = Convert(work, model, type);
        using SafetensorsReader reader = SafetensorsReader.Open(Path.Combine(work["converted"], "model.safetensors"));
        const int Elements = 64 * 320, Blocks = Elements / 64;
        AssertTensor(Down, DType.U8, new Shape(Elements / 2, 1));
        AssertTensor(Down + ".absmax", nested ? DType.U8 : DType.F32, new Shape(Blocks));
        AssertTensor(Down + ".quant_map", DType.F32, new Shape(16));
        string[] own = ["", ".absmax", ".quant_map", $".quant_state.bitsandbytes__{kind}", .. nested ? (string[])[".nested_absmax", ".nested_quant_map"] : []];
        Assert.Equal(own.Select(static part => Down + part).Order(StringComparer.Ordinal),
            reader.Tensors.Select(static t => t.Name).Where(static n => n.StartsWith(Down, StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal([Embedding, Head, "model.norm.weight"],
            reader.Tensors.Select(static t => t.Name).Where(static n => !n.Contains(".layers.", StringComparison.Ordinal))
                .OrderBy(static n => n != Embedding).ThenBy(static n => n, StringComparer.Ordinal));
        float[] map = Floats(Down + ".quant_map");
        Assert.Equal((1f, kind == "nf4" ? -1f : 0f, kind == "nf4" ? 1f : -0.25f), (map.Max(), map[0], map[15]));
        JsonNode state = JsonNode.Parse(Bytes(Down + $".quant_state.bitsandbytes__{kind}"))!;
        Assert.Equal((kind, 64, "float32"), ((string)state["quant_type"]!, (int)state["blocksize"]!, (string)state["dtype"]!));
        Assert.Equal([64, 320], state["shape"]!.AsArray().Select(static n => (int)n!));
        if (nested)
        {
            AssertTensor(Down + ".nested_absmax", DType.F32, new Shape((Blocks + 255) / 256));
            AssertTensor(Down + ".nested_quant_map", DType.F32, new Shape(256));
            Assert.Equal((256, "float32"), ((int)state["nested_blocksize"]!, (string)state["nested_dtype"]!));
            float[] scales = Scales(model, Down);
            Assert.Equal(scales.Average(static s => (double)s), (double)state["nested_offset"]!, 1e-7);
        }

        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(work["converted"], "config.json")))!, quantization = config["quantization_config"]!;
        Assert.Equal(("float32", "bitsandbytes", true, false),
            ((string)config["torch_dtype"]!, (string)quantization["quant_method"]!, (bool)quantization["load_in_4bit"]!, (bool)quantization["load_in_8bit"]!));
        Assert.Equal((kind, nested, "uint8", "float32"),
            ((string)quantization["bnb_4bit_quant_type"]!, (bool)quantization["bnb_4bit_use_double_quant"]!,
            (string)quantization["bnb_4bit_quant_storage"]!, (string)quantization["bnb_4bit_compute_dtype"]!));
        Assert.Equal(type, HuggingFaceFolder.ReadConfig(work["converted"]).Quantization);

        void AssertTensor(string name, DType stored, Shape shape) => Assert.Equal((stored, shape), (reader.Find(name)!.DType, reader.Find(name)!.Shape));

        byte[] Bytes(string name)
        {
            byte[] bytes = new byte[reader.Find(name)!.Bytes];
            reader.Read(reader.Find(name)!, 0, bytes);
            return bytes;
        }

        float[] Floats(string name) => MemoryMarshal.Cast<byte, float>(Bytes(name)).ToArray();
    }

    [Fact]
    public void A_folder_in_shards_keeps_the_parts_of_a_weight_together()
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work);
        List<ModelConversionProgress> told = [];
        Conversion.ToHuggingFace(model, work["converted"], new ModelConversionOptions { Type = DType.NF4Double, LargestFileBytes = 100_000, Progress = new Listener(told) });
        JsonObject places = JsonNode.Parse(File.ReadAllText(Path.Combine(work["converted"], SafetensorsFolder.IndexName)))!["weight_map"]!.AsObject();
        Assert.True(places.Select(static p => (string)p.Value!).Distinct().Count() > 2);
        Assert.Single(places.Where(static p => p.Key.StartsWith(Down, StringComparison.Ordinal)).Select(static p => (string)p.Value!).Distinct());
        Assert.Equal(6, places.Count(static p => p.Key.StartsWith(Down, StringComparison.Ordinal)));
        Assert.Equal(told[^1].BytesTotal, told[^1].BytesDone);
        using StoredModel converted = StoredModel.Open(work["converted"]);
        Assert.Equal(DType.NF4, converted.TypeOf(Down));
    }

    [Theory]
    [InlineData(DType.F8E4M3)]
    [InlineData(DType.F8E5M2)]
    public void Eight_bit_floats_are_for_all_matrices_and_no_vector(DType type)
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work), converted = Convert(work, model, type);
        Assert.Equal((type, type, type, DType.F32), (converted.TypeOf(Down), converted.TypeOf(Embedding), converted.TypeOf(Head), converted.TypeOf(Norm)));
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration))
        {
            float[] numbers = StoredModelTests.Numbers(model, parameter);
            if (parameter.Shape.Rank == 2)
            {
                byte[] bytes = new byte[numbers.Length];
                TensorCodec.Encode(type, numbers, bytes);
                TensorCodec.Decode(type, bytes, numbers);
            }

            Assert.Equal(numbers, StoredModelTests.Numbers(converted, parameter));
        }

        Conversion.ToHuggingFace(converted, work["again"]);
        using StoredModel again = StoredModel.Open(work["again"]);
        Assert.Equal(type, again.ElementType);
    }

    [Theory]
    [InlineData(DType.NF4, 0.2)]
    [InlineData(DType.F8E4M3, 0.1)]
    public void A_converted_model_generates(DType type, double tolerance)
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work), converted = Convert(work, model, type);
        Assert.InRange(SmallModels.Distance(Logits(converted), Logits(model)), 1e-6, tolerance);

        static float[] Logits(StoredModel stored)
        {
            using Generator generator = SmallModels.Open(SmallModels.Options(stored.Configuration, 8));
            stored.Load(generator.Weights, generator.Executor);
            return generator.Put([1, 2, 3]).ToArray();
        }
    }

    [Fact]
    public void What_a_target_cannot_hold_is_refused_with_what_it_can()
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work);
        Assert.Contains("a folder of safetensors files holds F32, F16, BF16", Refused(DType.Q4_0, model), StringComparison.Ordinal);
        InvalidInputException gguf = Assert.Throws<InvalidInputException>(() => Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Type = DType.NF4 }));
        Assert.Contains("a GGUF file holds F32, F16, BF16, Q8_0", gguf.Message, StringComparison.Ordinal);
        using FamilyFolder gpt2 = new(ModelFamily.Gpt2), llama = new(ModelFamily.Llama);
        using StoredModel turned = StoredModel.Open(gpt2.Path), narrow = StoredModel.Open(llama.Path);
        Assert.Contains("transposed", Refused(DType.NF4, turned), StringComparison.Ordinal);
        Assert.Contains("rows of 32 numbers, which are no whole blocks of 64", Refused(DType.NF4, narrow), StringComparison.Ordinal);
        Assert.False(Directory.Exists(work["refused"]));

        string Refused(DType type, StoredModel from) => Assert.Throws<InvalidInputException>(() => Conversion.ToHuggingFace(from, work["refused"], new ModelConversionOptions { Type = type })).Message;
    }

    [Fact]
    public void Without_a_type_matrices_become_the_nearest_that_the_target_holds()
    {
        using TemporaryFolder work = new();
        using StoredModel model = Model(work);
        Conversion.ToGguf(model, work["q.gguf"], new ModelConversionOptions { Type = DType.Q4_0 });
        using StoredModel quantized = StoredModel.Open(work["q.gguf"]), four = Convert(work, model, DType.NF4);
        Assert.Equal((DType.F16, DType.Q4_0), (ModelConverter.TypeInFolder(quantized), ModelConverter.TypeInGguf(quantized)));
        Assert.Equal((DType.NF4, DType.F16), (ModelConverter.TypeInFolder(four), ModelConverter.TypeInGguf(four)));
        Conversion.ToGguf(four, work["four.gguf"]);
        using StoredModel again = StoredModel.Open(work["four.gguf"]);
        Assert.Equal(DType.F16, again.ElementType);
    }

    private static float[] Scales(StoredModel model, string name)
    {
        float[] numbers = StoredModelTests.Numbers(model, TransformerModel.ParameterShapes(model.Configuration).First(p => p.Name == name));
        return [.. numbers.Chunk(64).Select(static block => block.Max(MathF.Abs))];
    }

    private static StoredModel Model(TemporaryFolder work)
    {
        using Generator generator = SmallModels.Open(SmallModels.Options(s_model, 8));
        ModelFolder.Save(work["model"], s_model, [.. generator.Weights], generator.Executor, "bytes");
        return StoredModel.Open(work["model"]);
    }

    private static StoredModel Convert(TemporaryFolder work, StoredModel model, DType type)
    {
        Conversion.ToHuggingFace(model, work["converted"], new ModelConversionOptions { Type = type });
        return StoredModel.Open(work["converted"]);
    }

    private sealed class Listener(List<ModelConversionProgress> told) : IProgress<ModelConversionProgress>
    {
        public void Report(ModelConversionProgress value) => told.Add(value);
    }
}
