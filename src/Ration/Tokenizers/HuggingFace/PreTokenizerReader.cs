using System.Text.Json;
using System.Text.RegularExpressions;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Reads the <c>pre_tokenizer</c> of a <c>tokenizer.json</c>.</summary>
internal static class PreTokenizerReader
{
    /// <summary>Adds what a pre-tokenizer does to a pipeline.</summary>
    /// <exception cref="FormatException">It is none that is known; the message is a clause.</exception>
    public static void Read(JsonElement preTokenizer, TextPipeline pipeline)
    {
        if (!preTokenizer.IsGiven()) return;
        string type = preTokenizer.Member("type").TextOrNull("the type of the pre-tokenizer") ?? throw new FormatException("the pre-tokenizer has no type");
        switch (type)
        {
            case "Sequence":
                foreach (JsonElement part in preTokenizer.Member("pretokenizers").Items("pretokenizers")) Read(part, pipeline);
                break;
            case "ByteLevel":
                if (preTokenizer.Member("add_prefix_space").FlagOr("add_prefix_space", true))
                    throw new FormatException("its pre-tokenizer ByteLevel puts a space before texts (add_prefix_space), which Ration does not do");
                pipeline.IsByteLevel = true;
                if (preTokenizer.Member("use_regex").FlagOr("use_regex", true)) pipeline.Stages.Add(SplitStages.Gpt2);
                break;
            case "Split":
                ReadSplit(preTokenizer, pipeline);
                break;
            case "Digits":
                pipeline.Stages.Add(preTokenizer.Member("individual_digits").FlagOr("individual_digits", false) ? SplitStages.SingleNumbers : SplitStages.Numbers);
                break;
            case "Punctuation":
                pipeline.Stages.Add((preTokenizer.Member("behavior").TextOrNull("behavior") ?? "Isolated") switch
                {
                    "Isolated" => SplitStages.SinglePunctuations,
                    "Contiguous" => SplitStages.FalconPunctuations,
                    string other => throw new FormatException($"its pre-tokenizer Punctuation has the behavior {InvalidInputException.Quote(other)}, which Ration does not know"),
                });
                break;
            case "Metaspace":
                ReadMetaspace(preTokenizer, pipeline);
                break;
            case "WhitespaceSplit":
                if (pipeline.MarksSpaces || pipeline.Prefix != SpacePrefix.Never)
                    throw new FormatException("its pre-tokenizer WhitespaceSplit comes after spaces are marked by U+2581, which Ration does not do");
                // Each word is marked by itself afterwards.
                pipeline.CutsAtWhiteSpace = pipeline.CollapsesSpaces = pipeline.SeparatesSpaces = true;
                break;
            case "BertPreTokenizer":
                pipeline.IsBert = true;
                break;
            default:
                throw new FormatException($"its pre-tokenizer {InvalidInputException.Quote(type)} is none that Ration knows");
        }
    }

    private static void ReadMetaspace(JsonElement metaspace, TextPipeline pipeline)
    {
        if ((metaspace.Member("replacement").TextOrNull("replacement") ?? "\u2581") != "\u2581")
            throw new FormatException("its pre-tokenizer Metaspace writes spaces as something other than U+2581, which Ration does not do");
        string? scheme = metaspace.Member("prepend_scheme").TextOrNull("prepend_scheme");
        pipeline.MarksSpaces = true;
        SpacePrefix prefix = scheme switch
        {
            null => metaspace.Member("add_prefix_space").FlagOr("add_prefix_space", true) ? SpacePrefix.WhereMissing : SpacePrefix.Never,
            "always" => SpacePrefix.WhereMissing,
            "first" => SpacePrefix.FirstWhereMissing,
            "never" => SpacePrefix.Never,
            _ => throw new FormatException($"its pre-tokenizer Metaspace has the prepend_scheme {InvalidInputException.Quote(scheme)}, which Ration does not know"),
        };
        if (pipeline.CutsAtWhiteSpace && prefix != SpacePrefix.WhereMissing)
            throw new FormatException("its pre-tokenizer Metaspace does not mark every word that WhitespaceSplit cuts, which Ration does not do");
        // What Prepend of the normalizer put there is found.
        if (pipeline.Prefix == SpacePrefix.Never) pipeline.Prefix = prefix;
        pipeline.SeparatesSpaces |= metaspace.Member("split").FlagOr("split", true);
    }

    // Every known expression leaves nothing between its matches, so "isolate matches" and "drop what does not match" are the same.
    private static void ReadSplit(JsonElement split, TextPipeline pipeline)
    {
        string behavior = split.Member("behavior").TextOrNull("behavior") ?? "";
        bool inverted = split.Member("invert").FlagOr("invert", false);
        string? literal = split.Member("pattern").Member("String").TextOrNull("String");
        // Spaces are gone by then, so nothing is cut.
        if (literal == " " && pipeline.MarksSpaces) return;
        string expression = literal is not null ? Regex.Escape(literal) : split.Member("pattern").Member("Regex").TextOrNull("Regex")
            ?? throw new FormatException("its pre-tokenizer Split has no pattern");
        if ((behavior, inverted) is not (("Isolated", _) or ("Removed", true)))
            throw new FormatException($"its pre-tokenizer Split has the behavior {InvalidInputException.Quote(behavior)}, which Ration does not know");
        pipeline.Stages.Add(SplitStages.Find(expression)
            ?? throw new FormatException($"its pre-tokenizer cuts by {InvalidInputException.Quote(expression)}, an expression that Ration does not know"));
    }
}
