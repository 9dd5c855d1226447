using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// The sizes of an attention. Tensors are token-major: q and output [rows·queries, heads·headDimension], k and v [rows·keys,
/// kvHeads·headDimension], where q, k and v may be columns of wider matrices; log-sum-exp is [rows, heads, queries]. Key ranges are
/// int32 [rows, queries, 2]: the first and last key of its row that a query sees, inclusive, both rising with the query or equal;
/// a last before the first means that it sees none.
/// </summary>
internal readonly record struct AttentionShape
{
    /// <summary>Independent sequences.</summary>
    public required nint Rows { get; init; }

    /// <summary>Queries of a row.</summary>
    public required nint Queries { get; init; }

    /// <summary>Keys of a row.</summary>
    public required nint Keys { get; init; }

    /// <summary>Query heads.</summary>
    public required nint Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required nint KvHeads { get; init; }

    /// <summary>Channels of a head.</summary>
    public required nint HeadDimension { get; init; }

    /// <summary>
    /// Elements from one token of q (and dq) to the next; 0: heads·headDimension. Output and its gradient are always dense.
    /// </summary>
    public nint QStride { get; init; }

    /// <summary>Elements from one token of k or v (and dk, dv) to the next; 0: kvHeads·headDimension.</summary>
    public nint KStride { get; init; }

    /// <summary>How k and v are stored: F32, F16, BF16, or Q8_0 where heads are whole blocks.</summary>
    public DType KeyType { get; init; }

    /// <summary>
    /// Whether keys go round: key number i, which may pass <see cref="Keys"/>, lies in row i modulo that, a multiple of
    /// <see cref="AttentionOfFewQueries.Stretch"/>. A query must not see more keys than there are rows.
    /// </summary>
    public bool Ring { get; init; }

    /// <summary>Factor on scores; above zero.</summary>
    public required float Scale { get; init; }

    /// <summary>If not 0, a query sees at most so many keys up to its last.</summary>
    public nint Window { get; init; }

    /// <summary>If not 0, a score s becomes cap·tanh(s/cap).</summary>
    public float SoftCap { get; init; }

    /// <summary>Query heads that share a key and value head.</summary>
    public nint Group => Heads / KvHeads;

    /// <summary><see cref="QStride"/>, or its default.</summary>
    public nint QueryStep => QStride == 0 ? Heads * HeadDimension : QStride;

    /// <summary><see cref="KStride"/>, or its default.</summary>
    public nint KeyStep => KStride == 0 ? KvHeads * HeadDimension : KStride;

    /// <summary>Bytes from one token of k or v to the next.</summary>
    public nint KeyStepBytes => (nint)KeyType.Bytes(KeyStep);

    /// <summary>Bytes of a head of k or v.</summary>
    public nint HeadBytes => (nint)KeyType.Bytes(HeadDimension);

    /// <summary>Elements from one token of the output to the next.</summary>
    public nint OutputStep => Heads * HeadDimension;

    /// <summary>The keys that a query sees, the window applied and clipped to the row; (∞, −1) if none.</summary>
    public unsafe (nint First, nint Last) Range(int* keyRanges, nint row, nint query)
    {
        int* range = keyRanges + (((row * Queries) + query) * 2);
        nint last = Ring ? range[1] : nint.Min(range[1], Keys - 1);
        nint first = nint.Max(nint.Max(range[0], 0), Window > 0 ? range[1] - Window + 1 : 0);
        return last < first ? (int.MaxValue, -1) : (first, last);
    }

    /// <summary>The row in which a key lies.</summary>
    public nint Slot(nint key) => Ring ? key % Keys : key;

    /// <summary>Refuses sizes that do not fit together.</summary>
    /// <exception cref="ArgumentException">A size is negative, or heads are no multiple of key and value heads.</exception>
    public void Require()
    {
        bool sound = Rows >= 0 && Queries >= 0 && Keys >= 0 && Heads > 0 && KvHeads > 0 && HeadDimension > 0 && Heads % KvHeads == 0
            && Window >= 0 && SoftCap >= 0 && QueryStep >= Heads * HeadDimension && KeyStep >= KvHeads * HeadDimension && Keys < 1 << 24
            && KeyType is DType.F32 or DType.F16 or DType.BF16 or DType.Q8_0 && HeadDimension % KeyType.BlockElements() == 0
            && (!Ring || Keys % AttentionOfFewQueries.Stretch == 0);
        if (!sound) throw new ArgumentException($"no attention has these sizes: {this}");
    }
}
