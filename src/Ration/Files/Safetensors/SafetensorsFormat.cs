using Ration.Tensors;

namespace Ration.Files.Safetensors;

/// <summary>
/// Facts about the format: 8 bytes of header length, a JSON object, then the tensors without gaps
/// (https://huggingface.co/docs/safetensors, section "Format").
/// </summary>
internal static class SafetensorsFormat
{
    public const int PrefixBytes = sizeof(ulong);
    public const int HeaderLimit = 100_000_000;
    public const int EntryLimit = 1 << 16;

    /// <summary>Most characters of a tensor's name.</summary>
    public const int LargestName = 4096;

    /// <summary>Most characters of all names and metadata together: 256 for each of the most entries.</summary>
    public const int TextLimit = 1 << 24;

    public const int PieceBytes = 64 << 10;

    /// <summary>Tensor data starts at a multiple of this.</summary>
    public const int DataAlignment = 64;

    public const string MetadataKey = "__metadata__";

    private static readonly (string Name, DType Type)[] s_types =
    [
        ("F32", DType.F32), ("BF16", DType.BF16), ("F16", DType.F16), ("F8_E4M3", DType.F8E4M3), ("F8_E5M2", DType.F8E5M2), ("F64", DType.F64),
        ("I64", DType.I64), ("I32", DType.I32), ("I16", DType.I16), ("I8", DType.I8),
        ("U64", DType.U64), ("U32", DType.U32), ("U16", DType.U16), ("U8", DType.U8), ("BOOL", DType.Bool),
    ];

    /// <summary>The metadata key of a tensor's CRC-32C.</summary>
    public static string ChecksumKey(string tensor) => "crc32c:" + tensor;

    public static string NameOf(DType type)
    {
        foreach ((string name, DType known) in s_types)
        {
            if (known == type) return name;
        }

        throw new ArgumentOutOfRangeException(nameof(type), type, "safetensors has no name for this element type");
    }

    public static bool TryParse(string name, out DType type)
    {
        foreach ((string known, DType found) in s_types)
        {
            type = found;
            if (known == name) return true;
        }

        type = default;
        return false;
    }
}
