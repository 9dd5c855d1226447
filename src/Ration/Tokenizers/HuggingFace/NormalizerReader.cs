using System.Text;
using System.Text.Json;
using Ration.Tokenizers.Normalization;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Reads the <c>normalizer</c> of a <c>tokenizer.json</c>.</summary>
internal static class NormalizerReader
{
    private const string SpaceMark = "\u2581";

    // Replacements of real rules are a few characters.
    private const int LongestContent = 256;

    /// <summary>Adds what a normalizer does to a pipeline.</summary>
    /// <exception cref="FormatException">It is none that is known; the message is a clause.</exception>
    public static void Read(JsonElement normalizer, TextPipeline pipeline)
    {
        if (!normalizer.IsGiven()) return;
        string type = normalizer.Member("type").TextOrNull("the type of the normalizer") ?? throw new FormatException("the normalizer has no type");
        switch (type)
        {
            case "Sequence":
                foreach (JsonElement part in normalizer.Member("normalizers").Items("normalizers")) Read(part, pipeline);
                break;
            case "Prepend":
                if (normalizer.Member("prepend").TextOrNull("prepend") is not SpaceMark)
                    throw new FormatException("the normalizer Prepend puts something other than U+2581 before texts, which Ration does not do");
                pipeline.Prefix = SpacePrefix.Always;
                break;
            case "Replace":
                ReadReplace(normalizer, pipeline);
                break;
            case "Strip":
                pipeline.Strips |= normalizer.Member("strip_left").FlagOr("strip_left", true) || normalizer.Member("strip_right").FlagOr("strip_right", true);
                break;
            default:
                pipeline.Normalizers.Add(Simple(type, normalizer));
                break;
        }
    }

    private static ITextNormalizer Simple(string type, JsonElement normalizer) => type switch
    {
        "NFC" => new UnicodeNormalizer(UnicodeForm.Nfc),
        "NFD" => new UnicodeNormalizer(UnicodeForm.Nfd),
        "NFKC" => new UnicodeNormalizer(UnicodeForm.Nfkc),
        "NFKD" => new UnicodeNormalizer(UnicodeForm.Nfkd),
        "Lowercase" => new LowercaseNormalizer(),
        "StripAccents" => new StripAccentsNormalizer(onlyNonspacing: false),
        "Nmt" => new NmtNormalizer(),
        "BertNormalizer" => Bert(normalizer),
        "Precompiled" => new CharacterMapNormalizer(normalizer.Member("precompiled_charsmap") is { ValueKind: JsonValueKind.String } map && map.TryGetBytesFromBase64(out byte[]? bytes)
            ? bytes : throw new FormatException("the precompiled character map is not base64")),
        _ => throw new FormatException($"its normalizer {InvalidInputException.Quote(type)} is none that Ration knows"),
    };

    private static BertNormalizer Bert(JsonElement normalizer)
    {
        bool lowercase = normalizer.Member("lowercase").FlagOr("lowercase", true);
        return new BertNormalizer(
            normalizer.Member("clean_text").FlagOr("clean_text", true),
            normalizer.Member("handle_chinese_chars").FlagOr("handle_chinese_chars", true),
            normalizer.Member("strip_accents").FlagOr("strip_accents", lowercase),
            lowercase);
    }

    private static void ReadReplace(JsonElement normalizer, TextPipeline pipeline)
    {
        JsonElement pattern = normalizer.Member("pattern");
        string content = normalizer.Member("content").TextOrNull("content") ?? "";
        if (pattern.Member("Regex").TextOrNull("Regex") is { } expression)
        {
            if (expression is not " {2,}" || content is not (" " or SpaceMark))
                throw new FormatException($"its normalizer replaces {InvalidInputException.Quote(expression)}, an expression that Ration does not know");
            pipeline.CollapsesSpaces = true;
            return;
        }

        string text = pattern.Member("String").TextOrNull("String") ?? "";
        if (text.Length == 0) throw new FormatException("its normalizer Replace has no pattern");
        if (content.Length > LongestContent) throw new FormatException($"its normalizer Replace puts in {content.Length} characters; at most {LongestContent} are allowed");
        if (text == " " && content == SpaceMark) pipeline.MarksSpaces = true;
        else pipeline.Normalizers.Add(new ReplaceNormalizer(Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(content)));
    }
}
