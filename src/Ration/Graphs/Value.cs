using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs;

/// <summary>How long a value lives and who writes it.</summary>
public enum ValueRole
{
    /// <summary>Result of a node; lives from that node to its last use.</summary>
    Computed,

    /// <summary>Written by the host before the nodes run.</summary>
    Input,

    /// <summary>Lives from step to step and is assigned in place: weights, optimizer state, accumulated gradients.</summary>
    Persistent,
}

/// <summary>In which order the rows of a stored matrix lie.</summary>
public enum StorageLayout
{
    /// <summary>Row after row, as in files.</summary>
    Rows,

    /// <summary>
    /// Rows in tiles of 16 that lie side by side, so that one vector lane is one row: the same bytes in another order, chosen by a device
    /// that multiplies few vectors by large quantized matrices.
    /// </summary>
    Tiles,
}

/// <summary>What a parameter is in the repeated blocks of a model.</summary>
/// <param name="Number">The number of the block, from 0.</param>
/// <param name="Name">The parameter's name within the block, the same in all blocks, for example <c>mlp.up_proj.weight</c>.</param>
public readonly record struct BlockPart(int Number, string Name);

/// <summary>One tensor of a graph. A computed value is defined by exactly one node; bytes are assigned later, by placement.</summary>
/// <param name="Id">Unique in the graph.</param>
/// <param name="Name">For people; unique among persistent values and inputs, where it is the key for reading and writing.</param>
/// <param name="Shape">The sizes.</param>
/// <param name="DType">How elements are stored.</param>
/// <param name="Kind">What its bytes are for.</param>
/// <param name="Role">Who writes it, and when.</param>
/// <param name="Trainable">Whether differentiation must reach it; only parameters are trainable.</param>
/// <param name="Layout">In which order its rows lie; anything but rows is for quantized matrices only.</param>
public sealed record Value(
    int Id, string Name, Shape Shape, DType DType, MemoryKind Kind, ValueRole Role, bool Trainable = false, StorageLayout Layout = StorageLayout.Rows)
{
    /// <summary>Whether no element is ever below zero, so that storage can do without signs.</summary>
    public bool IsNonNegative { get; init; }

    /// <summary>Which part of which block a parameter is; null outside of blocks.</summary>
    public BlockPart? Block { get; init; }

    /// <summary>Its size in memory.</summary>
    public long Bytes => DType.Bytes(Shape);

    /// <summary>For example <c>%12 mlp.gate f32[1024, 2048]</c>.</summary>
    public override string ToString() => $"%{Id} {Name} {DType}{Shape}";
}
