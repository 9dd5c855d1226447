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

/// <summary>One tensor of a graph. A computed value is defined by exactly one node; bytes are assigned later, by placement.</summary>
/// <param name="Id">Unique in the graph.</param>
/// <param name="Name">For people; unique among persistent values and inputs, where it is the key for reading and writing.</param>
/// <param name="Shape">The sizes.</param>
/// <param name="DType">How elements are stored.</param>
/// <param name="Kind">What its bytes are for.</param>
/// <param name="Role">Who writes it, and when.</param>
/// <param name="Trainable">Whether differentiation must reach it; only parameters are trainable.</param>
public sealed record Value(int Id, string Name, Shape Shape, DType DType, MemoryKind Kind, ValueRole Role, bool Trainable = false)
{
    /// <summary>Its size in memory.</summary>
    public long Bytes => checked(Shape.Elements * DType.Bytes());

    /// <summary>For example <c>%12 mlp.gate f32[1024, 2048]</c>.</summary>
    public override string ToString() => $"%{Id} {Name} {DType}{Shape}";
}
