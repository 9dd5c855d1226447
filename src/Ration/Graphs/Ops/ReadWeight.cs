namespace Ration.Graphs.Ops;

/// <summary>
/// A weight that is not kept in memory: whoever runs the program brings it from where it is stored, by the name of the output, and its bytes are
/// free again after its last use. No device has a kernel for it.
/// </summary>
/// <param name="Type">How it is to lie in memory.</param>
public sealed record ReadWeight(TensorType Type) : Op
{
    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 0, 0);
        return [Type];
    }
}
