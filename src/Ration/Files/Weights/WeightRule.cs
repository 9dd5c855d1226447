namespace Ration.Files.Weights;

/// <summary>Where files keep one parameter of a model, or one of each layer.</summary>
/// <param name="Template">The tensor's name without <c>.weight</c> or <c>.bias</c>; {0} is the layer, {1} the expert where each has a tensor of its own.</param>
/// <param name="Slot">Its place, from 0, among the parameters whose rows lie one after another in the same tensor.</param>
/// <param name="Transposed">Whether matrices are stored [input, output].</param>
internal readonly record struct WeightRule(string Template, int Slot = 0, bool Transposed = false);
