using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Files;
using Ration.Files.Safetensors;
using Ration.Graphs;
using Ration.Models;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Models;

/// <summary>What PyTorch computed in float64 for small models of all families; tests/golden/make_architecture_golden.py tells how.</summary>
internal sealed class ArchitectureGolden : IDisposable
{
    private readonly SafetensorsReader _tensors = SafetensorsReader.Open(Path.Combine(AppContext.BaseDirectory, "Golden", "architectures.safetensors"));
    private readonly JsonElement _json = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "architectures.json"))).RootElement;

    /// <summary>Rows of the batch.</summary>
    public int Rows => (int)_tensors.Require("tokens").Shape[0];

    /// <summary>Tokens of a row.</summary>
    public int Sequence => (int)_tensors.Require("tokens").Shape[1];

    public int[] Tokens => Read<int>("tokens");

    public int[] Targets => Read<int>("targets");

    /// <summary>[rows, sequence, vocabulary].</summary>
    public float[] Logits(string model) => Read<float>(model + ".logits");

    /// <summary>The mean cross-entropy.</summary>
    public double Loss(string model) => Case(model).GetProperty("loss").GetDouble();

    /// <summary>For each weight the norm of its gradient, and the gradient's sum times the direction of the weight.</summary>
    public IReadOnlyDictionary<string, (double Norm, double Projection)> Gradients(string model) => Case(model).GetProperty("gradients").EnumerateObject()
        .ToDictionary(static p => p.Name, static p => (p.Value[0].GetDouble(), p.Value[1].GetDouble()));

    /// <summary>Frequencies, their factor, and the longest text they are for.</summary>
    public (double[] Radians, double Factor, int Context) Frequencies(string name)
    {
        JsonElement json = _json.GetProperty("frequencies").GetProperty(name);
        return ([.. json.GetProperty("radians").EnumerateArray().Select(static r => r.GetDouble())], json.GetProperty("factor").GetDouble(), json.GetProperty("context").GetInt32());
    }

    /// <summary>Runs a program over the batch, with an input <c>scale</c> for the mean of the loss.</summary>
    /// <param name="device">Where; its memory is reserved here.</param>
    /// <param name="program">Of a graph with weights, inputs, targets and the scale.</param>
    /// <param name="model">The configuration whose weights are taken.</param>
    public void Run(CpuDevice device, StepProgram program, ModelConfiguration model)
    {
        device.Reserve(program.ArenaBytes);
        foreach (Value weight in program.Graph.Persistent)
            Write<float>(program.Layout.OffsetOf(weight), Weight(model, new ParameterShape(weight.Name, weight.Shape)));
        int[] positions = [.. Enumerable.Range(0, Rows * Sequence).Select(i => i % Sequence)];
        Write(program.OffsetOf(ModelInputs.TokensName), Tokens);
        Write(program.OffsetOf(TrainingGraph.Targets), Targets);
        Write(program.OffsetOf(ModelInputs.PositionsName), positions);
        Write(program.OffsetOf(ModelInputs.KeyRangesName), positions.SelectMany(static p => new[] { 0, p }).ToArray());
        Write(program.OffsetOf("scale"), (float[])[1f / positions.Length]);
        foreach (Instruction instruction in program.Instructions) device.Run(instruction);

        void Write<T>(long offset, T[] values)
            where T : unmanaged => device.Write(offset, MemoryMarshal.AsBytes(values.AsSpan()));
    }

    /// <summary>Elements of a weight: a hash of its name and their numbers, scaled by what the weight is.</summary>
    public static float[] Weight(ModelConfiguration model, ParameterShape weight)
    {
        double[] values = Hashed(weight.Name, weight.Shape.Elements);
        double factor = weight.Shape.Rank == 1 ? 0.25 : 1.5 * Math.Sqrt(3.0 / weight.Shape[^1]);
        double mean = weight.Shape.Rank > 1 || weight.Name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : 1 - model.NormGainOffset;
        return [.. values.Select(v => (float)(mean + (factor * v)))];
    }

    /// <summary>Numbers in [−1, 1): splitmix64 of a stream that the name's FNV-1a hash begins.</summary>
    public static double[] Hashed(string name, long count)
    {
        ulong stream = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(name)) stream = (stream ^ b) * 1099511628211;
        double[] numbers = new double[count];
        for (int i = 0; i < numbers.Length; i++)
        {
            ulong z = stream + ((ulong)(i + 1) * 0x9E3779B97F4A7C15);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            numbers[i] = (((z ^ (z >> 31)) >> 40) / 8388608.0) - 1;
        }

        return numbers;
    }

    public void Dispose() => _tensors.Dispose();

    private JsonElement Case(string model) => _json.GetProperty("cases").GetProperty(model);

    private T[] Read<T>(string name)
        where T : unmanaged
    {
        T[] elements = new T[_tensors.Require(name).Shape.Elements];
        _tensors.Read(name, MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }
}
