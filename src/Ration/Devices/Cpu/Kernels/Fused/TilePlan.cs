using Ration.Graphs.Elementwise;
using static Ration.Devices.Cpu.Kernels.FormulaPlan;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Makes steps of tiles from instructions: as few as can be, since each reads operands from memory. A result stays in the accumulator for the
/// instruction that comes next, whichever operand it is there; products with a scalar and functions of one operand become parts of other steps.
/// </summary>
internal static unsafe class TilePlan
{
    /// <summary>Says of each arithmetic step with which others it runs in tiles, and what is done there.</summary>
    /// <param name="code">The instructions.</param>
    /// <param name="direct">What <see cref="FindDirectStores"/> has found.</param>
    /// <param name="steps">[code] the steps; their operands are known.</param>
    /// <param name="tiles">[code] receives what is done in tiles.</param>
    /// <returns>How many of those there are.</returns>
    public static int FormTiles(ReadOnlySpan<ElementwiseInstruction> code, ReadOnlySpan<int> direct, FormulaStep* steps, TileStep* tiles)
    {
        int count = 0;
        for (int start = 0, end; start < code.Length; start = end)
        {
            end = start;
            while (end < code.Length && IsInTiles(code[end])) end++;
            TileStep* group = tiles + count;
            int formed = 0;
            for (int n = start, last; n < end; n = last + 1)
            {
                last = Form(code, steps, n, end, n > start, group, ref formed);
                if (direct[last] >= 0 || IsReadFromMemory(code, last, end)) group[formed - 1].Stored = steps[last].Target;
            }

            FindFetches(group, formed);
            KeepOthers(group, formed);
            (steps[start].FirstTileStep, steps[start].TileSteps) = (count, formed);
            count += formed;
            end = int.Max(end, start + 1);
            steps[start].Together = end - start;
        }

        return count;
    }

    // Makes instruction n a step or a part of the last one, and says which instruction is the last that this did.
    private static int Form(ReadOnlySpan<ElementwiseInstruction> code, FormulaStep* steps, int n, int end, bool continues, TileStep* group, ref int count)
    {
        ElementwiseInstruction i = code[n];
        int held = continues ? code[n - 1].Target : -1, turned = continues ? Turned(code, n, end, held) : 0;
        if (turned > 0)
        {
            int last = n + turned - 1;
            StepOperand other = turned == 1 ? steps[n].A : Vector(i, steps[n]);
            TileStep* tile = Open(group, ref count, true, default, false);
            (tile->Operation, tile->Other, tile->IsTurned) = (OfBinary(code[last].Binary), other, code[last].Binary is not (BinaryFunction.Add or BinaryFunction.Multiply));
            if (turned == 2) tile->OtherScale = Scalar(i, steps[n]);
            return last;
        }

        bool isThere = continues && IsFirst(i, held);
        if (Before(i) is var before && before != TileFunction.None)
        {
            group[count++] = new TileStep { Loaded = isThere ? default : steps[n].A, Before = before };
        }
        else if (IsScaling(i))
        {
            isThere |= continues && i.AIsScalar && i.B == held;
            Open(group, ref count, isThere, Vector(i, steps[n]), true)->Scale = Scalar(i, steps[n]);
        }
        else
        {
            TileStep* tile = Open(group, ref count, isThere, steps[n].A, false);
            (tile->Operation, tile->Other) = (OfBinary(i.Binary), steps[n].B);
        }

        return n;
    }

    // The step of which a scale or an operation is still to come: the last one or a new one.
    private static TileStep* Open(TileStep* group, ref int count, bool isThere, StepOperand loaded, bool isScale)
    {
        if (isThere && group[count - 1] is { Operation: TileOperation.None, Stored.Address: 0 } last && !(isScale && last.Scale.Address != 0)) return group + count - 1;
        group[count++] = new TileStep { Loaded = isThere ? default : loaded };
        return group + count - 1;
    }

    // How many instructions from n on are one operation whose second operand the accumulator holds: two where the first one scales what becomes the
    // other operand.
    private static int Turned(ReadOnlySpan<ElementwiseInstruction> code, int n, int end, int held)
    {
        if (IsSecond(code[n], held)) return 1;
        return n + 1 < end && IsScaling(code[n]) && Readings(code[n], held) == 0 && !Replaces(code[n], held) && IsSecond(code[n + 1], held) && !code[n + 1].AIsScalar
            && code[n + 1].A == code[n].Target && (Replaces(code[n + 1], code[n].Target) || !IsRead(code, code[n].Target, n + 2)) ? 2 : 0;
    }

    // Whether a result is read by others than the next step, which may find it in the accumulator.
    private static bool IsReadFromMemory(ReadOnlySpan<ElementwiseInstruction> code, int n, int end)
    {
        int register = code[n].Target, next = n + 1;
        if (next == end) return IsRead(code, register, next);
        int turned = Turned(code, next, end, register);
        bool isFound = turned > 0 || (Readings(code[next], register) == 1 ? IsFirst(code[next], register) || IsScaling(code[next]) : IsSquare(code[next]) && IsFirst(code[next], register));
        if (!isFound) return IsRead(code, register, next);
        int last = next + int.Max(turned, 1) - 1;
        return !Replaces(code[last], register) && IsRead(code, register, last + 1);
    }

    // An operand that the step before had too is still in its registers, unless something happened to them or to its memory.
    private static void KeepOthers(TileStep* tiles, int count)
    {
        nint held = 0;
        for (TileStep* tile = tiles; tile < tiles + count; tile++)
        {
            bool isAsStored = tile->OtherScale.Address == 0 && !tile->IsTurned;
            if (tile->Other.Address == held && isAsStored) tile->Other = default;
            else if (tile->Other.Address != 0) held = isAsStored ? tile->Other.Address : 0;
            if (tile->Stored.Address == held) held = 0;
        }
    }

    // The first step that reads a tensor fetches it for all.
    private static void FindFetches(TileStep* tiles, int count)
    {
        for (int n = 0; n < count; n++)
        {
            bool isLoadedKnown = false, isOtherKnown = tiles[n].Other.Address == tiles[n].Loaded.Address;
            for (int before = 0; before < n; before++)
            {
                isLoadedKnown |= tiles[n].Loaded.Address == tiles[before].Loaded.Address || tiles[n].Loaded.Address == tiles[before].Other.Address;
                isOtherKnown |= tiles[n].Other.Address == tiles[before].Loaded.Address || tiles[n].Other.Address == tiles[before].Other.Address;
            }

            tiles[n].FetchesLoaded = tiles[n].Loaded.TensorStride != 0 && !isLoadedKnown;
            tiles[n].FetchesOther = tiles[n].Other.TensorStride != 0 && !isOtherKnown;
        }
    }

    /// <summary>Takes from tiles what they would fetch, for others to do.</summary>
    /// <param name="tiles">The tiles.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="tensors">[2 count] receives the address of each such tensor.</param>
    /// <returns>How many of those there are.</returns>
    public static int TakeFetches(TileStep* tiles, int count, nint* tensors)
    {
        int taken = 0;
        for (TileStep* tile = tiles; tile < tiles + count; tile++)
        {
            if (tile->FetchesLoaded) tensors[taken++] = tile->Loaded.Address;
            if (tile->FetchesOther) tensors[taken++] = tile->Other.Address;
            tile->FetchesLoaded = tile->FetchesOther = false;
        }

        return taken;
    }

    // Whether an instruction multiplies a vector register by a scalar.
    private static bool IsScaling(in ElementwiseInstruction i) => i is { Action: ElementwiseAction.Binary, Binary: BinaryFunction.Multiply } && i.AIsScalar != i.BIsScalar;

    private static bool IsSquare(in ElementwiseInstruction i) =>
        i is { Action: ElementwiseAction.Binary, Binary: BinaryFunction.Multiply, AIsScalar: false, BIsScalar: false } && i.A == i.B;

    private static StepOperand Vector(in ElementwiseInstruction scaling, in FormulaStep step) => scaling.AIsScalar ? step.B : step.A;

    private static StepOperand Scalar(in ElementwiseInstruction scaling, in FormulaStep step) => scaling.AIsScalar ? step.A : step.B;

    // Whether the first operand is a vector register.
    private static bool IsFirst(in ElementwiseInstruction i, int register) => !i.AIsScalar && i.A == register;

    // Whether the second operand alone is a vector register, and an operation knows what to do then.
    private static bool IsSecond(in ElementwiseInstruction i, int register) =>
        i is { Action: ElementwiseAction.Binary, BIsScalar: false } && i.B == register && !IsFirst(i, register) && !IsScaling(i);

    private static bool IsInTiles(in ElementwiseInstruction i) =>
        !i.TargetIsScalar && (Before(i) != TileFunction.None || (i.Action == ElementwiseAction.Binary && OfBinary(i.Binary) != TileOperation.None));

    private static TileFunction Before(in ElementwiseInstruction i) => i switch
    {
        _ when IsSquare(i) => TileFunction.Square,
        { Action: ElementwiseAction.Unary, Unary: UnaryFunction.Negate } => TileFunction.Negate,
        { Action: ElementwiseAction.Unary, Unary: UnaryFunction.Absolute } => TileFunction.Absolute,
        { Action: ElementwiseAction.Unary, Unary: UnaryFunction.Sign } => TileFunction.Sign,
        { Action: ElementwiseAction.Unary, Unary: UnaryFunction.SquareRoot } => TileFunction.SquareRoot,
        _ => TileFunction.None,
    };

    private static TileOperation OfBinary(BinaryFunction function) => function switch
    {
        BinaryFunction.Add => TileOperation.Add,
        BinaryFunction.Subtract => TileOperation.Subtract,
        BinaryFunction.Multiply => TileOperation.Multiply,
        BinaryFunction.Divide => TileOperation.Divide,
        BinaryFunction.Minimum => TileOperation.Minimum,
        BinaryFunction.Maximum => TileOperation.Maximum,
        _ => TileOperation.None,
    };
}
