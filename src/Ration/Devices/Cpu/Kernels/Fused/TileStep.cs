namespace Ration.Devices.Cpu.Kernels;

/// <summary>A function of the accumulator of a tile.</summary>
internal enum TileFunction
{
    /// <summary>None: nothing happens to it.</summary>
    None,

    /// <summary>The sign turned.</summary>
    Negate,

    /// <summary>The magnitude.</summary>
    Absolute,

    /// <summary>−1, 0 or 1.</summary>
    Sign,

    /// <summary>The square root.</summary>
    SquareRoot,

    /// <summary>The square.</summary>
    Square,
}

/// <summary>An operation on the accumulator of a tile and an operand.</summary>
internal enum TileOperation
{
    /// <summary>None: nothing happens to it.</summary>
    None,

    /// <summary>The operand is added.</summary>
    Add,

    /// <summary>The operand is subtracted.</summary>
    Subtract,

    /// <summary>Multiplied by the operand.</summary>
    Multiply,

    /// <summary>Divided by the operand.</summary>
    Divide,

    /// <summary>The lesser of both.</summary>
    Minimum,

    /// <summary>The greater of both.</summary>
    Maximum,
}

/// <summary>
/// What happens to the accumulator of a tile at once, in this order, each only where there is something to do: it is loaded, replaced by a function
/// of it, multiplied by a scalar, combined with an operand, stored.
/// </summary>
internal struct TileStep
{
    /// <summary>What is loaded; nothing at <see cref="StepOperand.Address"/> 0, as for the others.</summary>
    public StepOperand Loaded;

    /// <summary>The function.</summary>
    public TileFunction Before;

    /// <summary>The scalar.</summary>
    public StepOperand Scale;

    /// <summary>What then happens.</summary>
    public TileOperation Operation;

    /// <summary>The operand beside the accumulator; nothing too where it is there already, since the step before had the same.</summary>
    public StepOperand Other;

    /// <summary>The scalar by which that operand is multiplied.</summary>
    public StepOperand OtherScale;

    /// <summary>Whether that operand is the first one and the accumulator the second.</summary>
    public bool IsTurned;

    /// <summary>Where the result is stored.</summary>
    public StepOperand Stored;

    /// <summary>Whether <see cref="Loaded"/> is of a tensor that no step before reads, so that what lies ahead in it is to be fetched.</summary>
    public bool FetchesLoaded;

    /// <summary>The same of <see cref="Other"/>.</summary>
    public bool FetchesOther;

    /// <summary>The step of a worker whose registers lie some bytes behind.</summary>
    public readonly TileStep Of(nint registerBytes) => this with
    {
        Loaded = Loaded.Of(registerBytes),
        Scale = Scale.Of(registerBytes),
        Other = Other.Of(registerBytes),
        Stored = Stored.Of(registerBytes),
    };

    /// <summary>Goes some elements of the tensors on.</summary>
    public void MoveBy(nint elements)
    {
        Loaded.MoveBy(elements);
        Other.MoveBy(elements);
        Stored.MoveBy(elements);
    }
}
