using Ration.Tokenizers.BytePair;

namespace Ration.Tokenizers.Gguf;

/// <summary>Says by scores what a list of merges says by its order: SentencePiece merges whatever two tokens make a third, the best score first.</summary>
internal static class MergeScores
{
    // Those of real vocabularies have a few dozen bytes; this keeps the work in bounds.
    private const int LongestToken = 512;

    /// <summary>A score for each token.</summary>
    /// <exception cref="FormatException">Scores would merge what the list does not; the message is a clause.</exception>
    public static float[] Of(TokenVocabulary vocabulary, MergeTable merges)
    {
        float[] scores = new float[vocabulary.Count];
        int order = 0;
        foreach ((_, _, int merged) in merges.InOrder())
            if (scores[merged] == 0) scores[merged] = -++order;
        for (int id = 0; id < vocabulary.Count; id++)
            if (vocabulary.Kind(id) == TokenKind.Normal) RequireAll(vocabulary, merges, id);
        return scores;
    }

    private static void RequireAll(TokenVocabulary vocabulary, MergeTable merges, int id)
    {
        foreach ((int left, int right) in Halves(vocabulary, id))
            if (!merges.TryGet(left, right, out _, out _)) throw new FormatException($"merges by a list that lacks a pair of tokens that make token {id} (tokenizer.json)");
    }

    /// <summary>The pairs of tokens that together have the bytes of a token.</summary>
    /// <exception cref="FormatException">It is too long; the message is a clause.</exception>
    public static IEnumerable<(int Left, int Right)> Halves(TokenVocabulary vocabulary, int id)
    {
        int length = vocabulary.Bytes(id).Length;
        if (length > LongestToken) throw new FormatException($"has a token of {length} bytes");
        for (int at = 1; at < length; at++)
        {
            // Not inside a character.
            if ((vocabulary.Bytes(id)[at] & 0xC0) == 0x80) continue;
            int left = vocabulary.Find(vocabulary.Bytes(id)[..at]), right = left < 0 ? -1 : vocabulary.Find(vocabulary.Bytes(id)[at..]);
            if (right >= 0 && vocabulary.Kind(left) == TokenKind.Normal && vocabulary.Kind(right) == TokenKind.Normal) yield return (left, right);
        }
    }
}
