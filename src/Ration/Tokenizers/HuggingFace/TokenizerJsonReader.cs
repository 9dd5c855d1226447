using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Ration.Files;
using Ration.Tokenizers.Special;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Reads <c>tokenizer.json</c>, the file of Hugging Face's tokenizers library. Whatever would change tokens unseen is refused by
/// name.</summary>
internal static class TokenizerJsonReader
{
    /// <summary>The name of the file in a model's folder.</summary>
    public const string FileName = "tokenizer.json";

    private const long FileLimit = 128 << 20;
    private const int MostAdded = 1 << 16;
    private const string HowToMend = "copy it again from the model's source or use a model with another tokenizer";

    private static readonly string[] s_decoders = ["ByteLevel", "Metaspace", "WordPiece", "ByteFallback", "Fuse", "Strip", "Replace", "Sequence"];

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="FileFormatException">It is no tokenizer, or one that Ration does not know.</exception>
    /// <exception cref="InvalidInputException">It is missing or may not be read.</exception>
    public static ReadTokenizer Read(string path)
    {
        using SafeFileHandle handle = InputFile.Open(path, out long length);
        if (length > FileLimit) throw new FileFormatException(path, $"the file has {length} bytes, too many for a tokenizer", "check which file this is");
        byte[] bytes = new byte[length];
        InputFile.ReadExactly(handle, path, 0, bytes);
        return Parse(bytes, path);
    }

    /// <summary>Reads and checks the bytes of a file; <paramref name="path"/> is for messages.</summary>
    /// <exception cref="FileFormatException">They are no tokenizer, or one that Ration does not know.</exception>
    public static ReadTokenizer Parse(ReadOnlyMemory<byte> bytes, string path)
    {
        try
        {
            return ReadParts(new JsonFields(bytes, "the file"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonFault.Of(path, e, HowToMend);
        }
        catch (Exception e) when (e is FormatException or InvalidInputException and not FileFormatException)
        {
            throw new FileFormatException(path, e.Message, HowToMend, e);
        }
    }

    private static ReadTokenizer ReadParts(JsonFields file)
    {
        ReadOnlyMemory<byte> modelText = file.Raw("model");
        if (modelText.IsEmpty) throw new FormatException("the file has no model");
        var pipeline = new TextPipeline();
        NormalizerReader.Read(file.Element("normalizer"), pipeline);
        List<AddedToken> added = ReadAdded(file.Element("added_tokens"), pipeline);
        PreTokenizerReader.Read(file.Element("pre_tokenizer"), pipeline);
        CheckDecoder(file.Element("decoder"), pipeline);
        var model = new JsonFields(modelText, "the model");
        (ITokenizer inner, TokenVocabulary vocabulary) = new JsonModelReader(model, pipeline, added).Read();
        var tokenizer = new ReadTokenizer { Inner = inner, Vocabulary = vocabulary, Added = added };
        tokenizer = PostProcessorReader.Read(file.Element("post_processor"), tokenizer);
        int ids = added.Aggregate(vocabulary.Count, static (count, token) => Math.Max(count, token.Id + 1));
        foreach (int? id in (int?[])[tokenizer.BeginningId, tokenizer.EndId])
            if (id is { } given && (given < 0 || given >= ids)) throw new FormatException($"its post-processor adds token {given}, and there are {ids} tokens");
        return tokenizer;
    }

    private static List<AddedToken> ReadAdded(JsonElement tokens, TextPipeline pipeline)
    {
        var added = new List<AddedToken>();
        var seen = new HashSet<int>();
        foreach (JsonElement token in tokens.Items("added_tokens"))
        {
            if (added.Count == MostAdded) throw new FormatException($"it has more than {MostAdded} added tokens");
            string text = token.Member("content").TextOrNull("content") ?? "";
            if (text.Length is 0 or > TokenVocabulary.MaxTokenBytes / 3) throw new FormatException($"added token {added.Count} has {text.Length} characters");
            int id = token.Member("id").IntegerOr("id", -1);
            if (id is < 0 or >= TokenVocabulary.MaxCount) throw new FormatException($"the added token {InvalidInputException.Quote(text)} has the id {id}");
            if (!seen.Add(id)) throw new FormatException($"two added tokens have the id {id}");
            if (token.Member("single_word").FlagOr("single_word", false))
                throw new FormatException($"the added token {InvalidInputException.Quote(text)} is found only as a whole word (single_word), which Ration does not do");
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            bool isSpecial = token.Member("special").FlagOr("special", false);
            // Special ones are found only where a caller asks for them, who spells them out as they are.
            if (!isSpecial && token.Member("normalized").FlagOr("normalized", false) && pipeline.MovesAdded(bytes))
                throw new FormatException(
                    $"the added token {InvalidInputException.Quote(text)} is looked for in normalized text (normalized), where its normalizer moves it; Ration looks for it in the text as it is");
            added.Add(new AddedToken(id, bytes, isSpecial,
                token.Member("lstrip").FlagOr("lstrip", false), token.Member("rstrip").FlagOr("rstrip", false)));
        }

        return added;
    }

    // What tokens stand for follows from the model; a decoder only has to be one of those that say the same.
    private static void CheckDecoder(JsonElement decoder, TextPipeline pipeline)
    {
        if (!decoder.IsGiven()) return;
        string type = decoder.Member("type").TextOrNull("the type of the decoder") ?? "";
        if (!s_decoders.Contains(type)) throw new FormatException($"its decoder {InvalidInputException.Quote(type)} is none that Ration knows");
        pipeline.IsByteLevel |= type == "ByteLevel";
        foreach (JsonElement part in decoder.Member("decoders").Items("decoders")) CheckDecoder(part, pipeline);
    }
}
