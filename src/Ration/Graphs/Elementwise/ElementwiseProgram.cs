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
    private readonly List<ElementwiseInstruction> _code = [];
    private readonly Dictionary<(ElementwiseAction, int, int, int, bool, bool, float), (int Register, bool IsScalar)> _known = [];
    private readonly Dictionary<Expression, (int Register, bool IsScalar)> _compiled = new(ReferenceEqualityComparer.Instance);
    private readonly List<Value> _inputs = [];
    private readonly List<Spread> _spreads = [];
    private ElementwiseInstruction[] _final = [];
    private int _scalars;
    private int _vectors;

    private ElementwiseProgram()
    {
    }

    /// <summary>Values read or assigned, in the order of input numbers.</summary>
    public IReadOnlyList<Value> Inputs => _inputs;

    /// <summary>How each input is read.</summary>
    public IReadOnlyList<Spread> Spreads => _spreads;

    /// <summary>The straight line: scalar instructions, element loads, arithmetic, stores.</summary>
    public ReadOnlySpan<ElementwiseInstruction> Code => _final;

    /// <summary>Where stores go.</summary>
    public IReadOnlyList<ElementwiseDestination> Destinations { get; private set; } = [];

    /// <summary>The formulas, for differentiation and for dumps.</summary>
    public IReadOnlyList<Expression> Formulas { get; private set; } = [];

    /// <summary>Whether a loaded element is stored as it is, so that one store could overwrite what another one still has to read.</summary>
    public bool StoresLoads { get; private set; }

    /// <summary>Number of the destination that is rounded by chance, or −1.</summary>
    public int StochasticDestination { get; private set; } = -1;

    /// <summary>Registers that hold one number.</summary>
    public int ScalarRegisters => _scalars;

    /// <summary>Registers that hold a chunk of elements.</summary>
    public int VectorRegisters { get; private set; }

    /// <summary>Compiles formulas that run together; equal parts are computed once.</summary>
    /// <param name="formulas">Each formula and the persistent value that it is assigned to, or null for a new output.</param>
    /// <param name="stochastic">The assigned value that is rounded by chance, or null for none.</param>
    /// <exception cref="GraphException">There is no formula.</exception>
    public static ElementwiseProgram Compile(IReadOnlyList<(Value? Assigned, Expression Formula)> formulas, Value? stochastic = null)
    {
        if (formulas.Count == 0) throw new GraphException("an elementwise program needs a formula");
        ElementwiseProgram program = new();
        List<(int Register, bool IsScalar)> results = [.. formulas.Select(f => program.Compile(f.Formula))];
        program.Destinations = [.. formulas.Select(f => new ElementwiseDestination(f.Assigned is null ? -1 : program.InputNumber(f.Assigned, Spread.None), f.Assigned is not null && f.Assigned.Id == stochastic?.Id))];
        program.StochasticDestination = program.Destinations.ToList().FindIndex(static d => d.IsStochastic);
        for (int i = 0; i < results.Count; i++)
            program._code.Add(new ElementwiseInstruction(ElementwiseAction.Store, i, false, results[i].Register, results[i].IsScalar));
        program.StoresLoads = formulas.Any(static f => f.Formula is Load);
        program.Formulas = [.. formulas.Select(static f => f.Formula)];
        program.Finish();
        return program;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Formulas.Count} formulas, {_final.Length} instructions, {VectorRegisters} registers";

    private int InputNumber(Value value, Spread spread)
    {
        int number = _inputs.IndexOf(value);
        if (number >= 0 && _spreads[number] != spread) throw new GraphException($"{value} is read in two ways by one program");
        if (number >= 0) return number;
        _inputs.Add(value);
        _spreads.Add(spread);
        return _inputs.Count - 1;
    }

    private (int Register, bool IsScalar) Compile(Expression expression)
    {
        if (_compiled.TryGetValue(expression, out (int, bool) done)) return done;
        (int Register, bool IsScalar) result = expression switch
        {
            Load load => Append(ElementwiseAction.Load, (int)load.Spread, (InputNumber(load.Value, load.Spread), load.IsScalar), default, 0),
            Constant constant => Append(ElementwiseAction.Constant, 0, (0, true), default, constant.Number),
            Unary unary => Append(ElementwiseAction.Unary, (int)unary.Function, Compile(unary.X), default, 0),
            Binary binary => Append(ElementwiseAction.Binary, (int)binary.Function, Compile(binary.A), Compile(binary.B), 0),
            _ => throw new GraphException($"unknown expression {expression.GetType().Name}"),
        };
        _compiled.Add(expression, result);
        return result;
    }

    private (int Register, bool IsScalar) Append(ElementwiseAction action, int function, (int Register, bool IsScalar) a, (int Register, bool IsScalar) b, float number)
    {
        var key = (action, function, a.Register, b.Register, a.IsScalar, b.IsScalar, number);
        if (_known.TryGetValue(key, out (int, bool) known)) return known;
        bool scalar = a.IsScalar && (action != ElementwiseAction.Binary || b.IsScalar);
        int register = scalar ? _scalars++ : _vectors++;
        _code.Add(new ElementwiseInstruction(action, register, scalar, a.Register, a.IsScalar, b.Register, b.IsScalar,
            (UnaryFunction)function, (BinaryFunction)function, number, action == ElementwiseAction.Load ? (Spread)function : Spread.None));
        _known.Add(key, (register, scalar));
        return (register, scalar);
    }

    // Orders the code (scalars, loads, arithmetic, stores) and folds the element registers onto as few as are live at once.
    private void Finish()
    {
        List<ElementwiseInstruction> ordered = [.. _code.Select(static (i, n) => (i, n)).OrderBy(static p => Stage(p.i)).ThenBy(static p => p.n).Select(static p => p.i)];
        Sink(ordered);
        int[] lastUse = new int[_vectors];
        for (int i = 0; i < ordered.Count; i++)
        {
            foreach (int register in VectorOperands(ordered[i])) lastUse[register] = i;
        }

        int[] place = new int[_vectors];
        Stack<int> free = new();
        int used = 0;
        for (int i = 0; i < ordered.Count; i++)
        {
            ElementwiseInstruction instruction = ordered[i];
            int[] operands = [.. VectorOperands(instruction).Distinct()];
            ElementwiseInstruction moved = instruction;
            if (!instruction.AIsScalar && UsesA(instruction)) moved = moved with { A = place[instruction.A] };
            if (!instruction.BIsScalar && instruction.Action == ElementwiseAction.Binary) moved = moved with { B = place[instruction.B] };
            foreach (int register in operands.Where(r => lastUse[r] == i)) free.Push(place[register]);
            if (!instruction.TargetIsScalar && instruction.Action != ElementwiseAction.Store)
            {
                place[instruction.Target] = free.TryPop(out int reused) ? reused : used++;
                moved = moved with { Target = place[instruction.Target] };
            }

            ordered[i] = moved;
        }

        _final = [.. ordered];
        VectorRegisters = used;
    }

    // A product with a scalar that one instruction reads, as what it begins with, moves just before it: there it costs no register, and a device can
    // do both at once.
    private static void Sink(List<ElementwiseInstruction> code)
    {
        for (int i = code.Count - 2; i >= 0; i--)
        {
            ElementwiseInstruction product = code[i];
            if (product is not { Action: ElementwiseAction.Binary, Binary: BinaryFunction.Multiply, TargetIsScalar: false } || product.AIsScalar == product.BIsScalar) continue;
            int reader = code.FindIndex(i + 1, o => VectorOperands(o).Contains(product.Target));
            if (reader < 0 || code.FindIndex(reader + 1, o => VectorOperands(o).Contains(product.Target)) >= 0) continue;
            if (code[reader] is not { Action: ElementwiseAction.Binary, AIsScalar: false } first || first.A != product.Target || (!first.BIsScalar && first.B == product.Target)) continue;
            code.Insert(reader, product);
            code.RemoveAt(i);
        }
    }

    private static int Stage(ElementwiseInstruction instruction) => instruction switch
    {
        { Action: ElementwiseAction.Store } => 3,
        { TargetIsScalar: true } => 0,
        { Action: ElementwiseAction.Load } => 1,
        _ => 2,
    };

    private static bool UsesA(ElementwiseInstruction i) => i.Action is ElementwiseAction.Unary or ElementwiseAction.Binary or ElementwiseAction.Store;

    private static IEnumerable<int> VectorOperands(ElementwiseInstruction instruction)
    {
        if (UsesA(instruction) && !instruction.AIsScalar) yield return instruction.A;
        if (instruction.Action == ElementwiseAction.Binary && !instruction.BIsScalar) yield return instruction.B;
    }
}
