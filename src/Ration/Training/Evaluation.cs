using Ration.Data;
using Ration.Devices;
using Ration.Execution;
using Ration.Files;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;

namespace Ration.Training;

/// <summary>Measures the loss of a model on text: the forward pass alone, placed like everything else.</summary>
public sealed class Evaluation : IDisposable
{
    private const int MostTokensAtOnce = 1024;
    private readonly StepProgram _program;
    private readonly Executor _executor;
    private readonly int _sequence;
    private readonly int _rows;
    private string _model = "";

    private Evaluation(IDevice device, StepProgram program, int rows, int sequence, long budget, long runtime)
    {
        (_program, _rows, _sequence, BudgetBytes) = (program, rows, sequence, budget);
        PlannedPeakBytes = program.ArenaBytes + runtime;
        _executor = new Executor(device, program);
    }

    /// <summary>The most bytes that the process may have resident.</summary>
    public long BudgetBytes { get; }

    /// <summary>The most bytes that the process will have resident.</summary>
    public long PlannedPeakBytes { get; }

    /// <summary>Reserves memory for as many rows at once as fit, up to a thousand tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sequence">Tokens of a row.</param>
    /// <param name="device">Where to run; disposed with this object.</param>
    /// <param name="memory">Most bytes that the process may have resident; null for four fifths of what the machine has free.</param>
    /// <param name="hostBytes">Managed memory that the run will hold.</param>
    /// <param name="weightType">How each weight is held, by its name and shape; null for F32.</param>
    /// <exception cref="MemoryBudgetException">Not even one row fits.</exception>
    public static Evaluation Create(ModelConfiguration model, int sequence, IDevice device, ByteSize? memory = null, long hostBytes = 0,
        Func<string, Shape, DType>? weightType = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequence, 1);
        long runtime = RuntimeFootprint.Reserve(device.Threads, hostBytes);
        long budget = memory?.Bytes ?? MeasuredMemory.DefaultBudgetBytes();
        for (int rows = Math.Max(1, MostTokensAtOnce / sequence); ; rows /= 2)
        {
            TrainingStep step = new(model, rows, sequence, new Sgd());
            Graph graph = TrainingGraph.BuildEvaluation(step, rows);
            StepProgram program = StepProgram.Compile(weightType is null ? graph : new WeightStorage(weightType).Apply(graph), device);
            long needed = program.ArenaBytes + RuntimeFootprint.Overhead(program.ArenaBytes) + RowFiller.HostBytes(rows, sequence) + runtime;
            if (needed <= budget) return new Evaluation(device, program, rows, sequence, budget, needed - program.ArenaBytes);
            if (rows > 1) continue;
            ByteSize smallest = new(needed);
            throw new MemoryBudgetException(
                $"evaluating {model.Name} with --sequence {sequence} does not fit {new ByteSize(budget)}: {MemoryBudgetException.Words(smallest)}; "
                + "a smaller --sequence needs less", new ByteSize(budget), smallest);
        }
    }

    /// <summary>Reads the weights of a model.</summary>
    /// <exception cref="InvalidInputException">They are damaged, or of another model.</exception>
    public void Load(StoredModel model)
    {
        model.Load(_program.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights), _executor);
        _model = model.Path;
    }

    /// <summary>The mean loss, in nats, over the targets of all held-out rows.</summary>
    /// <param name="data">Rows of this sequence length.</param>
    /// <param name="done">Told how many rows are done after each part; null for nobody.</param>
    /// <param name="cancellation">Ends the evaluation.</param>
    /// <exception cref="ArgumentException">The data has rows of another length.</exception>
    /// <exception cref="InvalidInputException">The loss is not finite: the model is damaged.</exception>
    public (double Loss, long Targets) Run(PackedBatches data, Action<long>? done = null, CancellationToken cancellation = default)
    {
        if (data.Sequence != _sequence) throw new ArgumentException($"the data has rows of {data.Sequence} tokens, not {_sequence}", nameof(data));
        (double loss, long targets) = new RowFiller(data, _rows).Evaluate(_executor, _program, data.EvaluationRows, done, cancellation);
        return targets == 0 || double.IsFinite(loss) ? (loss, targets) : throw NoFiniteLoss(_model);
    }

    /// <summary>The complaint that a model is damaged, as its loss shows.</summary>
    /// <param name="model">The folder or file.</param>
    internal static InvalidInputException NoFiniteLoss(string model) =>
        new($"{model}: the model gives no finite loss for this text, so its weights are probably damaged; make it again, or restore it from a copy");

    /// <inheritdoc/>
    public void Dispose() => _executor.Dispose();
}
