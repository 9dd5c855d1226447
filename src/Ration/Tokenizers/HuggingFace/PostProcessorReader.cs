using System.Text.Json;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Reads from the <c>post_processor</c> of a <c>tokenizer.json</c> which tokens begin and end a text.</summary>
internal static class PostProcessorReader
{
    /// <summary>The tokenizer with what the post-processor adds to texts.</summary>
    /// <exception cref="FormatException">It is none that is known; the message is a clause.</exception>
    public static ReadTokenizer Read(JsonElement processor, ReadTokenizer tokenizer)
    {
        if (!processor.IsGiven()) return tokenizer;
        string type = processor.Member("type").TextOrNull("the type of the post-processor") ?? throw new FormatException("the post-processor has no type");
        switch (type)
        {
            case "ByteLevel":
                return tokenizer;
            case "Sequence":
                foreach (JsonElement part in processor.Member("processors").Items("processors")) tokenizer = Read(part, tokenizer);
                return tokenizer;
            case "TemplateProcessing":
                return ReadTemplate(processor, tokenizer);
            case "BertProcessing" or "RobertaProcessing":
                return tokenizer with
                {
                    HasPostProcessor = true,
                    BeginningId = Pair(processor.Member("cls")),
                    AddBeginning = true,
                    EndId = Pair(processor.Member("sep")),
                    AddEnd = true,
                };
            default:
                throw new FormatException($"its post-processor {InvalidInputException.Quote(type)} is none that Ration knows");
        }
    }

    private static ReadTokenizer ReadTemplate(JsonElement processor, ReadTokenizer tokenizer)
    {
        bool afterText = false;
        foreach (JsonElement part in processor.Member("single").Items("single"))
        {
            if (part.Member("Sequence").IsGiven())
            {
                if (afterText) throw new FormatException("its post-processor repeats the text, which Ration does not do");
                afterText = true;
                continue;
            }

            string name = part.Member("SpecialToken").Member("id").TextOrNull("id") ?? throw new FormatException("a part of its post-processor is neither text nor token");
            JsonElement ids = processor.Member("special_tokens").Member(name).Member("ids");
            if (ids.ValueKind != JsonValueKind.Array || ids.GetArrayLength() != 1) throw new FormatException($"the token {InvalidInputException.Quote(name)} of its post-processor is not one id");
            int id = ids[0].IntegerOr("the id", -1);
            if (afterText ? tokenizer.AddEnd : tokenizer.AddBeginning) throw new FormatException("its post-processor adds two tokens on one side of a text, and Ration one at most");
            tokenizer = afterText ? tokenizer with { EndId = id, AddEnd = true } : tokenizer with { BeginningId = id, AddBeginning = true };
        }

        return tokenizer with { HasPostProcessor = true };
    }

    // ["[CLS]", 101]
    private static int Pair(JsonElement pair) => pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
        ? pair[1].IntegerOr("the id", -1) : throw new FormatException("a token of its post-processor is not a pair of text and id");
}
