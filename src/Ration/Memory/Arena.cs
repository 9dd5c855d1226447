using System.Runtime.InteropServices;

namespace Ration.Memory;

/// <summary>One block of native memory, aligned to huge pages, from which every value of a program is a view.</summary>
public sealed unsafe class Arena : SafeHandle
{
    private const nuint HugePage = 2u << 20;
    private const int MadviseHugePage = 14;
    private static long s_liveBytes;

    private Arena(long bytes)
        : base(0, ownsHandle: true)
    {
        Bytes = bytes;
        nuint size = (nuint)Math.Max(bytes, 1);
        SetHandle((nint)NativeAllocator.Allocate(size, HugePage));
        if (OperatingSystem.IsLinux() && size >= HugePage) _ = Advise(handle, size & ~(HugePage - 1), MadviseHugePage);
        GC.AddMemoryPressure(Math.Max(bytes, 1));
        Interlocked.Add(ref s_liveBytes, bytes);
    }

    /// <summary>Native bytes held by all arenas that are not disposed: zero when nothing leaks.</summary>
    public static long LiveBytes => Interlocked.Read(ref s_liveBytes);

    /// <summary>The size of the block.</summary>
    public long Bytes { get; }

    /// <summary>The first byte.</summary>
    /// <exception cref="ObjectDisposedException">The block was given back.</exception>
    public byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return (byte*)handle;
        }
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Reserves a block. Pages become resident when first written.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    /// <exception cref="OutOfMemoryException">The operating system has no such block.</exception>
    public static Arena Reserve(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return new Arena(bytes);
    }

    /// <summary>A checked view of <paramref name="count"/> elements from byte <paramref name="offset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The view is not inside the block.</exception>
    /// <exception cref="ObjectDisposedException">The block was given back.</exception>
    public Span<T> View<T>(long offset, int count)
        where T : unmanaged
    {
        if (offset < 0 || count < 0 || offset > Bytes - ((long)count * sizeof(T)))
            throw new ArgumentOutOfRangeException(nameof(offset), $"{count} × {sizeof(T)} bytes at {offset} leave an arena of {Bytes} bytes");
        return new Span<T>(Pointer + offset, count);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeAllocator.Free((void*)handle);
        GC.RemoveMemoryPressure(Math.Max(Bytes, 1));
        Interlocked.Add(ref s_liveBytes, -Bytes);
        return true;
    }

    // Fewer page-table walks in matrix products; a refusal costs nothing, so the result is not looked at.
    [DllImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(nint address, nuint length, int advice);
}
