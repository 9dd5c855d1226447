using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

/// <summary>Encodes as a caller does whose text and room come bit by bit.</summary>
internal static class InPieces
{
    /// <summary>The tokens of a text given in pieces of random sizes, into rooms of random sizes that hold a piece.</summary>
    public static List<int> Encode(ITokenizer tokenizer, ReadOnlySpan<byte> text, Random random, int mostTokensOfByte = 1)
    {
        var tokens = new List<int>();
        int start = 0, seen = 0;
        while (start < text.Length)
        {
            seen = Math.Min(text.Length, seen + random.Next(40));
            bool isFinal = seen == text.Length && random.Next(2) == 0;
            int[] room = new int[(mostTokensOfByte * (seen - start)) + 1 + random.Next(20)];
            tokenizer.Encode(text[start..seen], room, isFinal, out int consumed, out int written);
            Assert.InRange(consumed, isFinal ? 1 : 0, seen - start);
            Assert.InRange(written, 0, room.Length);
            tokens.AddRange(room.AsSpan(0, written));
            start += consumed;
        }

        return tokens;
    }
}
