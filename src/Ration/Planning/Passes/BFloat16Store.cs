using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>Activations wait in BF16: two bytes an element, each rounded to 8 significant bits (a relative error of at most 2⁻⁸).</summary>
internal sealed class BFloat16Store : IActivationStore
{
    /// <inheritdoc/>
    public IReadOnlyList<Value> Store(GraphEditor editor, Node definition, Value value, IReadOnlyList<Node> readers) =>
        editor.Emit(new Cast(DType.BF16), [value], definition, Pass.Forward, (value.Name + ".saved", value.Kind));

    /// <inheritdoc/>
    public Value Restore(GraphEditor editor, Node reader, Value value, IReadOnlyList<Value> stored) =>
        editor.Emit(new Cast(DType.F32), stored, reader, Pass.Backward, (value.Name + ".restored", value.Kind))[0];
}
