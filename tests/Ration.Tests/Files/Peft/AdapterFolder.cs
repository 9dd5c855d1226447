using Ration.Files.Peft;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Files.Peft;

/// <summary>An adapter with random factors for matrices of a model folder, and what the merged matrices must be, computed in double precision.</summary>
internal sealed class AdapterFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, double[]> _deltas = new(StringComparer.Ordinal);
    private readonly Dictionary<string, float[]> _saved = new(StringComparer.Ordinal);

    /// <summary>Makes one.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="modules">The adapted matrices: name, inputs, outputs, and whether it is an embedding ([tokens, width] = [outputs, inputs]).</param>
    /// <param name="transposed">Whether matrices are stored inputs × outputs.</param>
    /// <param name="saved">Whole tensors that take the place of the base's.</param>
    /// <param name="rename">From published names to those in the adapter.</param>
    /// <param name="type">How factors are stored.</param>
    public AdapterFolder(PeftConfig config, IEnumerable<(string Name, int Inputs, int Outputs, bool Embedding)> modules, bool transposed = false,
        IEnumerable<(string Name, Shape Shape)>? saved = null, Func<string, string>? rename = null, DType type = DType.F32)
    {
        rename ??= static name => name;
        List<(string Name, DType Type, Shape Shape)> tensors = [];
        Dictionary<string, float[]> content = new(StringComparer.Ordinal);
        int seed = 1;
        foreach ((string name, int inputs, int outputs, bool embedding) in modules)
        {
            int rank = config.RankPattern.Where(p => name.EndsWith(p.Key, StringComparison.Ordinal)).Select(static p => p.Value).FirstOrDefault(config.Rank);
            double alpha = config.AlphaPattern.Where(p => name.EndsWith(p.Key, StringComparison.Ordinal)).Select(static p => p.Value).FirstOrDefault(config.Alpha);
            double scale = alpha / (config.RankStabilized ? Math.Sqrt(rank) : rank);
            float[] a = Numbers((embedding ? outputs : inputs) * rank, seed++, type), b = Numbers((embedding ? inputs : outputs) * rank, seed++, type);
            string nameOfA = rename(name) + (embedding ? ".lora_embedding_A" : ".lora_A.weight"), nameOfB = rename(name) + (embedding ? ".lora_embedding_B" : ".lora_B.weight");
            tensors.Add((nameOfA, type, embedding ? new Shape(rank, outputs) : new Shape(rank, inputs)));
            tensors.Add((nameOfB, type, embedding ? new Shape(inputs, rank) : new Shape(outputs, rank)));
            (content[nameOfA], content[nameOfB]) = (a, b);
            double[] delta = new double[inputs * outputs];
            for (int o = 0; o < outputs; o++)
            {
                for (int i = 0; i < inputs; i++)
                {
                    double sum = 0;
                    for (int r = 0; r < rank; r++) sum += embedding ? (double)a[(r * outputs) + o] * b[(i * rank) + r] : (double)b[(o * rank) + r] * a[(r * inputs) + i];
                    delta[transposed && !embedding ? (i * outputs) + o : (o * inputs) + i] = scale * sum;
                }
            }

            _deltas.Add(name + ".weight", delta);
        }

        foreach ((string name, Shape shape) in saved ?? [])
        {
            _saved.Add(name, Numbers((int)shape.Elements, seed++, DType.F32));
            tensors.Add((rename(name), DType.F32, shape));
            content[rename(name)] = _saved[name];
        }

        PeftAdapter.Save(Path, config, tensors, output =>
        {
            foreach ((string name, DType stored, Shape shape) in tensors)
            {
                byte[] bytes = new byte[stored.Bytes(shape)];
                TensorCodec.Encode(stored, content[name], bytes);
                output.Write("base_model.model." + name, bytes);
            }
        });
    }

    public string Path => _folder.Path;

    /// <summary>Merges by hand: changes the numbers of a published tensor.</summary>
    public void Merge(string tensor, float[] numbers)
    {
        if (_saved.TryGetValue(tensor, out float[]? saved)) saved.CopyTo(numbers, 0);
        if (!_deltas.TryGetValue(tensor, out double[]? delta)) return;
        for (int i = 0; i < numbers.Length; i++) numbers[i] = (float)(numbers[i] + delta[i]);
    }

    public void Dispose() => _folder.Dispose();

    private static float[] Numbers(int count, int seed, DType type)
    {
        float[] numbers = new float[count];
        new CounterRandom(11, (ulong)seed).FillNormal(0, numbers, 0.2f);
        byte[] bytes = new byte[type.Bytes(count)];
        TensorCodec.Encode(type, numbers, bytes);
        TensorCodec.Decode(type, bytes, numbers);
        return numbers;
    }
}
