namespace Ration.Devices.Cpu.Kernels;

/// <summary>An operation on the accumulator of a tile, which is the first operand.</summary>
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

    /// <summary>The sign turned.</summary>
    Negate,

    /// <summary>The magnitude.</summary>
    Absolute,

    /// <summary>−1, 0 or 1.</summary>
    Sign,

    /// <summary>The square root.</summary>
    SquareRoot,
}

/// <summary>
/// What happens to the accumulator of a tile at once, in this order, each only where there is something to do: it is loaded, multiplied by a
/// scalar, combined with an operand, stored.
/// </summary>
internal struct TileStep
{
    /// <summary>What is loaded; nothing at <see cref="StepOperand.Address"/> 0, as for the others.</summary>
    public StepOperand Loaded;

    /// <summary>The scalar.</summary>
    public StepOperand Scale;

    /// <summary>What then happens.</summary>
    public TileOperation Operation;

    /// <summary>The operand beside the accumulator.</summary>
    public StepOperand Other;

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
