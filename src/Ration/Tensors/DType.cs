using Ration.Tensors.Formats;

namespace Ration.Tensors;

/// <summary>
/// How the elements of a tensor are stored: one by one, or in blocks that share scales. Blocks lie along the innermost dimension. Names
/// and layouts are those of safetensors, ggml (Q…) and bitsandbytes (NF4, FP4).
/// </summary>
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

    /// <summary>IEEE 754 binary64; in files only.</summary>
    F64,

    /// <summary>Signed 16-bit integer; in files only.</summary>
    I16,

    /// <summary>Signed 8-bit integer; in files only.</summary>
    I8,

    /// <summary>Unsigned 64-bit integer; in files only.</summary>
    U64,

    /// <summary>Unsigned 32-bit integer; in files only.</summary>
    U32,

    /// <summary>Unsigned 16-bit integer; in files only.</summary>
    U16,

    /// <summary>Unsigned 8-bit integer: codes of activations, and in files.</summary>
    U8,

    /// <summary>A byte that is 0 or 1; in files only.</summary>
    Bool,

    /// <summary>8-bit float with 4 bits of exponent and 3 of mantissa, without infinities (Micikevicius et al. 2022).</summary>
    F8E4M3,

    /// <summary>8-bit float with 5 bits of exponent and 2 of mantissa (Micikevicius et al. 2022).</summary>
    F8E5M2,

    /// <summary>Blocks of 32: an F16 scale, then signed bytes.</summary>
    Q8_0,

    /// <summary>Blocks of 32: an F16 scale, then 4-bit numbers less 8, element i in the low and i + 16 in the high half of byte i.</summary>
    Q4_0,

    /// <summary>Blocks of 32: an F16 scale and an F16 least value, then 4-bit numbers.</summary>
    Q4_1,

    /// <summary>Blocks of 32: an F16 scale, the fifth bits, then the low four bits of numbers less 16.</summary>
    Q5_0,

    /// <summary>Blocks of 32: an F16 scale and an F16 least value, the fifth bits, then the low four bits.</summary>
    Q5_1,

    /// <summary>Blocks of 256 in 16 groups with 4-bit scales and least values; 2-bit numbers.</summary>
    Q2_K,

    /// <summary>Blocks of 256 in 16 groups with 6-bit scales; 3-bit numbers.</summary>
    Q3_K,

    /// <summary>Blocks of 256 in 8 groups with 6-bit scales and least values; 4-bit numbers.</summary>
    Q4_K,

    /// <summary>Blocks of 256 in 8 groups with 6-bit scales and least values; 5-bit numbers.</summary>
    Q5_K,

    /// <summary>Blocks of 256 in 16 groups with 8-bit scales; 6-bit numbers.</summary>
    Q6_K,

    /// <summary>Blocks of 64: an F32 greatest magnitude, then 4-bit quantiles of the normal distribution (Dettmers et al. 2023, section 3), the first of two in the high half.</summary>
    NF4,

    /// <summary>Blocks of 64: an F32 greatest magnitude, then 4-bit floats, the first of two in the high half.</summary>
    FP4,

    /// <summary>
    /// The codes of <see cref="NF4"/> with scales quantized in turn, 8 bits each (Dettmers et al. 2023, section 3): n / 2 bytes of codes, an
    /// F32 for each 256 scales, their F32 mean, a byte for each scale. Planar: see <see cref="DTypeExtensions.IsPlanar"/>.
    /// </summary>
    NF4Double,

    /// <summary>As <see cref="NF4Double"/>, with the codes of <see cref="FP4"/>.</summary>
    FP4Double,

    /// <summary>Blocks of 256: an F32 greatest magnitude, then bytes of the signed dynamic code (Dettmers et al. 2022); for optimizer state.</summary>
    Dynamic8,

    /// <summary>As <see cref="Dynamic8"/>, with the unsigned code: for numbers that are never below zero.</summary>
    DynamicUnsigned8,

    /// <summary>Blocks of 128: an F32 greatest magnitude, then the signed dynamic code in 4 bits (Li et al. 2023), element i in the low and i + 64 in the high half of
    /// byte i; for optimizer state.</summary>
    Dynamic4,

    /// <summary>As <see cref="Dynamic4"/>, with sixteenths of the greatest magnitude, 1 to 16: for numbers that are never below zero and are divided by.</summary>
    LinearUnsigned4,

    /// <summary>
    /// Blocks of 128: an F32 greatest magnitude, an F32 exponent, then F8 E4M3 of the numbers raised to that exponent, so that they fill the
    /// range of the format (Xi et al. 2025, "COAT"); for optimizer state.
    /// </summary>
    F8Expanded,
}

/// <summary>Facts about <see cref="DType"/>.</summary>
public static class DTypeExtensions
{
    /// <summary>Elements that are stored together: 1, or the size of a block.</summary>
    public static int BlockElements(this DType type) => type switch
    {
        DType.Q8_0 or DType.Q4_0 or DType.Q4_1 or DType.Q5_0 or DType.Q5_1 => 32,
        DType.Q2_K or DType.Q3_K or DType.Q4_K or DType.Q5_K or DType.Q6_K => 256,
        DType.NF4 or DType.FP4 or DType.NF4Double or DType.FP4Double => 64,
        DType.Dynamic8 or DType.DynamicUnsigned8 => 256,
        DType.F8Expanded or DType.Dynamic4 or DType.LinearUnsigned4 => 128,
        _ => 1,
    };

    /// <summary>
    /// Whether what belongs to a block lies in several places of its tensor: rows then have no bytes of their own, only the tensor has, and
    /// places are named by the number of an element in the whole tensor.
    /// </summary>
    public static bool IsPlanar(this DType type) => type is DType.NF4Double or DType.FP4Double;

    /// <summary>
    /// Whether blocks run on from row to row, so that only the tensor as a whole must be whole blocks: what formulas read, element by element, needs
    /// no rows. Products cannot read rows that begin within a block.
    /// </summary>
    public static bool CrossesRows(this DType type) => type is DType.Dynamic8 or DType.DynamicUnsigned8 or DType.Dynamic4 or DType.LinearUnsigned4 or DType.F8Expanded;

    /// <summary>Bytes of a block; of one element where there are no blocks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The type <see cref="IsPlanar"/>.</exception>
    public static int BlockBytes(this DType type) => type switch
    {
        DType.I8 or DType.U8 or DType.Bool or DType.F8E4M3 or DType.F8E5M2 => 1,
        DType.BF16 or DType.F16 or DType.I16 or DType.U16 => 2,
        DType.F32 or DType.I32 or DType.U32 => 4,
        DType.I64 or DType.U64 or DType.F64 => 8,
        DType.Q8_0 => 34,
        DType.Q4_0 => 18,
        DType.Q4_1 => 20,
        DType.Q5_0 => 22,
        DType.Q5_1 => 24,
        DType.Q2_K => 84,
        DType.Q3_K => 110,
        DType.Q4_K => 144,
        DType.Q5_K => 176,
        DType.Q6_K => 210,
        DType.NF4 or DType.FP4 => 36,
        DType.Dynamic8 or DType.DynamicUnsigned8 => 260,
        DType.Dynamic4 or DType.LinearUnsigned4 => 68,
        DType.F8Expanded => 136,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, type.IsPlanar() ? "blocks do not lie by themselves" : "unknown element type"),
    };

    /// <summary>Bytes of one element of a type without blocks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Elements are stored in blocks.</exception>
    public static int Bytes(this DType type) => type.IsQuantized()
        ? throw new ArgumentOutOfRangeException(nameof(type), type, "elements are stored in blocks; ask for the bytes of a row")
        : type.BlockBytes();

    /// <summary>Bytes of consecutive elements that begin and end at a block's border; of a whole tensor where the type <see cref="IsPlanar"/>.</summary>
    /// <exception cref="ArgumentException">They are no whole number of blocks.</exception>
    /// <exception cref="OverflowException">The bytes pass 63 bits.</exception>
    public static long Bytes(this DType type, long elements)
    {
        if (type.IsPlanar()) return DoubleQuantization.Bytes(elements);
        int block = type.BlockElements();
        if (elements % block != 0) throw new ArgumentException($"{elements} elements are no whole blocks of {type}, which have {block}", nameof(elements));
        return checked(elements / block * type.BlockBytes());
    }

    /// <summary>Bytes of a tensor.</summary>
    /// <exception cref="ArgumentException">Rows are no whole number of blocks.</exception>
    /// <exception cref="OverflowException">The bytes pass 63 bits.</exception>
    public static long Bytes(this DType type, Shape shape) => checked(type.IsPlanar()
        ? type.Bytes(type.CanStore(shape) ? shape.Elements : throw new ArgumentException($"rows of {shape} are no whole blocks of {type}", nameof(shape)))
        : type.CrossesRows() ? type.Bytes(shape.Elements) : type.Bytes(shape.Rank == 0 ? 1 : shape[^1]) * shape.Rows);

    /// <summary>Whether tensors of this shape can be stored so: rows must be whole blocks, or the tensor where blocks run on.</summary>
    public static bool CanStore(this DType type, Shape shape) =>
        (type.CrossesRows() ? shape.Elements : shape.Rank == 0 ? 1 : shape[^1]) % type.BlockElements() == 0;

    /// <summary>Whether elements are real numbers of 16 or 32 bits, in which a step can compute and keep its state.</summary>
    public static bool IsFloating(this DType type) => type is DType.F32 or DType.BF16 or DType.F16;

    /// <summary>Whether elements are real numbers in any storage, as weights may be.</summary>
    public static bool IsReal(this DType type) => type.IsFloating() || type is DType.F8E4M3 or DType.F8E5M2 || type.IsQuantized();

    /// <summary>Whether elements are stored in blocks with shared scales.</summary>
    public static bool IsQuantized(this DType type) => type.BlockElements() > 1;
}
