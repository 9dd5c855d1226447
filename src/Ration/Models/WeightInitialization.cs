using Ration.Execution;
using Ration.Graphs;
using Ration.Memory;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Models;

/// <summary>
/// Initial weights: matrices are normal with deviation √(2/(5·width)) (Nguyen and Salazar 2019, "small init"), those that write to the
/// residual stream 2/(layers·√width) (Wang and Komatsuzaki 2021), norm gains make one with what is added to them, biases and
/// everything else are zero. A number depends only on the
/// seed, the name of the weight and its place in it.
/// </summary>
public static class WeightInitialization
{
    private const int Piece = 2 << 10;

    /// <summary>Writes the initial contents of one persistent value.</summary>
    public static void Fill(Executor executor, Value value, ModelConfiguration model, ulong seed)
    {
        float deviation = Deviation(value, model);
        bool isGain = value.Kind == MemoryKind.Weights && value.Shape.Rank == 1 && value.Name.EndsWith(".weight", StringComparison.Ordinal);
        float gain = isGain ? 1 - model.NormGainOffset : 0;
        if (deviation == 0 && gain == 0)
        {
            executor.Clear(value);
            return;
        }

        Span<float> piece = stackalloc float[Piece];
        Span<byte> stored = stackalloc byte[Piece * sizeof(float)];
        piece.Fill(gain);
        CounterRandom random = new(seed, CounterRandom.StreamOf(value.Name));
        for (long start = 0; start < value.Shape.Elements; start += Piece)
        {
            Span<float> part = piece[..(int)Math.Min(Piece, value.Shape.Elements - start)];
            if (!isGain) random.FillNormal((ulong)start, part, deviation);
            Span<byte> bytes = stored[..(int)value.DType.Bytes(part.Length)];
            TensorCodec.Encode(value.DType, part, bytes);
            executor.WritePersistent(value, value.DType.Bytes(start), bytes);
        }
    }

    private static float Deviation(Value value, ModelConfiguration model)
    {
        if (value.Kind != MemoryKind.Weights || value.Shape.Rank < 2) return 0;
        bool writesResidual = value.Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || value.Name.EndsWith("down_proj.weight", StringComparison.Ordinal);
        double small = Math.Sqrt(2.0 / (5.0 * model.Width));
        return (float)(writesResidual ? Math.Min(small, 2 / (model.Layers * Math.Sqrt(model.Width))) : small);
    }
}
