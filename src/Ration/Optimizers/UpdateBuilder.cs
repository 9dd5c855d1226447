using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// What an optimizer writes its rule with: the parameter, its gradient, the step's scalars, and state of its own. Formulas over elements
/// are <see cref="Assign"/>ed and become one pass over memory; a rule that needs more (norms of rows, products with a projection) makes
/// tensors on the way with <see cref="Tensor"/> and the operations of <see cref="Graph"/>. All of it is placed like everything else.
/// </summary>
/// <param name="builder">Receives the update nodes.</param>
/// <param name="scalars">Scalars of the step.</param>
/// <param name="parameter">The parameter.</param>
/// <param name="gradient">Its complete gradient, clipped as the run asks.</param>
/// <param name="rounding">How the parameter is rounded to its storage.</param>
/// <param name="moments">Sums over the parts of the step, for a rule that asks for parts.</param>
/// <param name="projection">What the gradient is projected by, for a rule that asks for compressed gradients; null where it is whole.</param>
public sealed class UpdateBuilder(
    GraphBuilder builder, HostScalars scalars, Value parameter, Expression gradient, ParameterRounding rounding = default, GradientMoments? moments = null,
    GradientProjection? projection = null)
{
    // Ends the names of what the rounding of parameters leaves over.
    internal const string CompensationSuffix = ".compensation";

    private readonly List<(Value Target, Expression Formula)> _assignments = [];
    private Value? _gradientTensor;
    private string? _stateOwner;
    private int _period;

    /// <summary>Operations on whole tensors; their results live until their last use within the update.</summary>
    public GraphBuilder Graph => builder;

    /// <summary>The parameter before the update.</summary>
    public Load Parameter { get; } = new(parameter);

    /// <summary>The complete gradient; of the shape of G·P where it <see cref="IsCompressed"/>.</summary>
    public Expression Gradient { get; } = gradient;

    /// <summary>The complete gradient as a tensor, for products and norms; formulas should take <see cref="Gradient"/>.</summary>
    public Value GradientTensor => _gradientTensor ??= Gradient is Load { Value: var plain } ? plain : Tensor("clipped", Gradient);

    /// <summary>Sums over the parts of the step, or null where the rule did not ask for parts.</summary>
    public GradientMoments? Moments => moments;

    /// <summary>Whether the gradient G [n, m] is known as G·P [n, r] only, with P as <see cref="Projection"/> makes it.</summary>
    public bool IsCompressed => projection is not null;

    /// <summary>P [m, r], made again.</summary>
    /// <exception cref="InvalidOperationException">The gradient is whole.</exception>
    public Value Projection() => (projection ?? throw new InvalidOperationException($"the gradient of {parameter.Name} is whole")).Emit(builder);

    /// <summary>The learning rate of the step.</summary>
    public Expression LearningRate => Scalar("learningRate", static step => step.LearningRate);

    /// <summary>The parameter's shape.</summary>
    public Shape Shape => parameter.Shape;

    /// <summary>The parameter's name, for example <c>model.layers.3.mlp.up_proj.weight</c>.</summary>
    public string Name => parameter.Name;

    /// <summary>Which part of which block of the model the parameter is; null outside of blocks.</summary>
    public BlockPart? Block => parameter.Block;

    /// <summary>How many blocks the model has.</summary>
    public int Blocks => builder.Blocks;

    /// <summary>Whether the parameter is a matrix; by custom only matrices are decayed.</summary>
    public bool IsMatrix => parameter.Shape.Rank >= 2;

    /// <summary>
    /// Whether the parameter is a matrix of a block, which methods for products are for, and not an embedding table, a head, a gain or a bias:
    /// those have no meaning as a map between spaces, or no rows to save on. A stack of experts' matrices is none either: products take one
    /// matrix at a time.
    /// </summary>
    public bool IsHiddenMatrix => parameter.Shape.Rank == 2 && parameter.Block is not null;

    /// <summary>
    /// State that is kept between steps and starts at zero. How it is stored is the run's choice: where only formulas read and assign it, it
    /// may be in fewer bits than F32.
    /// </summary>
    /// <param name="name">Unique for the parameter.</param>
    /// <param name="shape">Its shape; by default the parameter's.</param>
    /// <param name="nonNegative">Whether no element is ever below zero, as of means of squares: storage then needs no sign.</param>
    public Load State(string name, Shape? shape = null, bool nonNegative = false)
    {
        if (_stateOwner is null) return new(builder.State($"{parameter.Name}.{name}", shape ?? parameter.Shape, MemoryKind.OptimizerState, isNonNegative: nonNegative));
        Load shared = new(builder.SharedState($"{_stateOwner}.{name}", shape ?? parameter.Shape, MemoryKind.OptimizerState, isNonNegative: nonNegative));
        using (AtFirst()) AssignNow(shared, 0f);
        return shared;
    }

    /// <summary>A scalar that the host computes for each step; equal names are one scalar.</summary>
    public Load Scalar(string name, Func<StepState, double> compute) => _period == 0
        ? new(scalars[name, compute])
        : new(scalars[$"{name}.within.{_period}", step => compute(step with { Number = ((step.Number - 1) % _period) + 1 })]);

    /// <summary>Lets scalars of a step follow from state as the step before left it, and returns its place in <see cref="StepState.Measured"/>.</summary>
    /// <param name="state">A scalar.</param>
    public int Measure(Load state) => scalars.Measure(state.Value);

    /// <summary>
    /// What is emitted until the result is disposed runs only every so many steps, the first step included. It may assign state; nothing
    /// else may read what it computes.
    /// </summary>
    /// <param name="period">Steps from one run to the next, at least 1.</param>
    public IDisposable Every(int period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(period, 1);
        return builder.When(Scalar($"every.{period}", step => (step.Number - 1) % period == 0 ? 1 : 0).Value, 1.0 / period);
    }

    /// <summary>As <see cref="Every"/>, in the first step only.</summary>
    public IDisposable AtFirst() => builder.When(Scalar("first", static step => step.Number == 1 ? 1 : 0).Value, _period == 0 ? 1e-3 : 1.0 / _period);

    /// <summary>
    /// Normal numbers [rows, columns] that are drawn anew every so many steps. They are not stored: each step makes them again, and every
    /// parameter has its own.
    /// </summary>
    /// <param name="name">Unique for the parameter.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="deviation">Standard deviation.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="period">Steps from one draw to the next, at least 1.</param>
    public Value RandomMatrix(string name, long rows, long columns, float deviation, ulong seed, int period) =>
        builder.RandomMatrix(Epoch(period).Value, rows, columns, deviation, seed, CounterRandom.StreamOf($"{parameter.Name}.{name}"), name);

    /// <summary>How many times something that is renewed every so many steps has been renewed before.</summary>
    /// <param name="period">Steps from one renewal to the next, at least 1.</param>
    public Load Epoch(int period) => new(scalars.Epoch(period));

    /// <summary>
    /// A tensor by a formula, now. In the same pass over memory, state may be assigned; formulas see the values before.
    /// </summary>
    /// <param name="name">For people.</param>
    /// <param name="formula">Elements of the result.</param>
    /// <param name="assignments">State of the result's shape and its new values.</param>
    public Value Tensor(string name, Expression formula, params ReadOnlySpan<(Load Target, Expression Formula)> assignments)
    {
        List<(Value?, Expression)> all = [(null, formula)];
        foreach ((Load target, Expression value) in assignments) all.Add((target.Value, value));
        ElementwiseProgram program = ElementwiseProgram.Compile(all);
        return builder.Emit(new FusedElementwise(program), name, MemoryKind.Workspace, program.Inputs)[0];
    }

    /// <summary>Σ x² of a tensor, a scalar.</summary>
    public Load SquaredNorm(Value tensor, string name) => new(builder.SumOfSquares(tensor, name));

    /// <summary>Σ x of a tensor, a scalar.</summary>
    public Load Sum(Value tensor, string name) => new(builder.Sum(tensor, name));

    /// <summary>op(a)·op(b) of two matrices, and a sum that it is added to.</summary>
    public Value MatMul(Value a, Value b, bool transposeA = false, bool transposeB = false, Value? sum = null, string name = "product") =>
        builder.MatMul(a, b, transposeA, transposeB, sum, name, MemoryKind.Workspace);

    /// <summary>Assigns to state, now: what is emitted afterwards sees the new value.</summary>
    public void AssignNow(Load target, Expression formula) => builder.Assign([(target.Value, formula)]);

    /// <summary>
    /// Assigns to the parameter or to state of its shape. All these assignments of an update happen at once, after everything else, and see the
    /// values before any of them.
    /// </summary>
    public void Assign(Load target, Expression formula) => _assignments.Add((target.Value, formula));

    /// <summary>
    /// Assigns everything that is to be assigned, now, and yields a tensor in the same pass over memory: like all of it, it sees the values before.
    /// </summary>
    /// <param name="name">For people.</param>
    /// <param name="formula">Elements of the result, of the parameter's shape.</param>
    public Value AssignAllWith(string name, Expression formula)
    {
        Value result = builder.AssignWith(formula, name, Assignments(), ByChance);
        _assignments.Clear();
        return result;
    }

    /// <summary>Lets another rule update the parameter, by another gradient; what it assigns is assigned with everything else.</summary>
    public void Apply(IOptimizer inner, Expression gradient)
    {
        UpdateBuilder other = new(builder, scalars, parameter, gradient, moments: moments, projection: projection);
        inner.Update(other);
        _assignments.AddRange(other._assignments);
    }

    /// <summary>
    /// Another update of the parameter, emitted now, for the steps in which the conditions around it hold. Its state belongs to a name instead of
    /// the parameter: others may share it that are never updated in the same step. It begins anew every so many steps, with state of zero, and the
    /// steps that it is told of are counted from there.
    /// </summary>
    /// <param name="update">The rule.</param>
    /// <param name="stateOwner">What owns the state.</param>
    /// <param name="period">Steps from one beginning to the next, at least 1.</param>
    internal void ApplyNow(Action<UpdateBuilder> update, string stateOwner, int period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(period, 1);
        UpdateBuilder other = new(builder, scalars, parameter, Gradient, rounding, moments, projection) { _stateOwner = stateOwner, _period = period };
        update(other);
        other.Emit();
    }

    /// <summary>For a rule of hidden matrices: lets <paramref name="other"/> update every other parameter, and says whether it did.</summary>
    public bool IsLeftTo(IOptimizer other)
    {
        if (IsHiddenMatrix) return false;
        other.Update(this);
        return true;
    }

    /// <summary>The parameter less its decay: <paramref name="rate"/> of a matrix is lost per step and unit of learning rate.</summary>
    public Expression Decayed(float rate) => IsMatrix && rate != 0 ? Parameter * (1f - (LearningRate * rate)) : Parameter;

    /// <summary>Emits everything that was assigned as one node.</summary>
    internal void Emit()
    {
        if (_assignments.Count > 0) builder.Assign(Assignments(), ByChance);
    }

    private StochasticRounding? ByChance => rounding.Key is null ? null : new StochasticRounding(parameter, rounding.Key, rounding.Site);

    private List<(Value Target, Expression Formula)> Assignments()
    {
        if (rounding.IsCompensated) Compensate();
        return _assignments;
    }

    // Kahan's summation: the number is the stored one and what its rounding has left over. Rounding to the 8 bits of bfloat16 is written as
    // arithmetic (Dekker 1971): s(1 + 2¹⁶) − (s(1 + 2¹⁶) − s).
    private void Compensate()
    {
        int at = _assignments.FindIndex(a => a.Target.Id == parameter.Id);
        if (at < 0) return;
        Load compensation = new(builder.SharedState(parameter.Name + CompensationSuffix, parameter.Shape, MemoryKind.OptimizerState, DType.BF16));
        Expression sum = _assignments[at].Formula + compensation, large = sum * 65537f, stored = large - (large - sum);
        _assignments[at] = (parameter, stored);
        Assign(compensation, sum - stored);
    }
}
