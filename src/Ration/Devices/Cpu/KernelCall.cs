using System.Runtime.InteropServices;
using Ration.Graphs;
using Ration.Tensors;

namespace Ration.Devices.Cpu;

/// <summary>An instruction with addresses: what a kernel sees.</summary>
internal readonly unsafe ref struct KernelCall(Instruction instruction, byte* memory, WorkerPool pool)
{
    /// <summary>The node.</summary>
    public Node Node => instruction.Node;

    /// <summary>The workers.</summary>
    public WorkerPool Pool => pool;

    /// <summary>The scratch that the kernel asked for, aligned to 64 bytes.</summary>
    public byte* Workspace => memory + instruction.Workspace;

    /// <summary>Address of an input.</summary>
    public byte* Input(int index) => memory + instruction.Inputs[index];

    /// <summary>Address of an F32 input.</summary>
    public float* Floats(int index) => (float*)Input(index);

    /// <summary>Address of an I32 input.</summary>
    public int* Integers(int index) => (int*)Input(index);

    /// <summary>Address of an output.</summary>
    public byte* Output(int index) => memory + instruction.Outputs[index];

    /// <summary>Address of an F32 output.</summary>
    public float* OutputFloats(int index) => (float*)Output(index);

    /// <summary>Shape of an input.</summary>
    public Shape Shape(int index) => instruction.Node.Inputs[index].Shape;

    /// <summary>Storage of an input.</summary>
    public DType Type(int index) => instruction.Node.Inputs[index].DType;

    /// <summary>Starts an output that is a running sum: copies the sum's input there, unless they are the same bytes.</summary>
    public void BeginSum(int output, int input)
    {
        byte* source = Input(input), target = Output(output);
        if (source != target) NativeMemory.Copy(source, target, (nuint)Node.Outputs[output].Bytes);
    }
}
