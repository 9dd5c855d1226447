using Ration.Graphs;

namespace Ration.Devices;

/// <summary>A node with the places of its values in a device's memory.</summary>
/// <param name="Node">What to compute.</param>
/// <param name="Inputs">Byte offset of each input.</param>
/// <param name="Outputs">Byte offset of each output.</param>
/// <param name="Workspace">Byte offset of the scratch.</param>
/// <param name="WorkspaceBytes">Size of the scratch, as the device asked for.</param>
public sealed record Instruction(Node Node, long[] Inputs, long[] Outputs, long Workspace, long WorkspaceBytes)
{
    /// <summary>Byte offsets of the scalars on which the node depends, and the numbers that they must be among; null for any but zero.</summary>
    public IReadOnlyList<(long Scalar, NumberRange? Range)> Conditions { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Node} @ [{string.Join(", ", Inputs)}] -> [{string.Join(", ", Outputs)}] + {WorkspaceBytes} at {Workspace}";
}
