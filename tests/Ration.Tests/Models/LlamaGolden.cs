using System.Runtime.InteropServices;
using System.Text.Json;
using Ration.Files;
using Ration.Files.Safetensors;
using Ration.Models;
using Ration.Tests.Training;

namespace Ration.Tests.Models;

/// <summary>The values that PyTorch computed in float64 for a small Llama; tests/golden/make_llama_golden.py tells how.</summary>
internal sealed class LlamaGolden : IDisposable
{
    private readonly SafetensorsReader _tensors = SafetensorsReader.Open(Path.Combine(AppContext.BaseDirectory, "Golden", "llama.safetensors"));
    private readonly JsonElement _json = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "llama.json"))).RootElement;

    /// <summary>The model.</summary>
    public ModelConfiguration Model => new()
    {
        Name = "golden",
        Vocabulary = Integer("configuration", "vocabularySize"),
        Width = Integer("configuration", "hiddenSize"),
        HiddenWidth = Integer("configuration", "intermediateSize"),
        Layers = Integer("configuration", "layers"),
        Heads = Integer("configuration", "heads"),
        KvHeads = Integer("configuration", "kvHeads"),
        HeadDimension = Integer("configuration", "headDimension"),
        RopeTheta = Number("configuration", "ropeTheta"),
        NormEpsilon = (float)Number("configuration", "rmsNormEpsilon"),
    };

    /// <summary>The loss of each step before its update.</summary>
    public double[] Losses => [.. _json.GetProperty("losses").EnumerateArray().Select(static l => l.GetDouble())];

    public int Integer(string group, string key) => _json.GetProperty(group).GetProperty(key).GetInt32();

    public double Number(string group, string key) => _json.GetProperty(group).GetProperty(key).GetDouble();

    /// <summary>A tensor of numbers.</summary>
    public float[] Floats(string name) => Read<float>(name);

    /// <summary>The batch of a step, counted from 1.</summary>
    public Batch Batch(int step) => new(
        Integer("training", "rows"), Integer("training", "sequence"), Read<int>($"step{step}.inputs"), Read<int>($"step{step}.targets"),
        Read<int>($"step{step}.positions"), Read<int>($"step{step}.keyRanges"));

    public void Dispose() => _tensors.Dispose();

    private T[] Read<T>(string name)
        where T : unmanaged
    {
        T[] elements = new T[_tensors.Require(name).Shape.Elements];
        _tensors.Read(name, MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }
}
