using System.Text;
using System.Text.Json;
using Ration.Tokenizers.BytePair;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>Reads the long lists of the <c>model</c> of a <c>tokenizer.json</c> (tokens, scores, merges) as they stream by.</summary>
internal static class ModelListReader
{
    /// <summary>An object of token to id.</summary>
    /// <exception cref="FormatException">It is another thing.</exception>
    public static TokenList ReadIds(ReadOnlySpan<byte> json)
    {
        var tokens = new TokenList();
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new FormatException("its vocabulary is not an object");
        Span<byte> text = new byte[MostBytes];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int length = Copy(ref reader, text);
            if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id))
                throw new FormatException($"the id of token {InvalidInputException.Quote(Encoding.UTF8.GetString(text[..length]))} is not a whole number");
            tokens.Add(id, text[..length]);
        }

        return tokens;
    }

    /// <summary>An array of pairs of token and score.</summary>
    /// <exception cref="FormatException">It is another thing.</exception>
    public static TokenList ReadScores(ReadOnlySpan<byte> json)
    {
        var tokens = new TokenList();
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw new FormatException("its vocabulary is not a list");
        Span<byte> text = new byte[MostBytes];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.String) throw new FormatException($"token {tokens.Count} has no text");
            int length = Copy(ref reader, text);
            if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetSingle(out float score)) throw new FormatException($"token {tokens.Count} has no score");
            tokens.Add(tokens.Count, text[..length], score);
            if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray) throw new FormatException($"token {tokens.Count - 1} has more than a text and a score");
        }

        if (reader.TokenType != JsonTokenType.EndArray) throw new FormatException($"token {tokens.Count} is not a pair");
        return tokens;
    }

    /// <summary>An array of merges, each a string with a space in it or a pair of strings.</summary>
    /// <param name="json">The array.</param>
    /// <param name="vocabulary">Has what they merge.</param>
    /// <param name="decode">The bytes of a token as it is written.</param>
    /// <exception cref="FormatException">It is another thing.</exception>
    public static MergeTable ReadMerges(ReadOnlySpan<byte> json, TokenVocabulary vocabulary, Func<string, byte[]> decode)
    {
        var table = new MergeTable(vocabulary, vocabulary.Count);
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw new FormatException("its merges are not a list");
        for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            string left, right;
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                left = Text(ref reader, index);
                right = Text(ref reader, index);
                if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray) throw new FormatException($"merge {index} has more than two parts");
            }
            else
            {
                string both = reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new FormatException($"merge {index} is not a string");
                int space = both.Length < 3 ? -1 : both.IndexOf(' ', 1);
                if (space < 0 || space == both.Length - 1) throw new FormatException($"merge {index} is {InvalidInputException.Quote(both)}, not two tokens with a space between");
                (left, right) = (both[..space], both[(space + 1)..]);
            }

            table.Add(decode(left), decode(right));
        }

        return table;
    }

    // The longest token of a vocabulary, each byte of it escaped.
    private const int MostBytes = 6 * TokenVocabulary.MaxTokenBytes;

    private static int Copy(ref Utf8JsonReader reader, Span<byte> text) => reader.ValueSpan.Length <= MostBytes ? reader.CopyString(text)
        : throw new FormatException($"a token has {reader.ValueSpan.Length} bytes, too many");

    private static string Text(ref Utf8JsonReader reader, int index) =>
        reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new FormatException($"merge {index} is not two strings");
}
