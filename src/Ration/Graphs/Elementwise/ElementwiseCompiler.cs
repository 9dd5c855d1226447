namespace Ration.Graphs.Elementwise;

/// <summary>
/// Makes an <see cref="ElementwiseProgram"/>: each part of a formula once, in order of stages, over as few registers as are live at once. Plans
/// compile the updates of all weights many times over, so it is written without sequences and keeps nothing.
/// </summary>
internal sealed class ElementwiseCompiler
{
    private const int LastStage = 3;
    private readonly List<ElementwiseInstruction> _code = [];
    private readonly Dictionary<Expression, (int Register, bool IsScalar)> _compiled = new(ReferenceEqualityComparer.Instance);
    private readonly List<Value> _inputs = [];
    private readonly List<Spread> _spreads = [];
    private int _scalars;
    private int _vectors;

    /// <summary>As <see cref="ElementwiseProgram.Compile"/>.</summary>
    public ElementwiseProgram Compile(IReadOnlyList<(Value? Assigned, Expression Formula)> formulas, Value? stochastic)
    {
        var results = new (int Register, bool IsScalar)[formulas.Count];
        for (int i = 0; i < results.Length; i++) results[i] = Compile(formulas[i].Formula);
        var destinations = new ElementwiseDestination[formulas.Count];
        for (int i = 0; i < results.Length; i++)
        {
            Value? assigned = formulas[i].Assigned;
            destinations[i] = new ElementwiseDestination(assigned is null ? -1 : InputNumber(assigned, Spread.None), assigned is not null && assigned.Id == stochastic?.Id);
            _code.Add(new ElementwiseInstruction(ElementwiseAction.Store, i, false, results[i].Register, results[i].IsScalar));
        }

        List<ElementwiseInstruction> ordered = InStages();
        Sink(ordered);
        int registers = FoldRegisters(ordered);
        return new ElementwiseProgram([.. ordered], [.. _inputs], [.. _spreads], destinations, [.. formulas.Select(static f => f.Formula)])
        {
            ScalarRegisters = _scalars,
            VectorRegisters = registers,
        };
    }

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
            Load load => Append(new(ElementwiseAction.Load, 0, load.IsScalar, InputNumber(load.Value, load.Spread), load.IsScalar, Spread: load.Spread)),
            Constant constant => Append(new(ElementwiseAction.Constant, 0, true, 0, true, Number: constant.Number)),
            Unary unary => Append(unary.Function, Compile(unary.X)),
            Binary binary => Append(binary.Function, Compile(binary.A), Compile(binary.B)),
            _ => throw new GraphException($"unknown expression {expression.GetType().Name}"),
        };
        _compiled.Add(expression, result);
        return result;
    }

    private (int Register, bool IsScalar) Append(UnaryFunction function, (int Register, bool IsScalar) x) =>
        Append(new(ElementwiseAction.Unary, 0, x.IsScalar, x.Register, x.IsScalar, Unary: function));

    private (int Register, bool IsScalar) Append(BinaryFunction function, (int Register, bool IsScalar) a, (int Register, bool IsScalar) b) =>
        Append(new(ElementwiseAction.Binary, 0, a.IsScalar && b.IsScalar, a.Register, a.IsScalar, b.Register, b.IsScalar, Binary: function));

    // The same instruction on the same operands has been written before, or gets a register of its own.
    private (int Register, bool IsScalar) Append(ElementwiseInstruction instruction)
    {
        foreach (ElementwiseInstruction known in _code)
        {
            if (known.Action == instruction.Action && known.A == instruction.A && known with { Target = 0 } == instruction) return (known.Target, known.TargetIsScalar);
        }

        int register = instruction.TargetIsScalar ? _scalars++ : _vectors++;
        _code.Add(instruction with { Target = register });
        return (register, instruction.TargetIsScalar);
    }

    private List<ElementwiseInstruction> InStages()
    {
        List<ElementwiseInstruction> ordered = new(_code.Count);
        for (int stage = 0; stage <= LastStage; stage++)
        {
            foreach (ElementwiseInstruction instruction in _code)
            {
                if (Stage(instruction) == stage) ordered.Add(instruction);
            }
        }

        return ordered;
    }

    // A product with a scalar that one instruction reads, as what it begins with, moves just before it: there it costs no register, and a device can
    // do both at once.
    private static void Sink(List<ElementwiseInstruction> code)
    {
        for (int i = code.Count - 2; i >= 0; i--)
        {
            ElementwiseInstruction product = code[i];
            if (product is not { Action: ElementwiseAction.Binary, Binary: BinaryFunction.Multiply, TargetIsScalar: false } || product.AIsScalar == product.BIsScalar) continue;
            int reader = NextReader(code, i + 1, product.Target);
            if (reader < 0 || NextReader(code, reader + 1, product.Target) >= 0) continue;
            if (code[reader] is not { Action: ElementwiseAction.Binary, AIsScalar: false } first || first.A != product.Target || (!first.BIsScalar && first.B == product.Target)) continue;
            code.Insert(reader, product);
            code.RemoveAt(i);
        }
    }

    // Folds the registers of elements onto as few as are live at once, and returns how many those are.
    private int FoldRegisters(List<ElementwiseInstruction> code)
    {
        int[] lastUse = new int[_vectors], place = new int[_vectors];
        for (int i = 0; i < code.Count; i++)
        {
            if (ReadsA(code[i])) lastUse[code[i].A] = i;
            if (ReadsB(code[i])) lastUse[code[i].B] = i;
        }

        Stack<int> free = new();
        int used = 0;
        for (int i = 0; i < code.Count; i++)
        {
            ElementwiseInstruction instruction = code[i], moved = instruction;
            bool readsA = ReadsA(instruction), readsB = ReadsB(instruction);
            if (readsA) moved = moved with { A = place[instruction.A] };
            if (readsB) moved = moved with { B = place[instruction.B] };
            if (readsA && lastUse[instruction.A] == i) free.Push(moved.A);
            if (readsB && lastUse[instruction.B] == i && !(readsA && instruction.A == instruction.B)) free.Push(moved.B);
            if (!instruction.TargetIsScalar && instruction.Action != ElementwiseAction.Store)
                moved = moved with { Target = place[instruction.Target] = free.TryPop(out int reused) ? reused : used++ };
            code[i] = moved;
        }

        return used;
    }

    private static int Stage(ElementwiseInstruction instruction) => instruction switch
    {
        { Action: ElementwiseAction.Store } => LastStage,
        { TargetIsScalar: true } => 0,
        { Action: ElementwiseAction.Load } => 1,
        _ => 2,
    };

    private static int NextReader(List<ElementwiseInstruction> code, int start, int register)
    {
        for (int i = start; i < code.Count; i++)
        {
            if ((ReadsA(code[i]) && code[i].A == register) || (ReadsB(code[i]) && code[i].B == register)) return i;
        }

        return -1;
    }

    // Whether it reads a register of elements there.
    private static bool ReadsA(ElementwiseInstruction i) => i.Action is ElementwiseAction.Unary or ElementwiseAction.Binary or ElementwiseAction.Store && !i.AIsScalar;

    private static bool ReadsB(ElementwiseInstruction i) => i.Action == ElementwiseAction.Binary && !i.BIsScalar;
}
