using Ration.Devices.Cpu.MatrixProduct;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Which rows of the head are the classes of the loss, and in which order: all of them as they lie, a sample, or all in the order of their
/// average logits. Chosen rows are gathered block by block.
/// </summary>
internal readonly unsafe struct HeadRows
{
    private readonly int* _ids;
    private readonly float* _gathered;

    private HeadRows(int* ids, nint count, int* targets, float* gathered)
    {
        _ids = ids;
        Count = count;
        Targets = targets;
        _gathered = gathered;
    }

    /// <summary>How many classes there are.</summary>
    public nint Count { get; }

    /// <summary>[tokens] the number of each target among the classes; negative = ignored.</summary>
    public int* Targets { get; }

    /// <summary>Whether rows are chosen by a list.</summary>
    public bool IsList => _ids != null;

    /// <summary>The rows of the forward pass: all, or the sample.</summary>
    /// <exception cref="ArgumentException">A target is not in the sample.</exception>
    public static HeadRows Of(in LinearCrossEntropyArguments x, in LossBlocks blocks, byte* workspace)
    {
        if (x.Sample == null) return new HeadRows(null, x.Vocabulary, x.Targets, null);
        ReadOnlySpan<int> room = new(x.Sample, checked((int)x.SampleRoom));
        int end = room.IndexOf(-1);
        ReadOnlySpan<int> sample = end < 0 ? room : room[..end];
        int* targets = (int*)(workspace + blocks.Targets);
        for (nint i = 0; i < x.Tokens; i++)
        {
            targets[i] = x.Targets[i] < 0 ? -1 : sample.BinarySearch(x.Targets[i]);
            if (x.Targets[i] >= 0 && targets[i] < 0) throw new ArgumentException($"the target {x.Targets[i]} of token {i} is not in the sample");
        }

        return new HeadRows(x.Sample, sample.Length, targets, (float*)(workspace + blocks.Gathered));
    }

    /// <summary>All rows, those of low average logit first.</summary>
    public static HeadRows InOrder(in LinearCrossEntropyArguments x, in LossBlocks blocks, byte* workspace)
    {
        int* targets = (int*)(workspace + blocks.Targets), ids = (int*)(workspace + blocks.Order);
        Span<ulong> keys = new(ids, checked((int)x.Vocabulary));
        for (int i = 0; i < keys.Length; i++) keys[i] = Key(x.AverageLogits, i);
        keys.Sort();
        for (nint i = 0; i < x.Tokens; i++) targets[i] = x.Targets[i] < 0 ? -1 : keys.BinarySearch(Key(x.AverageLogits, x.Targets[i]));
        // In place: the id at i ends before the key at i + 1 begins.
        for (int i = 0; i < keys.Length; i++) ids[i] = (int)(uint)keys[i];
        return new HeadRows(ids, keys.Length, targets, (float*)(workspace + blocks.Gathered));
    }

    /// <summary>How many of a block's columns are classes; the others are room of a sample that was not used.</summary>
    public nint Valid(nint start, nint columns) => nint.Min(columns, Count - start);

    /// <summary>Rows of the head from class <paramref name="start"/> on, as [columns, width].</summary>
    /// <returns>The rows, to be read as they are or transposed.</returns>
    public HeadBlock Block(WorkerPool pool, in LinearCrossEntropyArguments x, nint start, nint columns)
    {
        if (!IsList) return new HeadBlock(x.Weight + (start * (nint)x.WeightType.Bytes((long)x.Width)), x.WeightType, x.Width);
        nint valid = Valid(start, columns);
        MatrixOperand table = new(x.Weight, x.WeightType, x.Width, false);
        EmbeddingKernel.Gather(pool, table, _ids + start, _gathered, valid, x.Vocabulary);
        StorageKernel.Fill(pool, _gathered + (valid * x.Width), 0, (columns - valid) * x.Width);
        return new HeadBlock((byte*)_gathered, DType.F32, x.Width);
    }

    /// <summary>gradient[row of class start + i] += slice[i].</summary>
    public void AddTo(WorkerPool pool, in LinearCrossEntropyArguments x, float* gradient, float* slice, nint start, nint columns)
    {
        nint valid = Valid(start, columns);
        if (valid > 0) EmbeddingKernel.ScatterAdd(pool, slice, _ids + start, gradient, valid, x.Width, x.Vocabulary, accumulate: true);
    }

    // Orders floats as numbers do; equal ones by their ids, so that the order is one whatever sorts it.
    private static ulong Key(float* averages, int id)
    {
        uint bits = BitConverter.SingleToUInt32Bits(averages[id]);
        bits = (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
        return ((ulong)bits << 32) | (uint)id;
    }
}

/// <summary>Some rows of the head, side by side.</summary>
internal readonly unsafe struct HeadBlock(byte* data, DType type, nint width)
{
    /// <summary>The rows as the matrix [width, columns].</summary>
    public MatrixOperand Transposed => new(data, type, width, true);

    /// <summary>The rows from <paramref name="row"/> on, as they are.</summary>
    public MatrixOperand Plain(nint row) => new(data + (row * (nint)type.Bytes((long)width)), type, width, false);
}
