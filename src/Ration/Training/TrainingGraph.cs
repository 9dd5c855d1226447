using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Training;

/// <summary>Over what the gradient's norm is taken for clipping.</summary>
public enum ClipScope
{
    /// <summary>Each parameter by itself: needs no other gradient, so it works with gradient release and is the default.</summary>
    Parameter,

    /// <summary>All parameters together (Pascanu et al. 2013): every gradient must be held until the last is known.</summary>
    Global,
}

/// <summary>What a training step computes, apart from how its memory is arranged.</summary>
/// <param name="Model">The model.</param>
/// <param name="Rows">Rows of packed tokens in a step, over all micro-batches.</param>
/// <param name="Sequence">Tokens of a row.</param>
/// <param name="Optimizer">The update rule.</param>
/// <param name="ClipNorm">Gradients of a larger norm are scaled down to this; 0 for never.</param>
/// <param name="ClipScope">Over what the norm is taken.</param>
/// <param name="Loss">Options of the loss.</param>
public sealed record TrainingStep(
    ModelConfiguration Model, int Rows, int Sequence, IOptimizer Optimizer, float ClipNorm = 1, ClipScope ClipScope = ClipScope.Parameter,
    LinearCrossEntropy? Loss = null)
{
    /// <summary>Probability of dropout on embeddings and on what blocks add.</summary>
    public float Dropout { get; init; }
}

/// <summary>The graph of a training step and the scalars that its host must write.</summary>
/// <param name="Graph">Forward, backward and update.</param>
/// <param name="Scalars">Scalar inputs to compute before each step.</param>
public sealed record TrainingGraph(Graph Graph, IReadOnlyList<HostScalar> Scalars)
{
    /// <summary>The input that holds one over the number of targets of the step.</summary>
    public const string LossScale = "lossScale";

    /// <summary>The output that holds a micro-batch's share of the loss.</summary>
    public const string Loss = "loss";

    /// <summary>The input that decides dropout: the seed and the number of the micro-batch's first row in the run.</summary>
    public const string RandomKey = GraphEditor.RandomKeyName;

    /// <summary>Traces a step and arranges its memory as chosen.</summary>
    public static TrainingGraph Build(TrainingStep step, MemoryChoices choices)
    {
        TrainingGraph plain = Trace(step, choices.MicroBatchRows, choices.MlpTiles);
        return plain with { Graph = Arrange(plain.Graph, step, choices) };
    }

    /// <summary>Applies the passes of a choice to a traced step.</summary>
    public static Graph Arrange(Graph graph, TrainingStep step, MemoryChoices choices)
    {
        if (choices.Activations.ChangesOperations) graph = choices.Activations.Apply(graph);
        graph = Schedule(graph, choices.Recompute, step.Model.Layers)?.Apply(graph) ?? graph;
        if (!choices.Activations.ChangesOperations) graph = choices.Activations.Apply(graph);
        return choices.Release ? new GradientRelease().Apply(graph) : graph;
    }

    private static Recompute? Schedule(Graph graph, RecomputeChoice choice, int layers) => choice.Mode switch
    {
        RecomputeMode.None => null,
        RecomputeMode.Blocks => Recompute.Blocks(graph, block => block < choice.Blocks),
        RecomputeMode.SquareRoot => Recompute.SquareRoot(graph, layers),
        RecomputeMode.Attention => Recompute.Parts(graph, static _ => RecomputedParts.Attention),
        RecomputeMode.Mlp => Recompute.Parts(graph, static _ => RecomputedParts.Mlp),
        RecomputeMode.Optimal when choice.Parts.Length == layers => Recompute.Parts(graph, block => choice.Parts[block]),
        _ => throw new ArgumentException($"'{choice}' is no schedule for {layers} blocks", nameof(choice)),
    };

    /// <summary>A graph of the loss alone, for evaluation.</summary>
    public static Graph BuildEvaluation(TrainingStep step, int rows, int mlpTiles = 1)
    {
        GraphBuilder builder = new();
        TransformerModel model = new(builder, step.Model, step.Sequence);
        model.UseMlpTiles(mlpTiles);
        builder.Output(TraceLoss(builder, model, rows, step with { Loss = null, Dropout = 0 }));
        return builder.Build();
    }

    /// <summary>The step with everything kept and all updates at the end: the meaning that every arrangement must preserve.</summary>
    public static TrainingGraph Trace(TrainingStep step, int microBatchRows, int mlpTiles = 1)
    {
        if (microBatchRows <= 0 || step.Rows % microBatchRows != 0)
            throw new ArgumentOutOfRangeException(nameof(microBatchRows), $"{step.Rows} rows do not split into micro-batches of {microBatchRows}");
        int repetitions = step.Rows / microBatchRows;
        GraphBuilder builder = new();
        TransformerModel model = new(builder, step.Model, step.Sequence);
        model.UseMlpTiles(mlpTiles);
        Value[] parameters = [.. builder.Persistent];
        Dictionary<Value, Value> sums = [];
        if (repetitions > 1) DeclareSums(builder, parameters, sums);
        Value loss = TraceLoss(builder, model, microBatchRows, step);
        builder.Output(loss);
        IReadOnlyDictionary<Value, Value> gradients =
            Differentiation.Backward(builder, new Dictionary<Value, Value?> { [loss] = null }, sums);
        HostScalars scalars = new(builder);
        builder.Pass = Pass.Update;
        if (repetitions > 1) builder.Phase = Phase.Finish;
        (Value Parameter, Value Gradient)[] complete = [.. parameters.Select(p => (p, repetitions > 1 ? sums[p] : gradients[p]))];
        Update(builder, scalars, step, complete);
        return new TrainingGraph(builder.Build(repetitions), [.. scalars.All]);
    }

    private static Value TraceLoss(GraphBuilder builder, TransformerModel model, int rows, TrainingStep step)
    {
        ModelInputs inputs = TransformerModel.DeclareInputs(builder, rows, step.Sequence);
        Value targets = builder.Input("targets", new Shape(rows, step.Sequence), DType.I32);
        Value scale = builder.Input(LossScale, Shape.Scalar);
        if (step.Dropout > 0) model.UseDropout(builder.Input(RandomKey, new Shape(2), DType.I64), step.Dropout);
        Value hidden = model.HiddenStates(inputs);
        using (builder.Scope("head")) return model.Loss(hidden, targets, scale, step.Loss);
    }

    private static void DeclareSums(GraphBuilder builder, Value[] parameters, Dictionary<Value, Value> sums)
    {
        builder.Phase = Phase.Begin;
        foreach (Value parameter in parameters)
        {
            Value sum = builder.State($"{parameter.Name}.gradient", parameter.Shape, MemoryKind.Gradients);
            sums[parameter] = sum;
            builder.Emit(new Fill(0), "", MemoryKind.Gradients, sum);
        }

        builder.Phase = Phase.Repeat;
    }

    private static void Update(GraphBuilder builder, HostScalars scalars, TrainingStep step, (Value Parameter, Value Gradient)[] complete)
    {
        Value? total = null;
        if (step is { ClipNorm: > 0, ClipScope: ClipScope.Global })
        {
            using IDisposable scope = builder.Scope("clip");
            foreach ((Value parameter, Value gradient) in complete)
            {
                Value square = builder.SumOfSquares(gradient, "square." + parameter.Name);
                total = total is null ? square : builder.Add(total, square, "squares", MemoryKind.Workspace);
            }
        }

        // Last layers first: the order in which gradients complete.
        foreach ((Value parameter, Value gradient) in complete.Reverse())
        {
            using IDisposable scope = builder.Scope("update." + parameter.Name);
            Expression clipped = new Load(gradient);
            if (step.ClipNorm > 0) clipped *= Factor(total ?? builder.SumOfSquares(gradient, "square." + parameter.Name), step.ClipNorm);
            UpdateBuilder update = new(builder, scalars, parameter, clipped);
            step.Optimizer.Update(update);
            update.Emit();
        }
    }

    // min(1, limit / norm); the small number keeps a zero gradient from dividing zero by zero.
    private static Expression Factor(Value sumOfSquares, float limit) =>
        Expression.Minimum(1f, limit / (Expression.SquareRoot(new Load(sumOfSquares)) + 1e-12f));
}
