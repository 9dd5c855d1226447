using System.Runtime.InteropServices;
using Ration.Files;
using Ration.Files.Weights;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Files;

public sealed class StoredModelTests
{
    public static TheoryData<ModelFamily> Families => [.. Enum.GetValues<ModelFamily>()];

    [Theory]
    [MemberData(nameof(Families))]
    public void Each_weight_of_a_folder_has_its_numbers(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using StoredModel model = StoredModel.Open(folder.Path);
        Assert.Equal(family, model.Configuration.Family);
        Assert.Equal(DType.F32, model.ElementType);
        int count = 0;
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration))
        {
            Assert.Equal(folder.Expected(parameter.Name), Numbers(model, parameter));
            count++;
        }

        Assert.InRange(count, 25, 100);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Rows_can_be_read_from_anywhere(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using StoredModel model = StoredModel.Open(folder.Path);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration).Where(static p => p.Name.Contains("layers.1.", StringComparison.Ordinal)))
        {
            int columns = (int)WeightMap.ColumnsOf(parameter.Shape), rows = (int)WeightMap.RowsOf(parameter.Shape);
            float[] expected = folder.Expected(parameter.Name);
            for (int first = 0; first < rows; first += 4)
            {
                float[] some = new float[Math.Min(5, rows - first) * columns];
                model.Weights.Read(parameter.Name, parameter.Shape, first, some);
                Assert.Equal(expected[(first * columns)..((first * columns) + some.Length)], some);
                byte[] bytes = new byte[some.Length * sizeof(float)];
                if (!model.Weights.TryCopy(parameter.Name, parameter.Shape, first, DType.F32, bytes)) continue;
                Assert.Equal(MemoryMarshal.AsBytes(some.AsSpan()).ToArray(), bytes);
            }
        }
    }

    [Theory]
    [InlineData(ModelFamily.Gpt2, "transformer.", "")]
    [InlineData(ModelFamily.Gemma3, "model.", "language_model.model.")]
    [InlineData(ModelFamily.Gemma3, "model.", "model.language_model.")]
    [InlineData(ModelFamily.Llama, "model.", "")]
    public void Other_prefixes_are_found(ModelFamily family, string published, string actual)
    {
        using FamilyFolder folder = new(family, rename: n => n.StartsWith(published, StringComparison.Ordinal) ? actual + n[published.Length..] : n);
        using StoredModel model = StoredModel.Open(folder.Path);
        foreach (ParameterShape parameter in TransformerModel.ParameterShapes(model.Configuration)) Assert.Equal(folder.Expected(parameter.Name), Numbers(model, parameter));
    }

    [Theory]
    [InlineData("\"num_hidden_layers\":3", "\"num_hidden_layers\":10000", "too few for 10000 layers")]
    [InlineData("\"num_hidden_layers\":3", "\"num_hidden_layers\":4", "no tensor 'model.layers.3.")]
    [InlineData("\"intermediate_size\":14", "\"intermediate_size\":15", "not [15, 32]")]
    public void A_configuration_of_another_model_is_refused(string old, string changed, string fault)
    {
        string config = FamilyFolder.Config(ModelFamily.Llama);
        Assert.Contains(old, config, StringComparison.Ordinal);
        using FamilyFolder folder = new(ModelFamily.Llama, config: config.Replace(old, changed, StringComparison.Ordinal));
        FileFormatException error = Assert.Throws<FileFormatException>(() => StoredModel.Open(folder.Path));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 8, 2, long.MaxValue)]
    [InlineData(1000, 4096, 1001, 1L << 60)]
    public void Sizes_of_empty_tensors_are_no_experts(int layers, int experts, int tensors, long size)
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", FamilyFolder.Config(ModelFamily.Mixtral).Replace("\"num_hidden_layers\":3", $"\"num_hidden_layers\":{layers}", StringComparison.Ordinal)
            .Replace("\"num_local_experts\":3", $"\"num_local_experts\":{experts}", StringComparison.Ordinal));
        byte[] header = System.Text.Encoding.UTF8.GetBytes(
            $"{{{string.Join(',', Enumerable.Range(0, tensors).Select(i => $"\"t{i}\":{{\"dtype\":\"F32\",\"shape\":[{size},0,1],\"data_offsets\":[0,0]}}"))}}}");
        folder.Write("model.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        FileFormatException error = Assert.Throws<FileFormatException>(() => StoredModel.Open(folder.Path));
        Assert.Contains($"too few for {layers} layers of {experts} experts", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    [Theory]
    [InlineData("{\"rope_scaling\":[{\"factor\":1,\"factor\":2}]}")]
    [InlineData("{\"a\":[[0,{\"factor\":1,\"factor\":2}]]}")]
    public void A_name_given_twice_within_an_array_is_refused(string config)
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", config);
        FileFormatException error = Assert.Throws<FileFormatException>(() => StoredModel.Open(folder.Path));
        Assert.Contains("'factor' is given twice", error.Message, StringComparison.Ordinal);
    }

    internal static float[] Numbers(StoredModel model, ParameterShape parameter)
    {
        float[] numbers = new float[parameter.Shape.Elements];
        model.Weights.Read(parameter.Name, parameter.Shape, 0, numbers);
        return numbers;
    }
}
