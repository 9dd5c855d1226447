using System.CommandLine;
using System.Diagnostics;
using Ration.Cli.Output;
using Ration.Files;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Cli.Commands;

/// <summary><c>ration convert</c>: writes a model in another layout or number format.</summary>
internal static class ConvertCommand
{
    private static readonly Option<string?> s_model = OptionFactory.Path(CommonOptions.Model.Name, "DIR|FILE", "A model folder, a GGUF file, a llama2.c checkpoint, or the folder of an adapter.");
    private static readonly Option<string?> s_output = OptionFactory.Path("--output", "DIR|FILE.gguf", "A file name that ends in .gguf, or a folder for safetensors files.");
    private static readonly Option<DType?> s_format = OptionFactory.Choice(
        "--format", $"How matrices are stored (default: as they are, or f16). In a GGUF file: {WeightFormats.Words(ModelConverter.GgufTypes)}; vectors are f32. "
        + $"In a folder: {WeightFormats.Words(ModelConverter.FolderTypes)}; f32, f16 and bf16 are for "
        + "vectors too, 4 bits (as bitsandbytes saves them; double quantizes their scales) only for the matrices of layers.",
        [.. WeightFormats.Conversions.Select(static f => (f.Word, (DType?)f.Type))]);
    private static readonly Option<ByteSize?> s_largestFile = OptionFactory.Size(
        "--largest-file", "Most bytes of tensors in one file, such as 4GB; a larger tensor has one to itself (default 5GB in a folder, and a GGUF file in one piece).");
    private static readonly Option<bool> s_overwrite = OptionFactory.Switch("--overwrite", "Replace what is there.");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("convert", "Write a model as a GGUF file or a Hugging Face folder, in another number format if wanted.")
        {
            s_model, CommonOptions.BaseModel, s_output, s_format, s_largestFile, s_overwrite, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        using Interruption interruption = new();
        string output = parsed.GetValue(s_output) ?? throw new InvalidInputException("--output is missing; give a folder, or a file name that ends in .gguf");
        using StoredModel model = CommonOptions.OpenModel(parsed);
        long start = Stopwatch.GetTimestamp();
        using ConversionProgress progress = new();
        ConversionTarget target = new(output, parsed.GetValue(s_overwrite), parsed.GetValue(s_largestFile)?.Bytes);
        RequireHolds(target, parsed.GetValue(s_format));
        if (parsed.GetValue(s_format) is null) NoteChange(target, model);
        IReadOnlyDictionary<DType, int> others = NoteOthers(target, model, parsed.GetValue(s_format));
        ModelConversionOptions options = new() { Type = parsed.GetValue(s_format), LargestFileBytes = parsed.GetValue(s_largestFile)?.Bytes, Progress = progress };
        target.Write(model, options, interruption.Token);
        progress.Dispose();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (parsed.GetValue(CommonOptions.Json)) WriteJson(target, others, seconds);
        else Log.Line($"{output}: {Counted.Of(target.Tensors, "tensor")}, {new ByteSize(target.Bytes)} in {Duration.Of(TimeSpan.FromSeconds(seconds))}");
        return ExitCode.Done;
    }

    private static void RequireHolds(ConversionTarget target, DType? format)
    {
        IReadOnlyList<DType> types = TypesOf(target);
        if (format is not { } type || types.Contains(type)) return;
        string other = target.IsGguf ? "a folder" : "a file name that ends in .gguf";
        string own = target.IsGguf ? "a GGUF file" : "a folder";
        throw new InvalidInputException($"--format {WeightFormats.WordOf(type)}: {own} holds {WeightFormats.Words(types)}; choose one of these, or give {other}");
    }

    // What was not asked for is not done in silence.
    private static void NoteChange(ConversionTarget target, StoredModel model)
    {
        DType becomes = target.IsGguf ? ModelConverter.TypeInGguf(model) : ModelConverter.TypeInFolder(model);
        if (becomes == model.ElementType) return;
        string what = $"{WeightFormats.WordOf(model.ElementType)} matrices become {WeightFormats.WordOf(becomes)}";
        Log.Line($"note: {what}: {(target.IsGguf ? "GGUF files" : "folders")} hold {WeightFormats.Words(TypesOf(target))} (--format chooses)");
    }

    // A folder refuses by name what it cannot hold.
    private static IReadOnlyDictionary<DType, int> NoteOthers(ConversionTarget target, StoredModel model, DType? format)
    {
        if (!target.IsGguf) return new Dictionary<DType, int>();
        DType type = format ?? ModelConverter.TypeInGguf(model);
        IReadOnlyDictionary<DType, int> others = ModelConverter.OtherTypesInGguf(model, type);
        if (WeightFormats.NoteOf(type, others, "become") is { } note) Log.Line(note);
        return others;
    }

    private static IReadOnlyList<DType> TypesOf(ConversionTarget target) => target.IsGguf ? ModelConverter.GgufTypes : ModelConverter.FolderTypes;

    private static void WriteJson(ConversionTarget target, IReadOnlyDictionary<DType, int> others, double seconds) => StandardOutput.WriteJson(json =>
    {
        json.Text("output", target.Output);
        json.Texts("files", target.Files);
        json.Number("bytes", target.Bytes);
        json.Number("tensors", target.Tensors);
        json.Counts("otherTypes", others);
        json.Number("seconds", seconds);
        json.Number("measuredPeakBytes", MeasuredMemory.PeakResidentBytes());
    });
}
