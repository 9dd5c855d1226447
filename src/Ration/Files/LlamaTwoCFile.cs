using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Ration.Tensors;

namespace Ration.Files;

/// <summary>The seven numbers at the head of a llama2.c checkpoint.</summary>
/// <param name="Width">Size of the residual stream.</param>
/// <param name="HiddenWidth">Size of the feed-forward layer.</param>
/// <param name="Layers">How many blocks.</param>
/// <param name="Heads">Heads of the queries.</param>
/// <param name="KvHeads">Heads of the keys and values.</param>
/// <param name="Vocabulary">How many tokens.</param>
/// <param name="Context">Most positions.</param>
/// <param name="TiedHead">Whether the head is the embedding; in the file, a vocabulary below zero says that it is not.</param>
public sealed record LlamaTwoCHeader(int Width, int HiddenWidth, int Layers, int Heads, int KvHeads, int Vocabulary, int Context, bool TiedHead)
{
    /// <summary>Size of a head.</summary>
    public int HeadDimension => Width / Heads;
}

/// <summary>
/// A checkpoint in the first format of llama2.c (https://github.com/karpathy/llama2.c, export.py, <c>legacy_export</c>): seven numbers, then
/// F32 tensors in a fixed order, those of all layers together. Each layer's part has the name of Hugging Face's Llama files; rotary positions
/// turn neighbouring pairs, unlike there. The format has no mark of its own: that the numbers make exactly the file's size is the check.
/// </summary>
public sealed class LlamaTwoCFile : ITensorSource
{
    private const int HeaderBytes = 7 * sizeof(int);
    private const string Mend = "it is not a llama2.c checkpoint of the first format, or was cut short; check which file this is";
    private readonly SafeFileHandle _handle;
    private readonly List<StoredTensor> _tensors = [];
    private readonly Dictionary<string, StoredTensor> _byName = new(StringComparer.Ordinal);
    private long _next = HeaderBytes;

    private LlamaTwoCFile(string path, SafeFileHandle handle, LlamaTwoCHeader header)
    {
        Path = path;
        _handle = handle;
        Header = header;
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>The numbers of the model.</summary>
    public LlamaTwoCHeader Header { get; }

    /// <inheritdoc/>
    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    /// <summary>Opens a checkpoint.</summary>
    /// <exception cref="FileFormatException">The file is no such checkpoint.</exception>
    /// <exception cref="InvalidInputException">It is missing, empty or may not be read.</exception>
    public static LlamaTwoCFile Open(string path)
    {
        SafeFileHandle handle = InputFile.Open(path, out long length);
        try
        {
            LlamaTwoCHeader header = ReadHeader(path, handle, length);
            long expected = BytesOf(header);
            if (length != expected) throw new FileFormatException(path, $"its numbers make a file of {expected} bytes, but it has {length}", Mend);
            var file = new LlamaTwoCFile(path, handle, header);
            file.Lay();
            return file;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public StoredTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <inheritdoc/>
    public void Read(StoredTensor tensor, long start, Span<byte> destination)
    {
        TensorSources.RequireWithin(tensor, start, destination.Length);
        InputFile.ReadExactly(_handle, Path, tensor.Offset + start, destination);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static LlamaTwoCHeader ReadHeader(string path, SafeFileHandle handle, long length)
    {
        if (length < HeaderBytes) throw new FileFormatException(path, $"the file has only {length} bytes", Mend);
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        InputFile.ReadExactly(handle, path, 0, bytes);
        Span<int> numbers = stackalloc int[7];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(i * sizeof(int))..]);

        // Within these the size of the file fits in 63 bits.
        int width = InRange(path, "width", numbers[0], 1 << 20), hidden = InRange(path, "feed-forward width", numbers[1], 1 << 22);
        int layers = InRange(path, "layers", numbers[2], 1 << 14), heads = InRange(path, "heads", numbers[3], 1 << 14);
        int kvHeads = InRange(path, "key and value heads", numbers[4], heads), context = InRange(path, "context", numbers[6], 1 << 24);
        int vocabulary = InRange(path, "vocabulary", Math.Max(numbers[5], -int.MaxValue) < 0 ? -Math.Max(numbers[5], -int.MaxValue) : numbers[5], 1 << 26);
        if (width % heads != 0 || width / heads % 2 != 0 || heads % kvHeads != 0)
            throw new FileFormatException(path, $"a width of {width}, {heads} heads and {kvHeads} key and value heads do not go together", Mend);
        return new LlamaTwoCHeader(width, hidden, layers, heads, kvHeads, vocabulary, context, numbers[5] > 0);
    }

    private static int InRange(string path, string what, int value, int high) => value >= 1 && value <= high ? value
        : throw new FileFormatException(path, $"its {what} is {value}, where 1 to {high} are allowed", Mend);

    private static long BytesOf(LlamaTwoCHeader h)
    {
        long width = h.Width, kvWidth = (long)h.KvHeads * h.HeadDimension;
        long layer = (2 * width) + (2 * width * width) + (2 * kvWidth * width) + (3 * h.HiddenWidth * width);
        long head = h.TiedHead ? 0 : h.Vocabulary * width;
        long rotaryTables = (long)h.Context * h.HeadDimension;
        return HeaderBytes + (sizeof(float) * ((h.Vocabulary * width) + (h.Layers * layer) + width + rotaryTables + head));
    }

    private void Lay()
    {
        Shape gain = new(Header.Width), square = new(Header.Width, Header.Width), kv = new(Header.KvHeads * Header.HeadDimension, Header.Width);
        Shape up = new(Header.HiddenWidth, Header.Width), down = new(Header.Width, Header.HiddenWidth), table = new(Header.Vocabulary, Header.Width);
        Add("model.embed_tokens.weight", table);
        AddLayers("input_layernorm", gain);
        AddLayers("self_attn.q_proj", square);
        AddLayers("self_attn.k_proj", kv);
        AddLayers("self_attn.v_proj", kv);
        AddLayers("self_attn.o_proj", square);
        AddLayers("post_attention_layernorm", gain);
        AddLayers("mlp.gate_proj", up);
        AddLayers("mlp.down_proj", down);
        AddLayers("mlp.up_proj", up);
        Add("model.norm.weight", gain);
        _next += (long)Header.Context * Header.HeadDimension * sizeof(float);
        if (!Header.TiedHead) Add("lm_head.weight", table);
    }

    private void AddLayers(string part, Shape shape)
    {
        for (int layer = 0; layer < Header.Layers; layer++) Add($"model.layers.{layer}.{part}.weight", shape);
    }

    private void Add(string name, Shape shape)
    {
        var tensor = new StoredTensor(name, DType.F32, shape, 0, _next, DType.F32.Bytes(shape));
        _tensors.Add(tensor);
        _byName.Add(name, tensor);
        _next += tensor.Bytes;
    }
}
