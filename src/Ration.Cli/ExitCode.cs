namespace Ration.Cli;

/// <summary>What the tool tells its caller. Scripts rely on these numbers.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>A defect in Ration.</summary>
    public const int Defect = 1;

    /// <summary>Bad arguments or input, or a disk that is full.</summary>
    public const int BadInput = 2;

    /// <summary>It does not fit the budget.</summary>
    public const int OverBudget = 3;

    /// <summary>Interrupted; what there was to save is saved.</summary>
    public const int Interrupted = 130;
}
