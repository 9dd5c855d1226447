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
    public const int EntryLimit = 1 << 18;
    public const int PieceBytes = 64 << 10;

    /// <summary>Tensor data starts at a multiple of this.</summary>
    public const int DataAlignment = 64;

    public const string MetadataKey = "__metadata__";

    /// <summary>The metadata key of a tensor's CRC-32C.</summary>
    public static string ChecksumKey(string tensor) => "crc32c:" + tensor;

    public static string NameOf(DType type) => type switch
    {
        DType.F32 => "F32",
        DType.BF16 => "BF16",
        DType.F16 => "F16",
        DType.I32 => "I32",
        DType.I64 => "I64",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "safetensors has no name for this element type"),
    };

    public static bool TryParse(string name, out DType type)
    {
        (bool known, type) = name switch
        {
            "F32" => (true, DType.F32),
            "BF16" => (true, DType.BF16),
            "F16" => (true, DType.F16),
            "I32" => (true, DType.I32),
            "I64" => (true, DType.I64),
            _ => (false, default),
        };
        return known;
    }
}
