using System.Runtime.InteropServices;

namespace Ration.Tests.Devices.Cpu;

/// <summary>
/// Memory whose last byte is the last before a page that must not be touched, so that a kernel reading past its operand ends the
/// process instead of passing. Its start is as misaligned as its length makes it. Elsewhere than on Linux: plain memory.
/// </summary>
internal sealed unsafe class GuardedBuffer : IDisposable
{
    private const int ReadWrite = 3, PrivateAnonymous = 0x22;
    private readonly byte* _map;
    private readonly nuint _mapped;

    public GuardedBuffer(nint bytes)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        nuint used = ((nuint)bytes + page - 1) / page * page;
        _mapped = used + page;
        if (OperatingSystem.IsLinux())
        {
            _map = Map(null, _mapped, ReadWrite, PrivateAnonymous, -1, 0);
            if ((nint)_map == -1 || Protect(_map + used, page, 0) != 0) throw new InvalidOperationException("no guarded memory");
        }
        else
        {
            _map = (byte*)NativeMemory.AlignedAlloc(_mapped, page);
        }

        Data = _map + used - bytes;
    }

    /// <summary>The first byte.</summary>
    public byte* Data { get; }

    public void Dispose()
    {
        if (OperatingSystem.IsLinux()) _ = Unmap(_map, _mapped);
        else NativeMemory.AlignedFree(_map);
    }

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern byte* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect")]
    private static extern int Protect(void* address, nuint length, int protection);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern int Unmap(void* address, nuint length);
}
