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

/// <summary>What a training step computes, apart from how its memory is arranged.</summary>
/// <param name="Model">The model.</param>
/// <param name="Rows">Rows of packed tokens in a step, over all micro-batches.</param>
/// <param name="Sequence">Tokens of a row.</param>
/// <param name="Optimizer">The update rule.</param>
/// <param name="ClipNorm">The limit that clipping holds gradients to; 0 for never.</param>
/// <param name="ClipScope">What of the gradient is held to it.</param>
public sealed record TrainingStep(
    ModelConfiguration Model, int Rows, int Sequence, IOptimizer Optimizer, float ClipNorm = 1, ClipScope ClipScope = ClipScope.Parameter)
{
    /// <summary>How the loss is computed.</summary>
    public LossOptions Loss { get; init; } = new();

    /// <summary>Probability of dropout on embeddings and on what blocks add.</summary>
    public float Dropout { get; init; }

    /// <summary>How optimizer state is stored.</summary>
    public StateFormat State { get; init; }

    /// <summary>How matrices are held.</summary>
    public WeightFormat Weights { get; init; }

    /// <summary>In what linear layers are multiplied.</summary>
    public ProductFormat Products { get; init; }
}

/// <summary>The graph of a training step and the scalars that its host must write.</summary>
/// <param name="Graph">Forward, backward and update.</param>
/// <param name="Scalars">Scalar inputs to compute before each step.</param>
public sealed record TrainingGraph(Graph Graph, IReadOnlyList<HostScalar> Scalars)
{
    /// <summary>State that the host must read before it computes them.</summary>
    public IReadOnlyList<Value> Measured { get; init; } = [];

    /// <summary>Name of the input of targets: I32 [rows, tokens], negative where there is none.</summary>
    public const string Targets = "targets";

    /// <summary>The input that holds one over the number of targets of the step.</summary>
    public const string LossScale = "lossScale";

    /// <summary>The output that holds a micro-batch's share of the loss.</summary>
    public const string Loss = "loss";

    /// <summary>The input that decides dropout: the seed and the number of the micro-batch's first row in the run.</summary>
    public const string RandomKey = GraphEditor.RandomKeyName;

    /// <summary>The input that holds the classes of a sampled softmax, the same ones for all micro-batches of a step.</summary>
    public const string SampledClasses = "sampledClasses";

    /// <summary>The input that decides how updates are rounded by chance: the seed and the number of the step.</summary>
    public const string UpdateKey = "updateKey";

    /// <summary>Traces a step and arranges its memory as chosen.</summary>
    public static TrainingGraph Build(TrainingStep step, MemoryChoices choices)
    {
        TrainingGraph plain = Trace(step, choices.MicroBatchRows, choices.MlpTiles);
        return plain with { Graph = Arrange(plain.Graph, step, choices) };
    }

    /// <summary>Applies the passes of a choice to a traced step.</summary>
    public static Graph Arrange(Graph graph, TrainingStep step, MemoryChoices choices)
    {
        if (choices.HeadGradient == HeadGradient.Late) graph = new DeferredHeadGradient().Apply(graph);
        if (choices.Activations.ChangesOperations) graph = choices.Activations.Apply(graph);
        graph = Schedule(graph, choices.Recompute, step.Model.Layers)?.Apply(graph) ?? graph;
        graph = step.Optimizer.Freezing?.WithSlots(graph, choices.Activations.ShortensSlots) ?? graph;
        if (!choices.Activations.ChangesOperations) graph = choices.Activations.Apply(graph);
        if (choices.Release || step.Optimizer.GradientParts > 0) graph = new GradientRelease().Apply(graph);
        return new ConditionalWork().Apply(graph);
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
    /// <param name="step">The step whose loss it is.</param>
    /// <param name="rows">Rows at once.</param>
    /// <param name="training">The training step whose weights it reads, as they are held there; null for weights in F32.</param>
    /// <param name="mlpTiles">Into how many tiles of tokens MLPs are cut.</param>
    public static Graph BuildEvaluation(TrainingStep step, int rows, Graph? training = null, int mlpTiles = 1)
    {
        GraphBuilder builder = new();
        TransformerModel model = new(builder, step.Model, step.Sequence);
        model.UseMlpTiles(mlpTiles);
        builder.Output(TraceLoss(builder, model, rows, step with { Loss = new LossOptions(), Dropout = 0 }));
        Graph graph = builder.Build();
        if (training is null) return graph;
        Dictionary<string, DType> held = training.Persistent.Where(static v => v.Kind == MemoryKind.Weights).ToDictionary(static v => v.Name, static v => v.DType);
        return new WeightStorage((name, _) => held[name]).Apply(graph);
    }

    /// <summary>The step with everything kept and all updates at the end: the meaning that every arrangement must preserve.</summary>
    public static TrainingGraph Trace(TrainingStep step, int microBatchRows, int mlpTiles = 1)
    {
        if (microBatchRows <= 0 || step.Rows % microBatchRows != 0)
            throw new ArgumentOutOfRangeException(nameof(microBatchRows), $"{step.Rows} rows do not split into micro-batches of {microBatchRows}");
        int repetitions = step.Rows / microBatchRows;
        bool comparesParts = step.Optimizer.GradientParts > 0;
        if (comparesParts && repetitions != step.Optimizer.GradientParts)
            throw new ArgumentOutOfRangeException(nameof(microBatchRows), $"{step.Optimizer.Name} needs {step.Optimizer.GradientParts} micro-batches, not {repetitions}");
        bool clipsAll = step is { ClipNorm: > 0, ClipScope: ClipScope.Global or ClipScope.TwoPass };
        if (clipsAll && !step.Optimizer.TrainsAllInEveryStep) throw new ArgumentException($"{step.Optimizer.Name} has no norm of all gradients", nameof(step));
        GradientCompression? compression = step.Optimizer.Compression;
        if (compression is not null && mlpTiles > 1) throw new ArgumentException($"{step.Optimizer.Name} does not go with tiles of MLPs", nameof(mlpTiles));
        GraphBuilder builder = new();
        TransformerModel model = new(builder, step.Model, step.Sequence, step.Optimizer.TrainsOnlyBlocks ? TrainedWeights.OfBlocks : TrainedWeights.All);
        model.UseMlpTiles(mlpTiles);
        HostScalars scalars = new(builder);
        CompressedLayers? layers = compression is null ? null : new(builder, compression, scalars);
        if (layers is not null) model.UseLinear(layers.Linear);
        Value[] parameters = [.. builder.Persistent.Where(static v => v.Trainable)];
        Dictionary<Value, Value> sums = [], squares = [];
        if (repetitions > 1) DeclareSums(builder, parameters, "gradient", sums, compression);
        if (comparesParts) DeclareSums(builder, parameters, "gradient_squares", squares);
        Value loss = TraceLoss(builder, model, microBatchRows, step);
        builder.Output(loss);
        Value? total = clipsAll && repetitions == 1 && step.ClipScope == ClipScope.TwoPass ? MeasureNorm(builder, loss, parameters, layers?.Kept) : null;
        IReadOnlyDictionary<Value, Value> gradients =
            Differentiation.Backward(builder, new Dictionary<Value, Value?> { [loss] = null }, comparesParts ? null : sums, layers?.Kept);
        builder.Pass = Pass.Update;
        if (comparesParts) AddMoments(builder, parameters, gradients, sums, squares);
        if (repetitions > 1) builder.Phase = Phase.Finish;
        (Value Parameter, Value Gradient)[] complete = [.. parameters.Select(p => (p, repetitions > 1 ? sums[p] : gradients[p]))];
        if (clipsAll) total ??= GradientClipping.SquaredNorm(builder, complete);
        Update(builder, scalars, step, complete, total, comparesParts ? squares : null, layers);
        Graph graph = new StateStorage(step.State).Apply(Store(builder.Build(repetitions), step));
        return new TrainingGraph(step.Products == ProductFormat.Int8 ? new SwitchBack().Apply(graph) : graph, [.. scalars.All]) { Measured = scalars.Measured };
    }

    // Weights that an update reads by more than formulas, products and norms stay in F32.
    private static Graph Store(Graph graph, TrainingStep step)
    {
        if (step.Weights == WeightFormat.F32) return graph;
        HashSet<string> whole = [.. graph.Nodes.Where(static n => n.Pass == Pass.Update && n.Op is not (FusedElementwise or MatMul or SumOfSquares))
            .SelectMany(static n => n.Inputs).Select(static v => v.Name)];
        return new WeightStorage((name, shape) => whole.Contains(name) ? DType.F32 : step.Weights.TypeOf(shape)).Apply(graph);
    }

    // A backward pass of which only the norm is left; the next one is another sweep over the same results of the forward pass.
    private static Value MeasureNorm(GraphBuilder builder, Value loss, Value[] parameters, IReadOnlyDictionary<Value, Value>? compressed)
    {
        IReadOnlyDictionary<Value, Value> gradients = Differentiation.Backward(builder, new Dictionary<Value, Value?> { [loss] = null }, compressed: compressed);
        builder.Pass = Pass.Update;
        Value total = GradientClipping.SquaredNorm(builder, [.. parameters.Select(p => (p, gradients[p]))]);
        builder.Sweep++;
        return total;
    }

    private static Value TraceLoss(GraphBuilder builder, TransformerModel model, int rows, TrainingStep step)
    {
        ModelInputs inputs = TransformerModel.DeclareInputs(builder, rows, step.Sequence);
        Value targets = builder.Input(Targets, new Shape(rows, step.Sequence), DType.I32);
        Value scale = builder.Input(LossScale, Shape.Scalar);
        if (step.Dropout > 0) model.UseDropout(builder.Input(RandomKey, new Shape(2), DType.I64), step.Dropout);
        Value? sample = step.Loss.Method == LossMethod.Sampled
            ? builder.Input(SampledClasses, new Shape(step.Loss.SampleRoom(step.Model.Vocabulary, (long)step.Rows * step.Sequence)), DType.I32)
            : null;
        Value hidden = model.HiddenStates(inputs);
        using (builder.Scope("head")) return model.Loss(hidden, targets, scale, step.Loss.Op, sample);
    }

    private static void DeclareSums(GraphBuilder builder, Value[] parameters, string name, Dictionary<Value, Value> sums, GradientCompression? compression = null)
    {
        builder.Phase = Phase.Begin;
        foreach (Value parameter in parameters)
        {
            Value sum = builder.State($"{parameter.Name}.{name}", compression?.ShapeOf(parameter) ?? parameter.Shape, MemoryKind.Gradients);
            sums[parameter] = sum;
            builder.Emit(new Fill(0), "", MemoryKind.Gradients, sum);
        }

        builder.Phase = Phase.Repeat;
    }

    // A micro-batch's gradient is complete by itself, so that its square can be summed; then its bytes are free.
    private static void AddMoments(
        GraphBuilder builder, Value[] parameters, IReadOnlyDictionary<Value, Value> gradients, Dictionary<Value, Value> sums, Dictionary<Value, Value> squares)
    {
        foreach (Value parameter in parameters.Reverse())
        {
            using IDisposable scope = builder.Scope("moments." + parameter.Name);
            Load gradient = new(gradients[parameter]), sum = new(sums[parameter]), square = new(squares[parameter]);
            builder.Assign([(sum.Value, sum + gradient), (square.Value, square + (gradient * gradient))]);
        }
    }

    private static void Update(
        GraphBuilder builder, HostScalars scalars, TrainingStep step, (Value Parameter, Value Gradient)[] complete, Value? total, Dictionary<Value, Value>? squares,
        CompressedLayers? layers)
    {
        Value? key = step.Weights.IsStochastic() ? builder.Input(UpdateKey, new Shape(2), DType.I64) : null;
        int site = 0;

        // Last layers first: the order in which gradients complete.
        foreach ((Value parameter, Value gradient) in complete.Reverse())
        {
            using IDisposable scope = builder.Scope("update." + parameter.Name);
            Expression clipped = GradientClipping.Clip(builder, step, parameter.Name, gradient, total);
            ParameterRounding rounding = step.Weights.TypeOf(parameter.Shape) == DType.F32 ? default : new(key, site, step.Weights == WeightFormat.CompensatedBF16);
            site++;
            GradientMoments? moments = squares is null ? null : new GradientMoments(step.Optimizer.GradientParts, gradient, squares[parameter]);
            UpdateBuilder update = new(builder, scalars, parameter, clipped, rounding, moments, layers?.ProjectionOf(parameter));
            step.Optimizer.Update(update);
            update.Emit();
        }
    }
}
