using Ration.Files;
using Ration.Files.Gguf;
using Ration.Files.HuggingFace;
using Ration.Files.Peft;
using Ration.Tokenizers.Gguf;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tokenizers;

/// <summary>Finds the tokenizer of a model.</summary>
public static class ModelTokenizer
{
    /// <summary>The tokenizer that the model in a folder was trained with.</summary>
    /// <exception cref="InvalidInputException">It is none that is known.</exception>
    public static ITokenizer Read(string folder) => Describe(folder).Tokenizer;

    /// <summary>The tokenizer of an open model.</summary>
    /// <exception cref="InvalidInputException">There is none, or it cannot be used.</exception>
    public static TokenizerDescription Describe(StoredModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        StoredModel text = model.Text;
        if (text.Metadata is { } metadata) return GgufTokenizer.Describe(metadata);
        return Directory.Exists(text.Path) ? Describe(text.Path)
            : throw NoneInFile(text.Path);
    }

    /// <summary>The tokenizer of a file or folder; of an adapter without one, that of the base model that it names.</summary>
    /// <exception cref="InvalidInputException">There is none, or one of the files cannot be used.</exception>
    public static TokenizerDescription Describe(string folder) => Describe(folder, null);

    /// <summary>The tokenizer of a GGUF file, or of the model in a folder: from <c>tokenizer.json</c>, else <c>tokenizer.model</c>, else
    /// Ration's own bytes, with what <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c>, <c>generation_config.json</c> and
    /// <c>chat_template.jinja</c> add. An adapter without a tokenizer has its base model's.</summary>
    /// <param name="folder">The folder or file.</param>
    /// <param name="baseModel">The base of an adapter; null to take the one that it names.</param>
    /// <exception cref="InvalidInputException">There is none, or one of the files cannot be used.</exception>
    public static TokenizerDescription Describe(string folder, string? baseModel)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        bool isAdapter = BaseModel.IsAdapter(folder);
        if (!isAdapter) BaseModel.RequireNone(folder, baseModel);
        if (File.Exists(folder))
        {
            if (Path.GetExtension(folder).Equals(".bin", StringComparison.OrdinalIgnoreCase)) throw NoneInFile(folder);
            using GgufFile file = GgufFile.Open(folder);
            return GgufTokenizer.Describe(file.Metadata);
        }

        if (isAdapter && HuggingFaceFolder.TokenizerOf(folder) is null) return Describe(BaseModel.Find(folder, baseModel));
        string json = Path.Combine(folder, TokenizerJsonReader.FileName), model = Path.Combine(folder, SentencePieceModelTokenizer.FileName);
        if (File.Exists(json)) return TokenizerFolder.Describe(folder, TokenizerJsonReader.Read(json));
        if (File.Exists(model)) return TokenizerFolder.Describe(folder, SentencePieceModelTokenizer.Create(SentencePieceModelReader.Read(model), model));
        HuggingFaceConfig config = HuggingFaceFolder.ReadConfig(folder);
        return config.Tokenizer == "bytes"
            ? new TokenizerDescription { Tokenizer = new ByteTokenizer(config.Model.Vocabulary) }
            : throw new InvalidInputException($"{InvalidInputException.Quote(folder)} has no tokenizer; copy tokenizer.json or tokenizer.model of the model into it");
    }

    private static InvalidInputException NoneInFile(string path) =>
        new(
            $"{InvalidInputException.Quote(path)} has no tokenizer, as files of this format have none; convert the model into a folder (ration convert) and copy "
            + "tokenizer.json or tokenizer.model into it");
}
