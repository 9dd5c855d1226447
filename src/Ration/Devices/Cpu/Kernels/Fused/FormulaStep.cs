using System.Runtime.CompilerServices;
using Ration.Graphs.Elementwise;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Where an operand or a result of a step lies.</summary>
internal unsafe struct StepOperand(nint address, nint stride, nint tensorStride)
{
    /// <summary>The float of the first element of the tensor or the register; 0 for none.</summary>
    public nint Address = address;

    /// <summary>Floats from one element of a chunk to the next: 1, or 0 for a scalar.</summary>
    public readonly nint Stride = stride;

    /// <summary>Floats from one element of the tensor to the next: 1, or 0 for a register, which holds a chunk.</summary>
    public readonly nint TensorStride = tensorStride;

    /// <summary>The place of an element of the chunk that begins at element <paramref name="start"/> of the tensor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float* At(nint start, nint element) => (float*)Address + (start * TensorStride) + (element * Stride);

    /// <summary>The place of an element of the chunk that begins where the operand does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float* At(nint element) => (float*)Address + (element * Stride);

    /// <summary>Goes some elements of the tensor on; a register stays where it is.</summary>
    public void MoveBy(nint elements) => Address += elements * TensorStride * sizeof(float);

    /// <summary>The operand of a worker whose registers lie some bytes behind.</summary>
    public readonly StepOperand Of(nint registerBytes) => this with { Address = Address + (TensorStride == 0 ? Stride * registerBytes : 0) };
}

/// <summary>An instruction of a formula, made ready for one worker.</summary>
internal struct FormulaStep
{
    /// <summary>The instruction.</summary>
    public ElementwiseInstruction Instruction;

    /// <summary>First operand; what a store stores.</summary>
    public StepOperand A;

    /// <summary>Second operand.</summary>
    public StepOperand B;

    /// <summary>Where the result goes: a register or a tensor.</summary>
    public StepOperand Target;

    /// <summary>At the first of steps that run together, how many they are: one where it has no place in tiles.</summary>
    public int Together;

    /// <summary>At the first of steps that run together in tiles, the number of the first <see cref="TileStep"/>.</summary>
    public int FirstTileStep;

    /// <summary>How many of those they come to; 0 where they have no place in tiles.</summary>
    public int TileSteps;

    /// <summary>Whether there is nothing to do: scalars are computed before, and results may be in their tensor already.</summary>
    public bool IsDone;

    /// <summary>The step of a worker whose registers lie some bytes behind.</summary>
    public readonly FormulaStep Of(nint registerBytes) => this with
    {
        A = A.Of(registerBytes),
        B = B.Of(registerBytes),
        Target = Target.Of(registerBytes),
    };
}
