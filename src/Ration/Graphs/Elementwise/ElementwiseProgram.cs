namespace Ration.Graphs.Elementwise;

/// <summary>What an instruction of an elementwise program does.</summary>
public enum ElementwiseAction
{
    /// <summary>Reads input number A.</summary>
    Load,

    /// <summary>Sets a constant.</summary>
    Constant,

    /// <summary>Applies <see cref="ElementwiseInstruction.Unary"/> to register A.</summary>
    Unary,

    /// <summary>Applies <see cref="ElementwiseInstruction.Binary"/> to registers A and B.</summary>
    Binary,

    /// <summary>Writes register A to destination number <see cref="ElementwiseInstruction.Target"/>.</summary>
    Store,
}

/// <summary>One step of an elementwise program. Scalars and chunks of elements have register files of their own.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Target">The register written (or the destination, for a store).</param>
/// <param name="TargetIsScalar">Whether that register holds one number.</param>
/// <param name="A">First operand.</param>
/// <param name="AIsScalar">Whether it is a scalar register.</param>
/// <param name="B">Second operand.</param>
/// <param name="BIsScalar">Whether it is a scalar register.</param>
/// <param name="Unary">For <see cref="ElementwiseAction.Unary"/>.</param>
/// <param name="Binary">For <see cref="ElementwiseAction.Binary"/>.</param>
/// <param name="Number">For <see cref="ElementwiseAction.Constant"/>.</param>
/// <param name="Spread">For <see cref="ElementwiseAction.Load"/>.</param>
public readonly record struct ElementwiseInstruction(
    ElementwiseAction Action, int Target, bool TargetIsScalar, int A = 0, bool AIsScalar = false, int B = 0, bool BIsScalar = false,
    UnaryFunction Unary = default, BinaryFunction Binary = default, float Number = 0, Spread Spread = default);

/// <summary>Where a formula's result goes.</summary>
/// <param name="AssignedInput">Number of the persistent input that is assigned, or −1 for a new output.</param>
/// <param name="IsStochastic">Whether what is stored in fewer bits is rounded by chance and not to nearest.</param>
public readonly record struct ElementwiseDestination(int AssignedInput, bool IsStochastic = false);

/// <summary>
/// Formulas compiled to straight-line code over a few registers. A device runs it chunk by chunk, with a chunk's registers in cache.
/// All loads come before all stores, so destinations may share memory with inputs.
/// </summary>
public sealed class ElementwiseProgram
{
    private readonly ElementwiseInstruction[] _code;

    /// <summary>What a compiler has made.</summary>
    internal ElementwiseProgram(ElementwiseInstruction[] code, IReadOnlyList<Value> inputs, IReadOnlyList<Spread> spreads,
        IReadOnlyList<ElementwiseDestination> destinations, IReadOnlyList<Expression> formulas)
    {
        (_code, Inputs, Spreads, Destinations, Formulas) = (code, inputs, spreads, destinations, formulas);
        StoresLoads = formulas.Any(static f => f is Load);
        for (int i = destinations.Count - 1; i >= 0; i--)
        {
            if (destinations[i].IsStochastic) StochasticDestination = i;
        }
    }

    /// <summary>Values read or assigned, in the order of input numbers.</summary>
    public IReadOnlyList<Value> Inputs { get; }

    /// <summary>How each input is read.</summary>
    public IReadOnlyList<Spread> Spreads { get; }

    /// <summary>The straight line: scalar instructions, element loads, arithmetic, stores.</summary>
    public ReadOnlySpan<ElementwiseInstruction> Code => _code;

    /// <summary>Where stores go.</summary>
    public IReadOnlyList<ElementwiseDestination> Destinations { get; }

    /// <summary>The formulas, for differentiation and for dumps.</summary>
    public IReadOnlyList<Expression> Formulas { get; }

    /// <summary>Whether a loaded element is stored as it is, so that one store could overwrite what another one still has to read.</summary>
    public bool StoresLoads { get; }

    /// <summary>Number of the destination that is rounded by chance, or −1.</summary>
    public int StochasticDestination { get; } = -1;

    /// <summary>Registers that hold one number.</summary>
    public int ScalarRegisters { get; internal init; }

    /// <summary>Registers that hold a chunk of elements.</summary>
    public int VectorRegisters { get; internal init; }

    /// <summary>Compiles formulas that run together; equal parts are computed once.</summary>
    /// <param name="formulas">Each formula and the persistent value that it is assigned to, or null for a new output.</param>
    /// <param name="stochastic">The assigned value that is rounded by chance, or null for none.</param>
    /// <exception cref="GraphException">There is no formula.</exception>
    public static ElementwiseProgram Compile(IReadOnlyList<(Value? Assigned, Expression Formula)> formulas, Value? stochastic = null)
    {
        ArgumentNullException.ThrowIfNull(formulas);
        if (formulas.Count == 0) throw new GraphException("an elementwise program needs a formula");
        return new ElementwiseCompiler().Compile(formulas, stochastic);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Formulas.Count} formulas, {_code.Length} instructions, {VectorRegisters} registers";
}
