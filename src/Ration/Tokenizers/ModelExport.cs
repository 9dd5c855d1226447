using Ration.Files;
using Ration.Files.Gguf;
using Ration.Tokenizers.Gguf;
using Ration.Tokenizers.HuggingFace;

namespace Ration.Tokenizers;

/// <summary>Writes a stored model together with its tokenizer in another layout or another number format: what <see cref="ModelConverter"/>
/// does with the weights, and the tokenizer in the words of the new files.</summary>
public static class ModelExport
{
    /// <summary>Writes a Hugging Face folder.</summary>
    /// <param name="model">What to write.</param>
    /// <param name="folder">Created if missing.</param>
    /// <param name="options">How; the type is one of <see cref="ModelConverter.FolderTypes"/>.</param>
    /// <param name="cancellation">Ends the work; no file is left incomplete.</param>
    /// <exception cref="InvalidInputException">Folders cannot hold the type, the model or its tokenizer, or the folder is the model's own.</exception>
    public static void ToHuggingFace(StoredModel model, string folder, ModelConversionOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        // Read before the weights are written, so that a tokenizer that cannot be used is found out at once.
        TokenizerDescription? tokenizer = Own(model);
        ModelConverter.ToHuggingFace(model, folder, options, cancellation);
        if (tokenizer is not null) TokenizerFolderWriter.Write(folder, tokenizer);
    }

    /// <summary>Writes a GGUF file, or several where it would be larger than wanted.</summary>
    /// <param name="model">What to write.</param>
    /// <param name="path">The file; <c>model.gguf</c> becomes <c>model-00001-of-00003.gguf</c> and so on where there are several.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Ends the work; no file is left incomplete.</param>
    /// <returns>The files.</returns>
    /// <exception cref="InvalidInputException">GGUF cannot hold the type, the model or its tokenizer, or the file is the model's own.</exception>
    public static IReadOnlyList<string> ToGguf(StoredModel model, string path, ModelConversionOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ModelConversionOptions();
        return ModelConverter.ToGguf(model, path, options with { Tokenizer = TokenizerOf(model) }, cancellation);
    }

    /// <summary>Writes the tokenizer of a GGUF file into a folder, for a model that was trained from it; of other files nothing is written.</summary>
    /// <exception cref="InvalidInputException">The tokenizer cannot be used, or a file cannot be written.</exception>
    public static void SaveTokenizer(StoredModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (Own(model) is { } tokenizer) TokenizerFolderWriter.Write(folder, tokenizer);
    }

    private static TokenizerDescription? Own(StoredModel model) => model.Text.Metadata is { } metadata && GgufVocabulary.IsIn(metadata) ? GgufTokenizer.Describe(metadata) : null;

    // Null where the weights' own file has the words already.
    private static Action<GgufWriter>? TokenizerOf(StoredModel model)
    {
        if (model.Text.Metadata is { } metadata) return GgufVocabulary.IsIn(metadata) ? null : GgufVocabularyWriter.WriteNone;
        bool hasTokenizer = model.BuiltInTokenizer is not null
            || (Directory.Exists(model.Text.Path) && HuggingFaceFolder.TokenizerOf(model.Text.Path) is not null);
        if (!hasTokenizer) return GgufVocabularyWriter.WriteNone;
        TokenizerDescription description = ModelTokenizer.Describe(model);
        return writer => GgufVocabularyWriter.Write(writer, description with { EndIds = [.. model.EndIds.Concat(description.EndIds).Distinct()] }, model.Configuration.Vocabulary, model.Path);
    }
}
