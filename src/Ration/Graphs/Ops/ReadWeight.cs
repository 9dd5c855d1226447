using System.Text;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// A weight that is not kept in memory: whoever runs the program brings it from where it is stored, and its bytes are free again after its
/// last use.
/// </summary>
/// <param name="Parameter">The canonical name of the weight.</param>
/// <param name="Type">How it is to lie in memory.</param>
public sealed record ReadWeight(string Parameter, TensorType Type) : Op
{
    /// <inheritdoc/>
    public override bool RunsOnHost => true;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 0, 0);
        return [Type];
    }

    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder builder)
    {
        builder.Append("Parameter = ").Append(Parameter);
        return true;
    }
}
