using Ration.Graphs;

namespace Ration.Optimizers;

/// <summary>Sums over the equal parts of a step, for rules that go by how the parts' gradients differ. Neither is clipped.</summary>
/// <param name="Parts">How many parts there are.</param>
/// <param name="Sum">The sum of their gradients: the step's gradient g = Σ gᵢ.</param>
/// <param name="Squares">The sum of the squares of their gradients; parts·Σ gᵢ² is the mean square of a part's own gradient, parts·gᵢ.</param>
public sealed record GradientMoments(int Parts, Value Sum, Value Squares);
