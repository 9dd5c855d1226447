using System.Runtime.InteropServices;

namespace Ration.Benchmarks;

/// <summary>The parts of OpenBLAS that a comparison needs, loaded by name when the machine has it.</summary>
internal sealed unsafe class OpenBlas
{
    private const int RowMajor = 101, NotTransposed = 111, IsTransposed = 112;
    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _multiply;

    private OpenBlas(nint library, int threads)
    {
        _multiply = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, "cblas_sgemm");
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads"))(threads);
        byte* description = ((delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, "openblas_get_config"))();
        byte* core = ((delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, "openblas_get_corename"))();
        Description = $"{Marshal.PtrToStringUTF8((nint)description)}, kernels for {Marshal.PtrToStringUTF8((nint)core)}";
    }

    /// <summary>Version, options and the kernels chosen.</summary>
    public string Description { get; }

    /// <summary>The library, or null where there is none.</summary>
    public static OpenBlas? TryLoad(int threads)
    {
        foreach (string name in (string[])["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", "libopenblas.dll"])
            if (NativeLibrary.TryLoad(name, out nint library)) return new OpenBlas(library, threads);
        return null;
    }

    /// <summary>c [m, n] = a·b, row-major; a is stored [k, m] and b [n, k] where transposed.</summary>
    public void Multiply(float* a, bool aTransposed, float* b, bool bTransposed, float* c, int m, int n, int k) => _multiply(
        RowMajor, aTransposed ? IsTransposed : NotTransposed, bTransposed ? IsTransposed : NotTransposed,
        m, n, k, 1f, a, aTransposed ? m : k, b, bTransposed ? k : n, 0f, c, n);
}
