namespace Ration.Devices.Cpu.Kernels;

/// <summary>Chooses the largest of some numbers.</summary>
internal static unsafe class SelectionKernel
{
    /// <summary>Bytes of workspace for <see cref="Largest"/>.</summary>
    public static long WorkspaceBytes(nint elements) => (long)elements * sizeof(ulong);

    /// <summary>places = where the largest are, in increasing order; of equals the first.</summary>
    public static void Largest(float* x /*[elements]*/, nint elements, float* places /*[count] overwritten*/, nint count, byte* workspace)
    {
        Span<ulong> keys = new(workspace, checked((int)elements));
        for (int i = 0; i < keys.Length; i++) keys[i] = ((ulong)Descending(x[i]) << 32) | (uint)i;
        keys.Sort();
        keys = keys[..(int)count];
        foreach (ref ulong key in keys) key = (uint)key;
        keys.Sort();
        for (int i = 0; i < keys.Length; i++) places[i] = keys[i];
    }

    // Larger floats as smaller integers, −0 as 0, NaN last.
    private static uint Descending(float value)
    {
        if (float.IsNaN(value)) return uint.MaxValue;
        uint bits = BitConverter.SingleToUInt32Bits(value + 0f);
        return (bits & 0x80000000) != 0 ? bits : ~(bits | 0x80000000);
    }
}
