using Ration.Memory;
using Ration.Tensors;

namespace Ration.Graphs.Ops;

/// <summary>
/// An MLP that runs over tiles of rows, so that what is as wide as its hidden layer lives for one tile only (Bekman et al. 2025, "Arctic Long
/// Sequence Training", tiled MLP): down · (f(gate · x) · (up · x)), or down · f(up · x) without a gate. For the backward pass nothing but x is kept;
/// a tile's hidden layer is computed again. The result is the same bit for bit as in one piece. Inputs x [.., width], the matrices gate (where there
/// is one) and up [hidden, width] and down [out, hidden], then, where there are biases, one for each matrix.
/// </summary>
/// <param name="Function">f.</param>
/// <param name="IsGated">Whether there is a gate.</param>
/// <param name="HasBiases">Whether the matrices have biases.</param>
/// <param name="Tiles">Into how many tiles the rows are cut, at least 1.</param>
public sealed record TiledMlp(ActivationFunction Function, bool IsGated, bool HasBiases, int Tiles) : Op
{
    /// <summary>A tile has at least so many rows: products of fewer add up in another order.</summary>
    public const int LeastRows = 8;

    /// <summary>How many matrices there are.</summary>
    public int Matrices => IsGated ? 3 : 2;

    /// <summary>How many inputs are parameters.</summary>
    public int Parameters => HasBiases ? 2 * Matrices : Matrices;

    /// <summary>The first row of a tile; of one past the last, the number of rows.</summary>
    public long FirstRow(long rows, int tile) => rows * tile / Tiles;

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        RequireCount(inputs, 1 + Parameters, 1 + Parameters);
        RequireType(inputs, 0, DType.F32);
        RequireRank(inputs, 0, 2);
        if (Tiles < 1 || (Tiles > 1 && inputs[0].Shape.Rows / Tiles < LeastRows)) throw Refuse($"{Tiles} tiles have not {LeastRows} rows each", inputs);
        for (int i = 1; i <= Matrices; i++)
        {
            if (inputs[i].Shape.Rank != 2 || !inputs[i].DType.IsReal()) throw Refuse($"input {i} must be a matrix of real numbers", inputs);
        }

        Shape up = inputs[Matrices - 1].Shape, down = inputs[Matrices].Shape;
        if (up[1] != inputs[0].Shape[^1] || down[1] != up[0]) throw Refuse("the matrices do not fit each other", inputs);
        if (IsGated) RequireShape(inputs, 1, up);
        for (int i = 1; HasBiases && i <= Matrices; i++) RequireFloats(inputs, Matrices + i, new Shape(inputs[i].Shape[0]));
        return [new TensorType(inputs[0].Shape.WithInnermost(down[0]), DType.F32)];
    }

    /// <inheritdoc/>
    public override void Differentiate(Node node, Gradients gradients)
    {
        List<Value> inputs = [gradients.Of(node.Output)!, .. node.Inputs];
        List<(string, MemoryKind)> results = [];
        int needs = 0, sums = 0;
        bool needsInput = gradients.Needed(node.Inputs[0]);
        if (needsInput) results.Add(("d." + node.Inputs[0].Name, MemoryKind.Activations));
        for (int p = 0; p < Parameters; p++)
        {
            Value parameter = node.Inputs[1 + p];
            if (!gradients.Needed(parameter)) continue;
            needs |= 1 << p;
            results.Add(("d." + parameter.Name, Gradients.KindFor(parameter)));
            if (gradients.Of(parameter) is not { } sum) continue;
            sums |= 1 << p;
            inputs.Add(sum);
        }

        IReadOnlyList<Value> outputs = gradients.Builder.EmitTyped(new TiledMlpGradient(this, needsInput, needs, sums), inputs, [.. results]);
        int output = 0;
        if (needsInput) gradients.Add(node.Inputs[0], outputs[output++]);
        for (int p = 0; p < Parameters; p++)
        {
            if ((needs >> p & 1) != 0) gradients.Set(node.Inputs[1 + p], outputs[output++]);
        }
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node) => base.Cost(node) with { Flops = 2.0 * node.Inputs[0].Shape.Rows * MatrixElements(node, 1, Matrices), Parts = (double)Tiles * (Matrices + 1) };

    internal static double MatrixElements(Node node, int first, int count)
    {
        double elements = 0;
        for (int i = first; i < first + count; i++) elements += node.Inputs[i].Shape.Elements;
        return elements;
    }
}

/// <summary>
/// Gradient of <see cref="TiledMlp"/>, tile by tile. Inputs dy, those of the MLP, then the running sums of parameters that have one, in the
/// order of the parameters. Outputs dx, where it is needed, and the gradient of each parameter that needs one.
/// </summary>
/// <param name="Forward">The MLP.</param>
/// <param name="NeedsInput">Whether dx is wanted.</param>
/// <param name="Needs">A bit for each parameter whose gradient is wanted.</param>
/// <param name="Sums">A bit for each parameter whose gradient is added to a running sum.</param>
public sealed record TiledMlpGradient(TiledMlp Forward, bool NeedsInput, int Needs, int Sums) : Op
{
    /// <summary>The output that is a parameter's gradient, or −1.</summary>
    public int OutputOf(int parameter) => (Needs >> parameter & 1) == 0 ? -1 : (NeedsInput ? 1 : 0) + Below(Needs, parameter);

    /// <summary>The input that is a parameter's running sum, or −1.</summary>
    public int SumOf(int parameter) => (Sums >> parameter & 1) == 0 ? -1 : 2 + Forward.Parameters + Below(Sums, parameter);

    /// <inheritdoc/>
    public override TensorType[] InferOutputs(IReadOnlyList<Value> inputs)
    {
        int own = 2 + Forward.Parameters, count = own + Below(Sums, Forward.Parameters);
        RequireCount(inputs, count, count);
        if ((Sums & ~Needs) != 0) throw Refuse("there is a running sum of a gradient that is not needed", inputs);
        Value[] forward = [.. inputs.Skip(1).Take(1 + Forward.Parameters)];
        RequireFloats(inputs, 0, Forward.InferOutputs(forward)[0].Shape);
        List<TensorType> outputs = NeedsInput ? [new TensorType(inputs[1].Shape, DType.F32)] : [];
        for (int p = 0; p < Forward.Parameters; p++)
        {
            if (SumOf(p) >= 0) RequireFloats(inputs, SumOf(p), inputs[2 + p].Shape);
            if (OutputOf(p) >= 0) outputs.Add(new TensorType(inputs[2 + p].Shape, DType.F32));
        }

        return [.. outputs];
    }

    /// <inheritdoc/>
    public override OpCost Cost(Node node)
    {
        double rows = node.Inputs[1].Shape.Rows, hidden = TiledMlp.MatrixElements(node, 2, Forward.Matrices - 1), down = node.Inputs[1 + Forward.Matrices].Shape.Elements;
        return base.Cost(node) with { Flops = 2 * rows * ((3 * hidden) + (2 * down)), Parts = (double)Forward.Tiles * ((3 * (Forward.Matrices - 1)) + 4) };
    }

    /// <inheritdoc/>
    public override IReadOnlyList<SharedBuffer> ShareableBuffers(Node node)
    {
        // A tile of dx is written when nothing reads its rows of dy and x any more.
        List<SharedBuffer> pairs = NeedsInput ? [new(0, 0), new(0, 1)] : [];
        for (int p = 0; p < Forward.Parameters; p++)
        {
            if (SumOf(p) >= 0) pairs.Add(new SharedBuffer(OutputOf(p), SumOf(p)));
        }

        return pairs;
    }

    private static int Below(int bits, int place) => int.PopCount(bits & ((1 << place) - 1));
}

/// <summary>Tiled MLPs in a graph under construction.</summary>
public static class TiledMlpBuilding
{
    /// <summary>An MLP over tiles of rows; as many as asked for, but none shorter than <see cref="TiledMlp.LeastRows"/>.</summary>
    /// <param name="builder">Receives the node.</param>
    /// <param name="function">The nonlinearity.</param>
    /// <param name="tiles">How many tiles.</param>
    /// <param name="x">[.., width].</param>
    /// <param name="matrices">Gate (or none), up and down.</param>
    /// <param name="biases">One for each matrix, or none.</param>
    /// <param name="name">Name of the result.</param>
    public static Value TiledMlp(
        this GraphBuilder builder, ActivationFunction function, int tiles, Value x, IReadOnlyList<Value> matrices, IReadOnlyList<Value> biases, string name)
    {
        int most = (int)Math.Clamp(x.Shape.Rows / Ops.TiledMlp.LeastRows, 1, tiles);
        return builder.Emit(new TiledMlp(function, matrices.Count == 3, biases.Count > 0, most), name, MemoryKind.Activations, [x, .. matrices, .. biases])[0];
    }
}
