namespace Ration.Training;

/// <summary>The loss of a step, or what it made of the weights, is no longer finite. Nothing was saved from that step on.</summary>
/// <param name="step">Number of the step, from 1.</param>
/// <param name="what">What is no longer finite.</param>
public sealed class TrainingDivergedException(long step, string what = "the loss")
    : InvalidInputException($"{what} is no longer finite at step {step}: training stopped; a lower --learning-rate or a longer --warmup usually mends it")
{
    /// <summary>Number of the step, from 1.</summary>
    public long Step { get; } = step;
}
