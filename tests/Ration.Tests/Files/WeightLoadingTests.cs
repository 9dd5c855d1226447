using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Files;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Planning;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Files;

/// <summary>Weights on their way from files into the memory of an executor and back.</summary>
public sealed class WeightLoadingTests
{
    [Theory]
    [InlineData(ModelFamily.Llama, DType.F32, DType.F32)]
    [InlineData(ModelFamily.Llama, DType.BF16, DType.F32)]
    [InlineData(ModelFamily.Gpt2, DType.F16, DType.F32)]
    [InlineData(ModelFamily.Phi3, DType.F16, DType.F16)]
    [InlineData(ModelFamily.Mixtral, DType.BF16, DType.F16)]
    [InlineData(ModelFamily.Gpt2, DType.F32, DType.Q8_0)]
    [InlineData(ModelFamily.Qwen3Moe, DType.BF16, DType.Q4_0)]
    public void Values_get_the_numbers_in_their_own_form(ModelFamily family, DType stored, DType wanted)
    {
        using FamilyFolder folder = new(family, stored);
        using StoredModel model = StoredModel.Open(folder.Path);
        using Held held = new(model.Configuration, shape => shape.Rank > 1 && wanted.CanStore(shape) ? wanted : DType.F32);
        model.Load(held.Weights, held.Executor);
        foreach (Value value in held.Weights)
        {
            float[] expected = folder.Expected(value.Name);
            byte[] bytes = new byte[stored.Bytes(expected.Length)];
            TensorCodec.Encode(stored, expected, bytes);
            TensorCodec.Decode(stored, bytes, expected);
            bytes = new byte[value.Bytes];
            TensorCodec.Encode(value.DType, expected, bytes);
            Assert.Equal(bytes, held.Read(value));
        }
    }

    [Fact]
    public void Quantized_files_are_copied_block_by_block()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["model.gguf"], new ModelConversionOptions { Type = DType.Q4_0 });
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        using Held held = new(gguf.Configuration, shape => shape.Rank > 1 && DType.Q4_0.CanStore(shape) ? DType.Q4_0 : DType.F32);
        gguf.Load(held.Weights, held.Executor);
        Value value = held.Weights.First(static v => v.Name == "model.layers.1.self_attn.q_proj.weight");
        byte[] expected = new byte[value.Bytes];
        gguf.Tensors.Read(gguf.Tensors.Find("blk.1.attn_q.weight")!, 0, expected);
        Assert.Equal(DType.Q4_0, value.DType);
        Assert.Equal(expected, held.Read(value));
    }

    [Theory]
    [MemberData(nameof(StoredModelTests.Families), MemberType = typeof(StoredModelTests))]
    public void A_model_that_was_loaded_is_saved_under_its_familys_names(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using StoredModel model = StoredModel.Open(folder.Path);
        using Held held = new(model.Configuration, static _ => DType.F32);
        model.Load(held.Weights, held.Executor);
        ModelFolder.Save(work["saved"], model.Configuration, held.Weights, held.Executor, "bytes");
        using StoredModel saved = StoredModel.Open(work["saved"]);
        Assert.Equal(folder.Names.Order(StringComparer.Ordinal), saved.Tensors.Tensors.Select(static t => t.Name).Order(StringComparer.Ordinal));
        Assert.Equal("bytes", saved.BuiltInTokenizer);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration)) Assert.Equal(folder.Expected(parameter.Name), StoredModelTests.Numbers(saved, parameter));
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.Q8_0)]
    public void Matrices_that_are_saved_transposed_go_through_in_panels(DType type)
    {
        using FamilyFolder folder = new(ModelFamily.Gpt2);
        using TemporaryFolder work = new();
        using StoredModel small = StoredModel.Open(folder.Path);
        // 409,600 numbers in a matrix, of which 131,072 are held at once.
        ModelConfiguration wide = small.Configuration with { Width = 320, Heads = 10, KvHeads = 10, HeadDimension = 32, HiddenWidth = 1280, Layers = 1 };
        using Held held = new(wide, shape => shape.Rank > 1 && type.CanStore(shape) ? type : DType.F32);
        Random random = new(4);
        foreach (Value value in held.Weights)
        {
            float[] numbers = [.. Enumerable.Range(0, (int)value.Shape.Elements).Select(_ => (float)random.NextDouble() - 0.5f)];
            byte[] bytes = new byte[value.Bytes];
            TensorCodec.Encode(value.DType, numbers, bytes);
            held.Executor.WritePersistent(value, 0, bytes);
        }

        ModelFolder.Save(work["saved"], wide, held.Weights, held.Executor, "bytes");
        using StoredModel saved = StoredModel.Open(work["saved"]);
        foreach (Value value in held.Weights)
        {
            float[] expected = new float[value.Shape.Elements];
            TensorCodec.Decode(value.DType, held.Read(value), expected);
            float[] actual = StoredModelTests.Numbers(saved, new ParameterShape(value.Name, value.Shape));
            Assert.True(expected.SequenceEqual(actual), value.Name);
        }
    }

    [Fact]
    public void A_model_from_GGUF_is_saved_under_the_conventions_of_folders()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["model.gguf"]);
        using StoredModel gguf = StoredModel.Open(work["model.gguf"]);
        using Held held = new(gguf.Configuration, static _ => DType.F32);
        gguf.Load(held.Weights, held.Executor);
        ModelFolder.Save(work["saved"], gguf.Configuration, held.Weights, held.Executor, null);
        using StoredModel saved = StoredModel.Open(work["saved"]);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(saved.Configuration)) Assert.Equal(folder.Expected(parameter.Name), StoredModelTests.Numbers(saved, parameter));
    }

    [Fact]
    public void What_was_trained_from_a_model_keeps_its_tokenizer_and_its_ends()
    {
        using FamilyFolder folder = new(ModelFamily.Llama,
            config: FamilyFolder.Config(ModelFamily.Llama).Replace("{\"architectures\"", "{\"bos_token_id\":1,\"eos_token_id\":[2,5],\"architectures\"", StringComparison.Ordinal));
        using TemporaryFolder work = new();
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer.json"), "{}");
        using StoredModel model = StoredModel.Open(folder.Path);
        using Held held = new(model.Configuration, static _ => DType.F32);
        model.Load(held.Weights, held.Executor);
        ModelFolder.Save(work["saved"], model.Configuration, held.Weights, held.Executor, null, folder.Path);
        using StoredModel saved = StoredModel.Open(work["saved"]);
        Assert.Equal(1, saved.BeginningId);
        Assert.Equal([2, 5], saved.EndIds);
        Assert.Equal("{}", File.ReadAllText(work["saved/tokenizer.json"]));
    }

    [Fact]
    public void Values_of_another_model_are_refused()
    {
        using FamilyFolder folder = new(ModelFamily.Llama);
        using StoredModel model = StoredModel.Open(folder.Path);
        using Held held = new(model.Configuration with { HiddenWidth = 15 }, static _ => DType.F32);
        Assert.Contains("no weight model.layers.0.mlp.gate_proj.weight [15, 32]", Assert.Throws<FileFormatException>(() => model.Load(held.Weights, held.Executor)).Message, StringComparison.Ordinal);
    }

    /// <summary>Memory for the weights of a model, and for nothing else.</summary>
    private sealed class Held : IDisposable
    {
        public Held(ModelConfiguration model, Func<Shape, DType> type)
        {
            GraphBuilder builder = new();
            foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model)) builder.Parameter(parameter.Name, parameter.Shape, type(parameter.Shape), trainable: false);
            Value input = builder.Input("x", new Shape(4));
            builder.Output(builder.Add(input, input, "y"));
            CpuDevice device = new(1);
            StepProgram program = StepProgram.Compile(builder.Build(), device);
            Executor = new Executor(device, program);
            Weights = [.. program.Graph.Persistent];
        }

        public Executor Executor { get; }

        public IReadOnlyList<Value> Weights { get; }

        public byte[] Read(Value value)
        {
            byte[] bytes = new byte[value.Bytes];
            Executor.ReadPersistent(value, 0, bytes);
            return bytes;
        }

        public void Dispose() => Executor.Dispose();
    }
}
