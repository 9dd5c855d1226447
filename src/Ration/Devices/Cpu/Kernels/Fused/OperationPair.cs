using System.Runtime.CompilerServices;
using Ration.Graphs.Elementwise;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Two instructions of a formula in one pass over a chunk: the first one's result is read by the second alone and stays in a register. Each is
/// rounded as if it stood by itself.
/// </summary>
internal static unsafe class OperationPair
{
    /// <summary>Whether instruction <paramref name="first"/> can go together with the one after it.</summary>
    public static bool IsPossible(ReadOnlySpan<ElementwiseInstruction> code, int first)
    {
        if (first + 1 >= code.Length || !IsPart(code[first]) || !IsPart(code[first + 1])) return false;
        ElementwiseInstruction one = code[first], two = code[first + 1];
        if (one.AIsScalar && one.Binary == BinaryFunction.Subtract) return false;
        bool isLeft = !two.AIsScalar && two.A == one.Target, isRight = !two.BIsScalar && two.B == one.Target;
        return isLeft != isRight && !IsReadLater(code, first + 1, one.Target);
    }

    /// <summary>Runs two instructions.</summary>
    /// <param name="first">The first.</param>
    /// <param name="second">The one after it.</param>
    /// <param name="places">Where vector registers lie.</param>
    /// <param name="scalars">The scalar registers.</param>
    /// <param name="target">[count] overwritten.</param>
    /// <param name="count">Elements.</param>
    public static void Run(in ElementwiseInstruction first, in ElementwiseInstruction second, float** places, float* scalars, float* target, nint count)
    {
        Operands operands = new(first, second, places, scalars);
        switch (first.Binary)
        {
            case BinaryFunction.Add: Then<Add>(operands, second.Binary, target, count); break;
            case BinaryFunction.Subtract: Then<Subtract>(operands, second.Binary, target, count); break;
            default: Then<Multiply>(operands, second.Binary, target, count); break;
        }
    }

    private static bool IsPart(ElementwiseInstruction i) => i is
    { Action: ElementwiseAction.Binary, TargetIsScalar: false, Binary: BinaryFunction.Add or BinaryFunction.Subtract or BinaryFunction.Multiply };

    private static bool IsReadLater(ReadOnlySpan<ElementwiseInstruction> code, int after, int register)
    {
        if (code[after].Target == register) return false;
        for (int i = after + 1; i < code.Length; i++)
        {
            ElementwiseInstruction user = code[i];
            if (user.Action != ElementwiseAction.Load && !user.TargetIsScalar && !user.AIsScalar && user.A == register) return true;
            if (user is { Action: ElementwiseAction.Binary, TargetIsScalar: false, BIsScalar: false } && user.B == register) return true;
            if (!user.TargetIsScalar && user.Action != ElementwiseAction.Store && user.Target == register) return false;
        }

        return false;
    }

    private static void Then<TFirst>(in Operands operands, BinaryFunction second, float* target, nint count)
        where TFirst : struct, IBinaryOperator
    {
        switch (second)
        {
            case BinaryFunction.Add: Apply<TFirst, Add>(operands, target, count); break;
            case BinaryFunction.Subtract when operands.IsLeft: Apply<TFirst, Subtract>(operands, target, count); break;
            case BinaryFunction.Subtract: Apply<TFirst, SubtractFrom>(operands, target, count); break;
            default: Apply<TFirst, Multiply>(operands, target, count); break;
        }
    }

    private static void Apply<TFirst, TSecond>(in Operands o, float* target, nint count)
        where TFirst : struct, IBinaryOperator
        where TSecond : struct, IBinaryOperator
    {
        if (o.Y is null && o.Z is null) ElementwiseLoops.TernaryScalars<InOrder<TFirst, TSecond>>(o.X, o.ScalarY, o.ScalarZ, target, count);
        else if (o.Z is null) ElementwiseLoops.TernaryScalar<InOrder<TFirst, TSecond>>(o.X, o.Y, o.ScalarZ, target, count);
        else if (o.Y is null) ElementwiseLoops.TernaryScalar<Crossed<TFirst, TSecond>>(o.X, o.Z, o.ScalarY, target, count);
        else ElementwiseLoops.Ternary<InOrder<TFirst, TSecond>>(o.X, o.Y, o.Z, target, count);
    }

    // x and y of the first instruction, z of the second; where one is null its scalar is meant.
    private readonly struct Operands
    {
        public Operands(in ElementwiseInstruction first, in ElementwiseInstruction second, float** places, float* scalars)
        {
            // A scalar comes first only where order makes no difference.
            bool isScalar = first.AIsScalar || first.BIsScalar;
            int x = first.AIsScalar ? first.B : first.A, y = first.AIsScalar ? first.A : first.B;
            X = places[x];
            Y = isScalar ? null : places[y];
            ScalarY = isScalar ? scalars[y] : 0;
            IsLeft = !second.AIsScalar && second.A == first.Target;
            isScalar = IsLeft ? second.BIsScalar : second.AIsScalar;
            int z = IsLeft ? second.B : second.A;
            Z = isScalar ? null : places[z];
            ScalarZ = isScalar ? scalars[z] : 0;
        }

        public float* X { get; }

        public float* Y { get; }

        public float* Z { get; }

        public float ScalarY { get; }

        public float ScalarZ { get; }

        /// <summary>Whether the first result is the left operand of the second instruction.</summary>
        public bool IsLeft { get; }
    }

    private readonly struct InOrder<TFirst, TSecond> : ITernaryOperator
        where TFirst : struct, IBinaryOperator
        where TSecond : struct, IBinaryOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Do<T>(T x, T y, T z)
            where T : unmanaged, ILanes<T> => TSecond.Do(TFirst.Do(x, y), z);
    }

    private readonly struct Crossed<TFirst, TSecond> : ITernaryOperator
        where TFirst : struct, IBinaryOperator
        where TSecond : struct, IBinaryOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Do<T>(T x, T y, T z)
            where T : unmanaged, ILanes<T> => TSecond.Do(TFirst.Do(x, z), y);
    }

    private readonly struct SubtractFrom : IBinaryOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Do<T>(T x, T y)
            where T : unmanaged, ILanes<T> => y - x;
    }
}
