using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ration.Files;
using Ration.Files.Safetensors;

namespace Ration.Tests.Tensors.Formats;

/// <summary>What ggml's library and bitsandbytes' rules gave; tests/golden/make_quantization_golden.py tells how.</summary>
internal static class QuantizationGolden
{
    public static T[] Read<T>(string name)
        where T : unmanaged
    {
        using SafetensorsReader file = SafetensorsReader.Open(Path.Combine(AppContext.BaseDirectory, "Golden", "quantization.safetensors"));

        // Every tensor there is declared as numbers of four bytes.
        T[] elements = new T[file.Require(name).Shape.Elements * 4 / Unsafe.SizeOf<T>()];
        file.Read(name, MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }
}
