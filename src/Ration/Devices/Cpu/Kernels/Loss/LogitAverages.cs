namespace Ration.Devices.Cpu.Kernels;

/// <summary>Adds a block of logits to the average logit of each class, tokens in order within each slice of classes.</summary>
internal unsafe struct LogitAverages : IParallelWork
{
    private const nint ColumnsOfItem = 256;

    /// <summary>[rows, columns]; overwritten by capped logits where there is a cap.</summary>
    public float* Logits;

    /// <summary>[columns] overwritten, or added to.</summary>
    public float* Averages;

    /// <summary>[rows]; tokens without a target do not count.</summary>
    public int* Targets;

    /// <summary>Rows of the block.</summary>
    public nint Rows;

    /// <summary>Columns of the block.</summary>
    public nint Columns;

    /// <summary>One over the number of tokens with a target.</summary>
    public float Share;

    /// <summary>Logits z become cap · tanh(z / cap); 0 for as they are.</summary>
    public float SoftCap;

    /// <summary>Whether these are the first tokens.</summary>
    public bool IsFirst;

    /// <summary>Items of work.</summary>
    public readonly int Items => checked((int)((Columns + ColumnsOfItem - 1) / ColumnsOfItem));

    /// <inheritdoc/>
    public readonly void Execute(int item, int worker)
    {
        nint start = item * ColumnsOfItem, count = nint.Min(ColumnsOfItem, Columns - start);
        if (IsFirst) new Span<float>(Averages + start, (int)count).Clear();
        for (nint row = 0; row < Rows; row++)
        {
            float* logits = Logits + (row * Columns) + start;
            if (SoftCap > 0) ElementwiseLoops.TernaryScalars<CappedLogit>(logits, SoftCap, 1 / SoftCap, logits, count);
            if (Targets[row] >= 0) ReductionLoops.Axpy(Share, logits, Averages + start, count);
        }
    }
}
