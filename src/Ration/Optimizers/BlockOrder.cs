namespace Ration.Optimizers;

/// <summary>In which order blocks take their turns.</summary>
public enum BlockOrder
{
    /// <summary>Each time some of all blocks, drawn without replacement.</summary>
    Drawn,

    /// <summary>One at a time, each once in every round, rounds shuffled anew.</summary>
    Shuffled,

    /// <summary>One at a time, from the first to the last.</summary>
    Ascending,

    /// <summary>One at a time, from the last to the first.</summary>
    Descending,
}
