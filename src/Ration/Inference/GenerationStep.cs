using Ration.Models;
using Ration.Tensors;

namespace Ration.Inference;

/// <summary>What the programs of a generation compute and keep, apart from how many tokens each takes at once.</summary>
/// <param name="Model">The model.</param>
/// <param name="Rows">Texts at once.</param>
/// <param name="Capacity">The most tokens of a text.</param>
/// <param name="CacheType">How keys and values are stored: F32, F16, BF16 or Q8_0.</param>
/// <param name="LargestChunk">The most tokens that a program takes of each text.</param>
/// <param name="WeightType">How a weight is stored, by its name and shape; null for F32.</param>
/// <param name="StreamedBlocks">Blocks, from the first on, whose matrices are read from the files in every step instead of being kept in memory.</param>
public sealed record GenerationStep(
    ModelConfiguration Model, int Rows, int Capacity, DType CacheType, int LargestChunk, Func<string, Shape, DType>? WeightType = null, int StreamedBlocks = 0);
