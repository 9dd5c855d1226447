using System.Runtime.InteropServices;
using Ration.Files.BitsAndBytes;
using Ration.Files.Gguf;
using Ration.Files.GgufModels;
using Ration.Files.HuggingFace;
using Ration.Files.Weights;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files;

/// <summary>How a model is to be written.</summary>
public sealed record ModelConversionOptions
{
    /// <summary>How matrices are stored; null for as they are, or the nearest that the files can have.</summary>
    public DType? Type { get; init; }

    /// <summary>Most bytes of tensors in one file; a larger tensor has one to itself. Null for 5 GB in a folder, where that is usual, and for no limit in a GGUF file.</summary>
    public long? LargestFileBytes { get; init; }

    /// <summary>For GGUF files: sets the tokenizer's metadata; null to take over the model's own, if it is a GGUF file.</summary>
    internal Action<GgufWriter>? Tokenizer { get; init; }

    /// <summary>Told about each piece that is written.</summary>
    public IProgress<ModelConversionProgress>? Progress { get; init; }
}

/// <summary>Writes a stored model in another layout or another number format, in bounded pieces: no more than some megabytes of it are ever held.</summary>
public static class ModelConverter
{
    private const string TokenizerPrefix = "tokenizer.";
    // A shard of the usual size; a GGUF file is in one piece, which is how people pass them on.
    private const long LargestShard = 5_000_000_000;

    /// <summary>How matrices in a Hugging Face folder can be stored. With F32, F16 and BF16 all tensors are; with F8 all matrices, and with 4 bits those of layers, as
    /// bitsandbytes saves them.</summary>
    public static IReadOnlyList<DType> FolderTypes { get; } = [DType.F32, DType.F16, DType.BF16, DType.F8E4M3, DType.F8E5M2, DType.NF4, DType.FP4, DType.NF4Double, DType.FP4Double];

    /// <summary>How matrices in a GGUF file can be stored.</summary>
    public static IReadOnlyList<DType> GgufTypes { get; } =
    [
        DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q6_K, DType.Q5_K, DType.Q5_1, DType.Q5_0, DType.Q4_K, DType.Q4_1, DType.Q4_0, DType.Q3_K, DType.Q2_K,
    ];

    /// <summary>What matrices of a model become in a folder where no type is asked for: what they are, if a folder can hold that, else F16.</summary>
    public static DType TypeInFolder(StoredModel model) => FolderTypes.Contains(model.ElementType) ? model.ElementType : DType.F16;

    /// <summary>What matrices of a model become in a GGUF file where no type is asked for: what they are, if the file can hold that, else F16.</summary>
    public static DType TypeInGguf(StoredModel model) => GgufTypes.Contains(model.ElementType) ? model.ElementType : DType.F16;

    /// <summary>Matrices that a GGUF file cannot hold as a type, because their rows are no whole blocks of it: the types that they get instead, and how many get each.</summary>
    /// <param name="model">The model.</param>
    /// <param name="type">How its matrices are to be stored, one of <see cref="GgufTypes"/>.</param>
    public static IReadOnlyDictionary<DType, int> OtherTypesInGguf(StoredModel model, DType type)
    {
        ArgumentNullException.ThrowIfNull(model);
        ModelConfiguration written = GgufArchitecture.Conventional(model.Configuration);
        WeightMap map = new(WeightNames.Gguf(written), TransformerModel.ParameterShapes(written));
        // What is F32 is so whatever the type.
        return TensorsInGguf(written, map, type).Values.Where(t => t.Shape.Rank >= 2 && t.Type != DType.F32 && t.Type != type)
            .CountBy(static t => t.Type).OrderBy(static c => c.Key).ToDictionary();
    }

    /// <summary>Writes a Hugging Face folder.</summary>
    /// <param name="model">What to write.</param>
    /// <param name="folder">Created if missing.</param>
    /// <param name="options">How; the type is one of <see cref="FolderTypes"/>.</param>
    /// <param name="cancellation">Ends the work; no file is left incomplete.</param>
    /// <exception cref="InvalidInputException">Folders cannot hold the type or the model, the folder is the model's own, or the model is damaged.</exception>
    public static void ToHuggingFace(StoredModel model, string folder, ModelConversionOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ModelConversionOptions();
        DType type = options.Type ?? TypeInFolder(model), plain = PlainType(model, type);
        if (!FolderTypes.Contains(type))
            throw new InvalidInputException($"a folder of safetensors files holds {Words(FolderTypes)}, not {type}; choose one of these, or give a file name that ends in .gguf");
        if (model.Owns(folder)) throw new InvalidInputException($"{folder}: the model would overwrite itself; give another folder");
        ModelConfiguration written = HuggingFaceFolder.Conventional(model.Configuration);
        WeightMap map = new(WeightNames.HuggingFace(written.Family), TransformerModel.ParameterShapes(written));
        if (FourBitOutput.Holds(type)) RequireFourBits(written, map, type);
        model.Verify(cancellation);
        Directory.CreateDirectory(folder);
        DType TypeOf(string tensor) => type.IsFloating() || !IsMatrix(map, tensor, onlyOfLayers: FourBitOutput.Holds(type)) ? plain : type;
        WeightSource source = ConventionChange.Of(model.Weights, model.Configuration, written);
        HuggingFaceConfig config = new()
        {
            Model = written,
            ElementType = plain,
            Quantization = FourBitOutput.Holds(type) ? type : null,
            BeginningId = model.BeginningId,
            EndIds = model.EndIds,
            Tokenizer = model.BuiltInTokenizer,
        };
        new HuggingFaceWriter(folder, source, map, TypeOf, plain) { Progress = options.Progress, Cancellation = cancellation }.Write(config, options.LargestFileBytes ?? LargestShard);
        IReadOnlyList<string> companions = !Directory.Exists(model.Text.Path) ? []
            : HuggingFaceFolder.CopyCompanions(model.Text.Path, folder, Directory.Exists(model.Base?.Path) ? model.Base.Path : null);
        HuggingFaceFolder.DeleteCompanions(folder, companions);
    }

    /// <summary>Writes a GGUF file, or several where it would be larger than wanted.</summary>
    /// <param name="model">What to write.</param>
    /// <param name="path">The file; <c>model.gguf</c> becomes <c>model-00001-of-00003.gguf</c> and so on where there are several.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Ends the work; no file is left incomplete.</param>
    /// <returns>The files.</returns>
    /// <exception cref="InvalidInputException">GGUF cannot hold the type or the model, the file is the model's own, or the model is damaged.</exception>
    public static IReadOnlyList<string> ToGguf(StoredModel model, string path, ModelConversionOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ModelConversionOptions();
        RequireOther(model, path);
        DType type = options.Type ?? TypeInGguf(model);
        if (!GgufTypes.Contains(type)) throw new InvalidInputException($"a GGUF file holds {Words(GgufTypes)}, not {type}; choose one of these, or give a folder");
        ModelConfiguration written = GgufArchitecture.Conventional(model.Configuration);
        WeightMap map = new(WeightNames.Gguf(written), TransformerModel.ParameterShapes(written));
        GgufWriter writer = new();
        IReadOnlyDictionary<string, float[]> divisors = GgufConfigWriter.Write(writer, written, type);
        if (options.Tokenizer is { } tokenizer) tokenizer(writer);
        else CopyTokenizer(writer, model.Text.Metadata);
        Dictionary<string, (string Source, Shape Shape, DType Type)> tensors = TensorsInGguf(written, map, type);
        foreach ((string name, float[] numbers) in divisors) writer.Declare(name, DType.F32, new Shape(numbers.Length));
        foreach ((string name, (_, Shape shape, DType own)) in tensors) writer.Declare(name, own, shape);
        long total = tensors.Values.Sum(static t => t.Type.Bytes(t.Shape)), done = 0;
        WeightSource source = ConventionChange.Of(model.Weights, model.Configuration, written);
        long largest = options.LargestFileBytes ?? long.MaxValue;
        foreach (string part in writer.PartPaths(path, largest)) RequireOther(model, part);
        model.Verify(cancellation);
        return writer.SaveParts(path, largest, output =>
        {
            foreach ((string name, float[] numbers) in divisors) output.Write(name, MemoryMarshal.AsBytes(numbers.AsSpan()));
            foreach ((string name, (string tensor, Shape shape, DType own)) in tensors)
            {
                new TensorWriting(source, map, (_, bytes) =>
                {
                    output.Write(name, bytes);
                    done += bytes.Length;
                    options.Progress?.Report(new ModelConversionProgress(name, done, total));
                }).Write(tensor, shape, own, cancellation);
            }
        });
    }

    private static Dictionary<string, (string Source, Shape Shape, DType Type)> TensorsInGguf(ModelConfiguration written, WeightMap map, DType type)
    {
        Dictionary<string, (string Source, Shape Shape, DType Type)> tensors = new(StringComparer.Ordinal);
        foreach ((string name, Shape shape) in map.Tensors) tensors.Add(name, (name, shape, GgufStorage.Of(name, shape, type)));
        if (written.TiedEmbeddings && GgufArchitecture.NeedsHead(written.Family)) tensors.Add("output.weight", tensors["token_embd.weight"]);
        return tensors;
    }

    // What is not stored in the short type: as it was, which embeddings tell where matrices are short already.
    private static DType PlainType(StoredModel model, DType type)
    {
        foreach (DType candidate in (ReadOnlySpan<DType>)[type, model.ElementType, model.TypeOf("model.embed_tokens.weight")])
        {
            if (candidate.IsFloating()) return candidate;
        }

        return DType.F16;
    }

    private static string Words(IReadOnlyList<DType> types) => $"{string.Join(", ", types.SkipLast(1))} or {types[^1]}";

    private static bool IsMatrix(WeightMap map, string tensor, bool onlyOfLayers)
    {
        string parameter = map.LinksInto(tensor)[0].Parameter;
        return map.Parameters[parameter].Rank >= 2 && (!onlyOfLayers || parameter.StartsWith(WeightNames.LayerPrefix, StringComparison.Ordinal));
    }

    // Readers replace all linear layers, so that none can be left as it is.
    private static void RequireFourBits(ModelConfiguration model, WeightMap map, DType type)
    {
        foreach ((string tensor, Shape shape) in map.Tensors.Where(t => IsMatrix(map, t.Name, onlyOfLayers: true)))
        {
            if (map.LinksInto(tensor)[0].Transposed)
                throw new InvalidInputException($"folders of {model.Family} models keep matrices transposed, which {type} cannot be; choose {DType.F16}, {DType.BF16} or {DType.F8E4M3}");
            if (shape[^1] % FourBitOutput.BlockElements != 0)
                throw new InvalidInputException($"{tensor} has rows of {shape[^1]} numbers, which are no whole blocks of {FourBitOutput.BlockElements}, "
                    + $"so that the model cannot be stored as {type}; choose {DType.F16}, {DType.BF16} or {DType.F8E4M3}");
        }
    }

    private static void CopyTokenizer(GgufWriter writer, GgufMetadata? source)
    {
        if (source is null) return;
        foreach (GgufEntry entry in source.Entries.Where(static e => e.Key.StartsWith(TokenizerPrefix, StringComparison.Ordinal))) writer.Copy(source, entry.Key);
    }

    private static void RequireOther(StoredModel model, string path)
    {
        if (model.Owns(path)) throw new InvalidInputException($"{path}: the model would overwrite itself; give another file");
    }
}
