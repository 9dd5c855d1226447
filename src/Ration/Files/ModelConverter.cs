using System.Runtime.InteropServices;
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

    /// <summary>Writes a Hugging Face folder.</summary>
    /// <param name="model">What to write.</param>
    /// <param name="folder">Created if missing.</param>
    /// <param name="options">How; the type is F32, BF16 or F16.</param>
    /// <param name="cancellation">Ends the work; no file is left incomplete.</param>
    /// <exception cref="InvalidInputException">Folders cannot hold the type or the model, or the folder is the model's own.</exception>
    public static void ToHuggingFace(StoredModel model, string folder, ModelConversionOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ModelConversionOptions();
        DType type = options.Type ?? (model.ElementType is DType.F32 or DType.BF16 ? model.ElementType : DType.F16);
        if (type is not (DType.F32 or DType.BF16 or DType.F16)) throw new InvalidInputException($"a folder of safetensors files holds f32, bf16 or f16, not {type}; give a file name that ends in .gguf");
        if (model.Owns(folder)) throw new InvalidInputException($"{folder}: the model would overwrite itself; give another folder");
        Directory.CreateDirectory(folder);
        ModelConfiguration written = HuggingFaceFolder.Conventional(model.Configuration);
        WeightMap map = new(WeightNames.HuggingFace(written.Family), TransformerModel.ParameterShapes(written));
        new HuggingFaceWriter(folder, ConventionChange.Of(model.Weights, model.Configuration, written), map, _ => type) { Progress = options.Progress, Cancellation = cancellation }.Write(
            new HuggingFaceConfig { Model = written, ElementType = type, BeginningId = model.BeginningId, EndIds = model.EndIds, Tokenizer = model.BuiltInTokenizer }, options.LargestFileBytes ?? LargestShard);
        if (Directory.Exists(model.Text.Path)) HuggingFaceFolder.CopyCompanions(model.Text.Path, folder, Directory.Exists(model.Base?.Path) ? model.Base.Path : null);
    }

    /// <summary>Writes a GGUF file, or several where it would be larger than wanted.</summary>
    /// <param name="model">What to write.</param>
    /// <param name="path">The file; <c>model.gguf</c> becomes <c>model-00001-of-00003.gguf</c> and so on where there are several.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Ends the work; no file is left incomplete.</param>
    /// <returns>The files.</returns>
    /// <exception cref="InvalidInputException">GGUF cannot hold the type or the model, or the file is the model's own.</exception>
    public static IReadOnlyList<string> ToGguf(StoredModel model, string path, ModelConversionOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ModelConversionOptions();
        RequireOther(model, path);
        DType type = options.Type ?? model.ElementType;
        ModelConfiguration written = GgufArchitecture.Conventional(model.Configuration);
        WeightMap map = new(WeightNames.Gguf(written), TransformerModel.ParameterShapes(written));
        GgufWriter writer = new();
        IReadOnlyDictionary<string, float[]> divisors = GgufConfigWriter.Write(writer, written, type);
        if (options.Tokenizer is { } tokenizer) tokenizer(writer);
        else CopyTokenizer(writer, model.Text.Metadata);
        Dictionary<string, (string Source, Shape Shape, DType Type)> tensors = new(StringComparer.Ordinal);
        foreach ((string name, Shape shape) in map.Tensors) tensors.Add(name, (name, shape, GgufStorage.Of(name, shape, type)));
        if (written.TiedEmbeddings && GgufArchitecture.NeedsHead(written.Family)) tensors.Add("output.weight", tensors["token_embd.weight"]);
        foreach ((string name, float[] numbers) in divisors) writer.Declare(name, DType.F32, new Shape(numbers.Length));
        foreach ((string name, (_, Shape shape, DType own)) in tensors) writer.Declare(name, own, shape);
        long total = tensors.Values.Sum(static t => t.Type.Bytes(t.Shape)), done = 0;
        WeightSource source = ConventionChange.Of(model.Weights, model.Configuration, written);
        long largest = options.LargestFileBytes ?? long.MaxValue;
        foreach (string part in writer.PartPaths(path, largest)) RequireOther(model, part);
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
