namespace Ration.Training;

/// <summary>How the learning rate falls after warm-up.</summary>
public enum ScheduleShape
{
    /// <summary>Half a cosine from the peak to the final rate (Loshchilov and Hutter 2017).</summary>
    Cosine,

    /// <summary>A straight line from the peak to the final rate.</summary>
    Linear,

    /// <summary>Not at all.</summary>
    Constant,
}

/// <summary>Facts about <see cref="ScheduleShape"/>.</summary>
public static class ScheduleShapeExtensions
{
    /// <summary>The word for it on the command line and in files.</summary>
    public static string Name(this ScheduleShape shape) => shape switch
    {
        ScheduleShape.Cosine => "cosine",
        ScheduleShape.Linear => "linear",
        ScheduleShape.Constant => "constant",
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "unknown shape of a schedule"),
    };
}

/// <summary>The learning rate of each step: a linear warm-up, then a decay to the last step.</summary>
/// <param name="Shape">How it falls.</param>
/// <param name="Peak">The rate at the end of the warm-up.</param>
/// <param name="FinalShare">The rate of the last step as a share of the peak, in [0, 1].</param>
/// <param name="WarmupSteps">Steps of warm-up.</param>
/// <param name="Steps">All steps.</param>
public sealed record LearningRateSchedule(ScheduleShape Shape, double Peak, double FinalShare, long WarmupSteps, long Steps)
{
    /// <summary>The rate of a step, counted from 1.</summary>
    public double At(long step)
    {
        if (step <= WarmupSteps) return Peak * step / WarmupSteps;
        double progress = Math.Clamp((double)(step - WarmupSteps) / Math.Max(1, Steps - WarmupSteps), 0, 1);
        double remaining = Shape switch
        {
            ScheduleShape.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            ScheduleShape.Linear => 1 - progress,
            _ => 1,
        };
        return Peak * (FinalShare + ((1 - FinalShare) * remaining));
    }
}
