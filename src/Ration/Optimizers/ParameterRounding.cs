using Ration.Graphs;

namespace Ration.Optimizers;

/// <summary>How an updated parameter gets into storage of fewer bits; by default to nearest, which F32 needs not.</summary>
/// <param name="Key">If not null, it is rounded by chance: I64 [2], the seed and the number of the step.</param>
/// <param name="Site">Distinguishes parameters.</param>
/// <param name="IsCompensated">What rounding leaves over is kept in bfloat16 and added to the next update.</param>
public readonly record struct ParameterRounding(Value? Key = null, int Site = 0, bool IsCompensated = false);
