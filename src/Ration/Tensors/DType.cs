namespace Ration.Tensors;

/// <summary>How one element of a tensor is stored.</summary>
public enum DType
{
    /// <summary>IEEE 754 binary32.</summary>
    F32,

    /// <summary>bfloat16: the upper half of an F32.</summary>
    BF16,

    /// <summary>IEEE 754 binary16.</summary>
    F16,

    /// <summary>Signed 32-bit integer: token ids and positions.</summary>
    I32,

    /// <summary>Signed 64-bit integer: counters and seeds.</summary>
    I64,
}

/// <summary>Facts about <see cref="DType"/>.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int Bytes(this DType type) => type switch
    {
        DType.F32 or DType.I32 => 4,
        DType.BF16 or DType.F16 => 2,
        DType.I64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };

    /// <summary>Whether elements are real numbers, so that gradients can flow.</summary>
    public static bool IsFloating(this DType type) => type is DType.F32 or DType.BF16 or DType.F16;
}
