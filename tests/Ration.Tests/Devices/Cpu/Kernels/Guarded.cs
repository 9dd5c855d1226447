using System.Runtime.InteropServices;

namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>Native floats (or ints) with canaries on both sides and a chosen misalignment; disposal checks the canaries.</summary>
internal sealed unsafe class Guarded<T> : IDisposable
    where T : unmanaged, IEquatable<T>
{
    private const int Margin = 96;
    private const byte Canary = 0xA5;
    private readonly byte* _block;
    private readonly nint _start;
    private readonly nint _end;
    private readonly nint _size;

    public Guarded(nint count, int skew = 0)
    {
        Count = count;
        _start = Margin + (Margin % 64 == 0 ? 0 : 64 - (Margin % 64)) + (skew * sizeof(T));
        _end = _start + (count * sizeof(T));
        _size = _end + Margin;
        _block = (byte*)NativeMemory.AlignedAlloc((nuint)_size, 64);
        new Span<byte>(_block, (int)_size).Fill(Canary);
    }

    public Guarded(T[] values, int skew = 0)
        : this(values.Length, skew) => values.CopyTo(Span);

    public nint Count { get; }

    public T* Pointer => (T*)(_block + _start);

    public Span<T> Span => new(Pointer, (int)Count);

    public static implicit operator T*(Guarded<T> memory) => memory.Pointer;

    public T[] ToArray() => Span.ToArray();

    public void Dispose()
    {
        bool intact = !new Span<byte>(_block, (int)_start).ContainsAnyExcept(Canary)
            && !new Span<byte>(_block + _end, (int)(_size - _end)).ContainsAnyExcept(Canary);
        NativeMemory.AlignedFree(_block);
        Assert.True(intact, "a kernel wrote outside its output");
    }
}
