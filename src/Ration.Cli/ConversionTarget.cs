using Ration.Cli.Inspection;
using Ration.Cli.Output;
using Ration.Files;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Cli;

/// <summary>
/// Where a converted model goes. It appears under its name when it is whole: a new folder is filled under another name first, and files that are there are
/// replaced when all of the new ones are complete.
/// </summary>
internal sealed class ConversionTarget
{
    // Of files that models or archives are. Any word will not do: folders of models often have a dot in their name.
    private static readonly string[] s_fileExtensions =
        [".bin", ".ckpt", ".ggml", ".gz", ".h5", ".json", ".model", ".npy", ".npz", ".onnx", ".pkl", ".pt", ".pth", ".safetensor", ".safetensors", ".tar", ".tgz", ".txt", ".zip"];

    private const string Option = "--output";

    private readonly bool _overwrite;
    private readonly long? _largestFileBytes;

    /// <summary>A file, if the name ends in <c>.gguf</c>, or a folder.</summary>
    /// <param name="output">What was named.</param>
    /// <param name="overwrite">Whether what is there may be replaced.</param>
    /// <param name="largestFileBytes">What a file may hold, so that there may be several; null for no more than usual.</param>
    /// <exception cref="InvalidInputException">The name is that of another kind of file, or something lies there that must not be replaced.</exception>
    public ConversionTarget(string output, bool overwrite, long? largestFileBytes = null)
    {
        (Output, _overwrite, _largestFileBytes) = (output, overwrite, largestFileBytes);
        string extension = Path.GetExtension(output);
        if (s_fileExtensions.Contains(extension, StringComparer.OrdinalIgnoreCase) && !Path.Exists(output))
            throw new InvalidInputException($"{Option} {output}: {extension} files are not written; give a name that ends in .gguf, or that of a folder for safetensors files");
        InPlace(RequireFree);
    }

    /// <summary>What was named.</summary>
    public string Output { get; }

    /// <summary>The files that were written.</summary>
    public IReadOnlyList<string> Files { get; private set; } = [];

    /// <summary>Their bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many tensors they hold.</summary>
    public int Tensors { get; private set; }

    /// <summary>Whether it is a GGUF file.</summary>
    public bool IsGguf => Output.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);

    /// <summary>Converts.</summary>
    /// <exception cref="InvalidInputException">It cannot be written.</exception>
    public void Write(StoredModel model, ModelConversionOptions options, CancellationToken cancellation)
    {
        InPlace(() =>
        {
            if (IsGguf) WriteGguf(model, options, cancellation);
            else WriteFolder(model, options, cancellation);
        });
        Bytes = Files.Sum(static file => new FileInfo(file).Length);
        Tensors = ModelInspector.Open(IsGguf ? Files[0] : Output).Tensors.Count;
    }

    private void InPlace(Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException or ArgumentException { ParamName: "path" })
        {
            throw new InvalidInputException($"{Option} {Output}: it cannot be written ({e.Message}); name another place", e);
        }
    }

    private void RequireFree()
    {
        if (IsGguf)
        {
            OutputFile.RequireFree(Option, Output, _overwrite);
            if (_largestFileBytes is not null && !_overwrite && Parts().FirstOrDefault() is { } part)
                throw new InvalidInputException($"{Option} {Output}: {part} exists already; give another name, or --overwrite to replace it");
            return;
        }

        if (File.Exists(Output)) throw new InvalidInputException($"{Option} {Output}: this is a file; name a folder, or a file that ends in .gguf");
        if (!Directory.Exists(Output)) return;
        if (!_overwrite && Directory.EnumerateFileSystemEntries(Output).Any()) throw new InvalidInputException($"{Option} {Output} exists already; give another name, or --overwrite to replace it");
        if (RunFolder.FindCheckpoint(Output) is { IsDone: false } run)
            throw new InvalidInputException(
                $"{Option} {Output}: it holds a run that stopped at step {run.StepsDone:N0} of {run.Steps:N0}, which could not be resumed once another model lay there; give another name");
    }

    // Of an earlier conversion; how many parts this one will have is not known before its tensors are laid out.
    private IEnumerable<string> Parts()
    {
        string whole = Path.GetFullPath(Output), folder = Path.GetDirectoryName(whole)!;
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder, $"{Path.GetFileNameWithoutExtension(whole)}-?????-of-?????.gguf").Order(StringComparer.Ordinal) : [];
    }

    private void WriteGguf(StoredModel model, ModelConversionOptions options, CancellationToken cancellation)
    {
        using OutputFolder folder = OutputFile.Prepare(Option, Output, _overwrite);
        Files = ModelExport.ToGguf(model, Output, options, cancellation);
    }

    private void WriteFolder(StoredModel model, ModelConversionOptions options, CancellationToken cancellation)
    {
        if (!Directory.Exists(Output)) WriteNewFolder(model, options, cancellation);
        else ReplaceFolder(model, options, cancellation);
        Files = [.. Directory.EnumerateFiles(Output).Order(StringComparer.Ordinal)];
    }

    private void ReplaceFolder(StoredModel model, ModelConversionOptions options, CancellationToken cancellation)
    {
        ModelExport.ToHuggingFace(model, Output, options, cancellation);
        if (!File.Exists(Path.Combine(Output, TrainingCheckpoint.FileName))) return;
        // It is that of the model before: to resume it would bring that back.
        RunFolder.DeleteCheckpoint(Output);
        Log.Line("note: the checkpoint of the run that was there went with its model");
    }

    private void WriteNewFolder(StoredModel model, ModelConversionOptions options, CancellationToken cancellation)
    {
        string whole = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Output));
        string unfinished = $"{whole}.unfinished-{Environment.ProcessId}";
        using OutputFolder folder = OutputFolder.Create(unfinished, Option, Output);
        try
        {
            ModelExport.ToHuggingFace(model, unfinished, options, cancellation);
            Directory.Move(unfinished, whole);
        }
        catch
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }
    }
}
