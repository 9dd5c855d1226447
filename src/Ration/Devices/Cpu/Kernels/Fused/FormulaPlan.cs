using Ration.Graphs.Elementwise;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Which instructions of a formula need no action of their own, and what is read after them.</summary>
internal static class FormulaPlan
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

    /// <summary>Whether what a vector register holds is read by an instruction from a number on.</summary>
    public static bool IsRead(ReadOnlySpan<ElementwiseInstruction> code, int register, int from)
    {
        for (int i = from; i < code.Length; i++)
        {
            if (Reads(code[i], register)) return true;
            if (Replaces(code[i], register)) return false;
        }

        return false;
    }

    /// <summary>How often an instruction reads a vector register.</summary>
    public static int Readings(in ElementwiseInstruction i, int register)
    {
        if (i.TargetIsScalar || i.Action is ElementwiseAction.Load or ElementwiseAction.Constant) return 0;
        return (!i.AIsScalar && i.A == register ? 1 : 0) + (i.Action == ElementwiseAction.Binary && !i.BIsScalar && i.B == register ? 1 : 0);
    }

    /// <summary>Whether an instruction writes a vector register.</summary>
    public static bool Replaces(in ElementwiseInstruction i, int register) => !i.TargetIsScalar && i.Action != ElementwiseAction.Store && i.Target == register;

    private static bool Reads(in ElementwiseInstruction i, int register) => Readings(i, register) > 0;

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
