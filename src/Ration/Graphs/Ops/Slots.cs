using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// Slots for what waits for the backward pass in some steps only, one after another in one piece of memory, empty as yet. Outputs the memory (U8
/// [bytes], zeros) and its end: how many bytes are taken (I64 scalar), none.
/// </summary>
/// <param name="Bytes">All that can be kept at once, at least 1.</param>
public sealed record EmptySlots(long Bytes) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 0, 0);
        if (Bytes < 1) throw Refuse($"slots of {Bytes} bytes hold nothing", inputs);
        return [new TensorType(new Shape(Bytes), DType.U8), new TensorType(Shape.Scalar, DType.I64)];
    }
}

/// <summary>An operation on slots: its first input is their memory, and places in it follow.</summary>
public abstract record SlotOp : Op
{
    /// <summary>Requires the memory of slots and some places in it.</summary>
    private protected void RequireSlots(IReadOnlyList<Value> inputs, int places)
    {
        if (inputs[0] is not { DType: DType.U8, Shape.Rank: 1 }) throw Refuse("input 0 must be the memory of slots", inputs);
        for (int i = 1; i <= places; i++)
        {
            if (inputs[i] is not { DType: DType.I64, Shape.Rank: 0 }) throw Refuse($"input {i} must be a place in the slots", inputs);
        }
    }
}

/// <summary>
/// Keeps x in the slot that begins at the end of the others, if any of some scalars is not zero; else everything stays as it is. Inputs the memory
/// of the slots and its end as of <see cref="EmptySlots"/>, x (F32 or U8, of any shape) and the scalars (F32, at least one). Outputs the memory, which is the
/// same bytes, and the new end. It is no part of what is differentiated: passes emit it.
/// </summary>
/// <param name="Share">In which share of the steps x is kept, about, in (0, 1]: for predicting time.</param>
public sealed record StoreInSlot(double Share) : SlotOp
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        if (inputs.Count < 4) throw Refuse("takes slots, their end, what to keep and at least one scalar", inputs);
        RequireSlots(inputs, 1);
        if (inputs[2].DType is not (DType.F32 or DType.U8)) throw Refuse("keeps F32 or U8", inputs);
        for (int i = 3; i < inputs.Count; i++) RequireFloats(inputs, i, Shape.Scalar);
        if (inputs[2].Bytes > inputs[0].Bytes) throw Refuse("the slots are smaller than what they shall keep", inputs);
        if (Share is not (> 0 and <= 1)) throw Refuse($"the share {Share} is not above 0 and at most 1", inputs);
        return [new TensorType(inputs[0].Shape, DType.U8), new TensorType(Shape.Scalar, DType.I64)];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, Share * 2 * Math.Max(1, node.Inputs[2].Bytes));

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => [new SharedBuffer(0, 0)];
}

/// <summary>
/// What <see cref="StoreInSlot"/> kept. Where it kept nothing: zeros, or what a fourth input holds. Inputs the memory of the slots, its end before that
/// node and its end after it.
/// </summary>
/// <param name="Target">The shape of what was kept.</param>
/// <param name="Type">Its type.</param>
public sealed record LoadFromSlot(Shape Target, DType Type = DType.F32) : SlotOp
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 3, 4);
        RequireSlots(inputs, 2);
        if (Type is not (DType.F32 or DType.U8) || Type.Bytes(Target) > inputs[0].Bytes) throw Refuse($"the slots are smaller than {Type}{Target}", inputs);
        if (inputs.Count > 3)
        {
            RequireType(inputs, 3, Type);
            RequireShape(inputs, 3, Target);
        }

        return [new TensorType(Target, Type)];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => new(0, 2.0 * Math.Max(1, node.Output.Bytes));

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node) => node.Inputs.Count > 3 ? [new SharedBuffer(0, 3)] : [];
}
