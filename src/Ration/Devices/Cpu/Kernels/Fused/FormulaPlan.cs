using Ration.Graphs.Elementwise;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Which instructions of a formula need no action of their own, and which run together in tiles.</summary>
internal static unsafe class FormulaPlan
{
    /// <summary>What <see cref="FindDirectStores"/> says of a store that is done already.</summary>
    public const int Done = -2;

    /// <summary>
    /// Arithmetic whose result is stored as F32 writes it to its destination at once, where nothing is read from there afterwards.
    /// </summary>
    /// <param name="code">The instructions.</param>
    /// <param name="inputs">Address of each input.</param>
    /// <param name="types">Storage of each input.</param>
    /// <param name="destinations">Address of each destination.</param>
    /// <param name="destinationTypes">Storage of each destination.</param>
    /// <param name="copyLoads">Whether loads are copied to registers.</param>
    /// <param name="direct">[code] for each instruction the number of that destination or −1; for its store <see cref="Done"/>.</param>
    public static void FindDirectStores(
        ReadOnlySpan<ElementwiseInstruction> code, ReadOnlySpan<nint> inputs, ReadOnlySpan<DType> types, ReadOnlySpan<nint> destinations,
        ReadOnlySpan<DType> destinationTypes, bool copyLoads, Span<int> direct)
    {
        direct.Fill(-1);
        for (int store = 0; store < code.Length; store++)
        {
            ElementwiseInstruction s = code[store];
            if (s.Action != ElementwiseAction.Store || s.AIsScalar || destinationTypes[s.Target] != DType.F32) continue;
            int source = store - 1;
            while (source >= 0 && (code[source].TargetIsScalar || code[source].Action == ElementwiseAction.Store || code[source].Target != s.A)) source--;
            if (source < 0 || code[source].Action is not (ElementwiseAction.Unary or ElementwiseAction.Binary) || direct[source] != -1) continue;
            if (!copyLoads && IsDestinationReadAfter(code, source, inputs, types, destinations[s.Target])) continue;
            (direct[source], direct[store]) = (s.Target, Done);
        }
    }

    /// <summary>
    /// Says of each arithmetic step with which others it runs in tiles, and what is done there. A product with a scalar becomes part of what comes
    /// after it.
    /// </summary>
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
            steps[start].FirstTileStep = count;
            while (end < code.Length && InTile(code[end]) != TileOperation.None) end++;
            for (int n = start; n < end; n++)
            {
                bool isSecond = n > start && IsSecond(code[n], code[n - 1].Target), isThere = n > start && (isSecond || IsFirst(code[n], code[n - 1].Target));
                bool isScaling = IsScaling(code[n]);
                bool joins = isThere && !isScaling && tiles[count - 1] is { Operation: TileOperation.None, Stored.Address: 0 };
                bool isTurned = isScaling && code[n].AIsScalar;
                (StepOperand first, StepOperand second) = isTurned || isSecond ? (steps[n].B, steps[n].A) : (steps[n].A, steps[n].B);
                if (!joins) tiles[count++] = new TileStep { Loaded = isThere ? default : first };
                TileStep* tile = tiles + count - 1;
                if (isScaling) tile->Scale = second;
                else (tile->Operation, tile->Other) = (InTile(code[n]), second);
                if (direct[n] >= 0 || IsReadFromMemory(code, n, end)) tile->Stored = steps[n].Target;
            }

            steps[start].TileSteps = count - steps[start].FirstTileStep;
            FindFetches(tiles + steps[start].FirstTileStep, steps[start].TileSteps);
            end = int.Max(end, start + 1);
            steps[start].Together = end - start;
        }

        return count;
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

    // Whether a result is read by others than the next instruction, which may find it in the accumulator.
    private static bool IsReadFromMemory(ReadOnlySpan<ElementwiseInstruction> code, int n, int end)
    {
        int register = code[n].Target;
        return n + 1 == end || Readings(code[n + 1], register) != 1 || !(IsFirst(code[n + 1], register) || IsSecond(code[n + 1], register))
            ? IsRead(code, register, n + 1)
            : !Replaces(code[n + 1], register) && IsRead(code, register, n + 2);
    }

    // Whether the first operand is a vector register.
    private static bool IsFirst(in ElementwiseInstruction i, int register) => !i.AIsScalar && i.A == register;

    // Whether the second operand alone is a vector register, and could as well be the first.
    private static bool IsSecond(in ElementwiseInstruction i, int register) =>
        i is { Action: ElementwiseAction.Binary, BIsScalar: false, Binary: BinaryFunction.Add or BinaryFunction.Multiply } && i.B == register && !IsFirst(i, register);

    // What an instruction is in tiles: arithmetic of few machine instructions.
    private static TileOperation InTile(in ElementwiseInstruction i) => i switch
    {
        { TargetIsScalar: true } => TileOperation.None,
        { Action: ElementwiseAction.Unary } => OfUnary(i.Unary),
        { Action: ElementwiseAction.Binary } => OfBinary(i.Binary),
        _ => TileOperation.None,
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

    // Whether what a vector register holds is read by an instruction from a number on.
    private static bool IsRead(ReadOnlySpan<ElementwiseInstruction> code, int register, int from)
    {
        for (int i = from; i < code.Length; i++)
        {
            if (Reads(code[i], register)) return true;
            if (Replaces(code[i], register)) return false;
        }

        return false;
    }

    // How often an instruction reads a vector register.
    private static int Readings(in ElementwiseInstruction i, int register)
    {
        if (i.TargetIsScalar || i.Action is ElementwiseAction.Load or ElementwiseAction.Constant) return 0;
        return (!i.AIsScalar && i.A == register ? 1 : 0) + (i.Action == ElementwiseAction.Binary && !i.BIsScalar && i.B == register ? 1 : 0);
    }

    // Whether an instruction writes a vector register.
    private static bool Replaces(in ElementwiseInstruction i, int register) => !i.TargetIsScalar && i.Action != ElementwiseAction.Store && i.Target == register;

    private static bool Reads(in ElementwiseInstruction i, int register) => Readings(i, register) > 0;

    private static TileOperation OfUnary(UnaryFunction function) => function switch
    {
        UnaryFunction.Negate => TileOperation.Negate,
        UnaryFunction.Absolute => TileOperation.Absolute,
        UnaryFunction.Sign => TileOperation.Sign,
        UnaryFunction.SquareRoot => TileOperation.SquareRoot,
        _ => TileOperation.None,
    };

    // Whether a register that lies in the memory of a destination is an operand after an instruction.
    private static bool IsDestinationReadAfter(ReadOnlySpan<ElementwiseInstruction> code, int source, ReadOnlySpan<nint> inputs, ReadOnlySpan<DType> types, nint destination)
    {
        for (int load = 0; load < source; load++)
        {
            ElementwiseInstruction l = code[load];
            if (l.Action != ElementwiseAction.Load || l.TargetIsScalar || l.Spread != Spread.None || types[l.A] != DType.F32 || inputs[l.A] != destination) continue;
            for (int i = load + 1; i < code.Length; i++)
            {
                if (i > source && Reads(code[i], l.Target)) return true;
                if (Replaces(code[i], l.Target)) break;
            }
        }

        return false;
    }
}
