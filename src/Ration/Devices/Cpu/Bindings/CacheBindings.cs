using System.Runtime.InteropServices;
using Ration.Devices.Cpu.Kernels;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Bindings;

/// <summary>Binds what generation does with caches and chosen tokens.</summary>
internal static unsafe class CacheBindings
{
    /// <summary>Registers the kernels.</summary>
    public static void AddTo(KernelTable table)
    {
        table.Add<AppendToCache>(RunAppend);
        table.Add<SelectToken>(RunSelectToken);
    }

    private static void RunAppend(in KernelCall call)
    {
        Shape cache = call.Shape(0);
        CacheKernel.Append(
            call.Pool, call.Floats(1), call.Integers(2), call.Output(0), call.Type(0), (nint)cache[0], (nint)call.Shape(1)[1], (nint)cache[1], (nint)cache[2],
            ((AppendToCache)call.Node.Op).Ring);
    }

    private static void RunSelectToken(in KernelCall call)
    {
        long rows = call.Shape(0)[0], tokens = call.Shape(0)[1], width = call.Shape(0)[2];
        for (long row = 0; row < rows; row++)
        {
            long token = call.Integers(1)[row];
            if (token < 0 || token >= tokens) throw new InvalidOperationException($"there is no token {token} among {tokens}");
            NativeMemory.Copy(call.Floats(0) + (((row * tokens) + token) * width), call.OutputFloats(0) + (row * width), (nuint)(width * sizeof(float)));
        }
    }
}
