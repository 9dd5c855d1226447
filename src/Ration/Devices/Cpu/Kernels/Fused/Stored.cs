using System.Runtime.InteropServices;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Decodes and encodes storage formats at the edge of a chunk.</summary>
internal static unsafe class Stored
{
    /// <summary>Reads elements from <paramref name="start"/> on as F32.</summary>
    public static void Load(nint source, DType type, nint start, float* target, nint count)
    {
        if (type == DType.F32) NativeMemory.Copy((float*)source + start, target, (nuint)count * sizeof(float));
        else throw new NotSupportedException($"no formula over {type}");
    }

    /// <summary>Writes F32 elements from <paramref name="start"/> on.</summary>
    public static void Store(float* source, nint target, DType type, nint start, nint count)
    {
        if (type == DType.F32) NativeMemory.Copy(source, (float*)target + start, (nuint)count * sizeof(float));
        else throw new NotSupportedException($"no formula over {type}");
    }
}
