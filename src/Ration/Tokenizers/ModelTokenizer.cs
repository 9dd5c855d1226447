using Ration.Files;
using Ration.Files.HuggingFace;

namespace Ration.Tokenizers;

/// <summary>Finds the tokenizer of a model.</summary>
public static class ModelTokenizer
{
    /// <summary>The tokenizer that the model in a folder was trained with.</summary>
    /// <exception cref="InvalidInputException">It is none that is known.</exception>
    public static ITokenizer Read(string folder)
    {
        HuggingFaceConfig config = HuggingFaceFolder.ReadConfig(folder);
        return config.Tokenizer == "bytes"
            ? new ByteTokenizer(config.Model.Vocabulary)
            : throw new InvalidInputException($"{InvalidInputException.Quote(folder)} has no tokenizer that Ration can read; only models trained by Ration on bytes can be used so far");
    }
}
