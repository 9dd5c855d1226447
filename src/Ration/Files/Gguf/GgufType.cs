namespace Ration.Files.Gguf;

/// <summary>How a metadata value is stored; the numbers are those of the format (https://github.com/ggml-org/ggml, docs/gguf.md).</summary>
public enum GgufType
{
    /// <summary>Unsigned, 8 bits.</summary>
    UInt8 = 0,

    /// <summary>Signed, 8 bits.</summary>
    Int8 = 1,

    /// <summary>Unsigned, 16 bits.</summary>
    UInt16 = 2,

    /// <summary>Signed, 16 bits.</summary>
    Int16 = 3,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt32 = 4,

    /// <summary>Signed, 32 bits.</summary>
    Int32 = 5,

    /// <summary>IEEE 754 binary32.</summary>
    Float32 = 6,

    /// <summary>A byte that is 0 or 1.</summary>
    Bool = 7,

    /// <summary>A 64-bit length and that many bytes of UTF-8.</summary>
    String = 8,

    /// <summary>A type, a 64-bit count and that many values of the type.</summary>
    Array = 9,

    /// <summary>Unsigned, 64 bits.</summary>
    UInt64 = 10,

    /// <summary>Signed, 64 bits.</summary>
    Int64 = 11,

    /// <summary>IEEE 754 binary64.</summary>
    Float64 = 12,
}

/// <summary>Facts about <see cref="GgufType"/>.</summary>
internal static class GgufTypes
{
    /// <summary>Bytes of a value; 0 where they depend on the value.</summary>
    public static int Bytes(this GgufType type) => type switch
    {
        GgufType.UInt8 or GgufType.Int8 or GgufType.Bool => 1,
        GgufType.UInt16 or GgufType.Int16 => 2,
        GgufType.UInt32 or GgufType.Int32 or GgufType.Float32 => 4,
        GgufType.UInt64 or GgufType.Int64 or GgufType.Float64 => 8,
        _ => 0,
    };

    /// <summary>Fewest bytes that a value takes.</summary>
    public static int LeastBytes(this GgufType type) => type switch
    {
        GgufType.String => sizeof(ulong),
        GgufType.Array => sizeof(uint) + sizeof(ulong),
        _ => type.Bytes(),
    };

    /// <summary>Whether values are whole numbers.</summary>
    public static bool IsInteger(this GgufType type) => type is not (GgufType.Float32 or GgufType.Float64 or GgufType.Bool or GgufType.String or GgufType.Array);

    /// <summary>Whether values are real numbers.</summary>
    public static bool IsReal(this GgufType type) => type is GgufType.Float32 or GgufType.Float64;
}
