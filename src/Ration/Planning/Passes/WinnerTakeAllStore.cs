using Ration.Graphs;
using Ration.Graphs.Ops;

namespace Ration.Planning.Passes;

/// <summary>
/// Of a linear layer's input some rows are kept, and the weight's gradient is estimated from them without bias (Liu et al. 2023, WTA-CRS): for each
/// kept row width floats, its number and its weight. The paper takes the product of a row's length and that of its gradient in the epoch before;
/// where every row is seen about once, as in pretraining, there is no such gradient, and the length alone is taken. It is unbiased all the same.
/// </summary>
/// <param name="share">Share of the rows that is kept, in (0, 1].</param>
internal sealed class WinnerTakeAllStore(double share) : ILinearInputStore
{
    /// <inheritdoc/>
    public IReadOnlyList<Value> Store(GraphEditor editor, Node definition, Value input)
    {
        int chosen = (int)Math.Max(1, Math.Ceiling(share * input.Shape.Rows));
        return editor.Emit(
            new WinnerTakeAllRows(chosen, input.Id), [input, editor.RandomKey], definition, Pass.Forward,
            (input.Name + ".rows", input.Kind), (input.Name + ".numbers", input.Kind), (input.Name + ".weights", input.Kind));
    }

    /// <inheritdoc/>
    public Node Estimate(GraphEditor editor, Node gradient, IReadOnlyList<Value> stored)
    {
        Value dy = gradient.Inputs[0];
        Value rows = editor.Emit(new GatherRows(), [dy, stored[1], stored[2]], gradient, Pass.Backward, (dy.Name + ".rows", dy.Kind))[0];
        return gradient with { Inputs = [rows, stored[0], .. gradient.Inputs.Skip(2)] };
    }
}
