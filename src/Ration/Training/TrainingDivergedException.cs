namespace Ration.Training;

/// <summary>The loss of a step is not a finite number. Nothing was saved from that step on.</summary>
public sealed class TrainingDivergedException(long step)
    : InvalidInputException($"the loss became not finite at step {step}: training stopped; a lower --learning-rate or a longer --warmup usually mends it")
{
    /// <summary>Number of the step, from 1.</summary>
    public long Step { get; } = step;
}
